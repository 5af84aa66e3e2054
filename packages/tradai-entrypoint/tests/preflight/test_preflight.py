"""Every check on good, bad and doubtful facts: a doubt is refused with a sentence on what to do."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import pytest

from tradai.core import MarketSnapshot, StrategyConfig, TradingMode
from tradai.core.exceptions import ExternalServiceError, TradingError
from tradai.core.live import OrderPolicy
from tradai.entrypoint import CheckRow, CheckStatus
from tradai.entrypoint._live._account.account import (
    AccountState,
    Balance,
    ExchangeOrder,
    KeyRights,
    OrderStatus,
)
from tradai.entrypoint._live._account.account_errors import KeyRefusedError
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.reconcile import Reconciliation
from tradai.entrypoint._live._risk.halt_latch import HaltedError
from tradai.entrypoint._live.check_table import refusals
from tradai.entrypoint._preflight.checks import run_checks
from tradai.entrypoint._preflight.facts import (
    Disk,
    DryRun,
    EngineFacts,
    LastCandle,
    Limits,
    Models,
    OpenPosition,
    PreflightFacts,
    StatePlaces,
    TradeDatabase,
    known,
)
from tradai.entrypoint._preflight.preflight import BUILT_IN, preflight_checks

NOW: Final = datetime(2026, 11, 29, 12, 7, tzinfo=UTC)
PREFIX: Final = "x-0123456789ab"
NAMES: Final = [check.name for check in BUILT_IN]
LONG_S: Final = 600.0
NOT_A_SHARE: Final[tuple[object, ...]] = ("0", True, -0.1, 0.51, float("nan"), [])
DOWN: Final = ExternalServiceError("the exchange is down", service="binance", operation="time")
NAN: Final = float("nan")

BOOKED: Final = BookedOrder(
    pair="BTC/USDT",
    order_id="7",
    trade_id=1,
    side="buy",
    is_stop=False,
    is_open=True,
    filled=Decimal(),
    trade_is_open=True,
)

Change = Callable[[PreflightFacts], object]


def rows_of(facts: PreflightFacts, changes: Mapping[str, Any] | None = None) -> dict[str, CheckRow]:
    """Run all checks after `changes`, each a value or a function of the good facts."""
    given = {
        name: value(facts) if callable(value) else value for name, value in (changes or {}).items()
    }
    rows = run_checks(preflight_checks(), replace(facts, **given), timeout_s=LONG_S)
    return {row.name: row for row in rows}


def order(
    symbol: str = "BTCUSDT", client_order_id: str = "web_1", number: str = "7"
) -> ExchangeOrder:
    return ExchangeOrder(
        symbol=symbol,
        order_id=number,
        client_order_id=client_order_id,
        side="buy",
        status=OrderStatus.OPEN,
        amount=Decimal("0.5"),
        filled=Decimal(),
        value=Decimal(),
        price=Decimal(50_000),
        stop_price=None,
    )


def account(*held: tuple[str, str], free: str = "1000", may_trade: bool = True) -> AccountState:
    balances = (("USDT", free), *held)
    return AccountState(
        uid="4242424242",
        may_trade=may_trade,
        balances=tuple(
            Balance(asset=asset, free=Decimal(amount), locked=Decimal())
            for asset, amount in balances
        ),
    )


def engine_config(facts: PreflightFacts, **changes: object) -> Mapping[str, Any]:
    return {**facts.engine_config, **changes}


def config(**execution: object) -> Change:
    """Other rules of execution."""

    def change(facts: PreflightFacts) -> StrategyConfig:
        rules = facts.config.execution.model_copy(update=execution)
        return facts.config.model_copy(update={"execution": rules})

    return change


def parameters(reserve: object) -> Change:
    """Another reserve of the engine."""
    given = {"amount_reserve_percent": reserve}
    return lambda facts: facts.config.model_copy(update={"parameters": given})


def approval(**changes: object) -> Change:
    """An approval of something else."""
    return lambda facts: facts.approval and facts.approval.model_copy(update=changes)


def markets(pair: str, **changes: object) -> Change:
    """Other rules of `pair`; without any it is not listed."""

    def change(facts: PreflightFacts) -> MarketSnapshot:
        snapshot = known(facts.markets)
        others = [each for each in snapshot.markets if each.pair != pair]
        changed = [snapshot.market(pair).model_copy(update=changes)] if changes else []
        return snapshot.model_copy(update={"markets": (*others, *changed)})

    return change


RIGHTS: Final = {"may_read": True, "may_trade": True, "may_withdraw": False, "may_transfer": False}
SPAN: Final = timedelta(minutes=5)
FILE: Final = Path("/state/trades.sqlite")


def state(
    uri: str = f"sqlite:///{FILE}",
    kind: str | None = "ext4",
    *,
    is_container: bool = False,
    volume: str | None = None,
) -> StatePlaces:
    return StatePlaces(
        uris={"trade database": uri},
        disks={FILE: Disk(kind=kind)},
        is_container=is_container,
        durable_volume=Path(volume) if volume else None,
    )


GOOD_RUN: Final = DryRun(
    run_id="r1",
    config_digest="c" * 64,
    duration=timedelta(hours=24),
    exit_code=0,
    is_fallback=False,
)


def candles(opened_at: datetime = NOW, close: str = "60000") -> dict[str, LastCandle]:
    return {
        "BTC/USDT": LastCandle(opened_at=opened_at, close=Decimal(close)),
        "ETH/USDT": LastCandle(opened_at=NOW, close=Decimal(3_000)),
    }


FREQAI: Final = {"freqai": {"enabled": True, "live_retrain_hours": 35}}
DAY: Final = Limits(longest_session=timedelta(hours=24))
NETWORK_DISKS: Final = (
    *("9p", "afpfs", "afs", "ceph", "cifs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"),
)
FOREIGN: Final = TradingError("it has the trades of another", reason="foreign_database")
# Facts to change, the check that then refuses, its exit code, and a part of its sentence.
REFUSED: Final[list[tuple[str, int, str, dict[str, Any]]]] = [
    *(
        ("environment", 78, f"has {name}", {"variable_names": frozenset({name})})
        for name in ("FREQTRADE__DRY_RUN", "freqtrade__exchange__key", "TRADAI_DRY_RUN", "DRY_RUN")
    ),
    ("halt latch", 79, "was halted", {"halt": HaltedError("trading was halted")}),
    ("halt latch", 69, "is down", {"halt": DOWN}),
    ("restart budget", 79, "start 6 of the session within 30", {"starts": (NOW,) * 6}),
    ("restart budget", 69, "is down", {"starts": DOWN}),
    ("durable state", 77, "ends with it", {"state": state(is_container=True)}),
    ("durable state", 77, "ends with it", {"state": state(is_container=True, volume="/sta")}),
    *(
        ("durable state", 77, "is the whole disk", {"state": state(is_container=True, volume=root)})
        for root in ("/", "//")
    ),
    *(
        ("durable state", 77, f"network file system ({kind})", {"state": state(kind=kind)})
        for kind in NETWORK_DISKS
    ),
    (
        "durable state",
        77,
        "network file system (fuse.sshfs)",
        {"state": state(kind="fuse.sshfs", volume="/state")},
    ),
    *(
        ("durable state", 77, f"may not outlive this machine ({kind})", {"state": state(kind=kind)})
        for kind in ("tmpfs", "ramfs", "overlay", "aufs")
    ),
    ("durable state", 77, "may not outlive this machine (unknown)", {"state": state(kind=None)}),
    ("durable state", 77, "kept in memory", {"state": state("sqlite://")}),
    ("durable state", 77, "kept in memory", {"state": state("memory:lease")}),
    (
        "trade database",
        77,
        "trades of Other",
        {"database": TradeDatabase(other_strategies=frozenset({"Other"}))},
    ),
    ("trade database", 69, "is down", {"database": DOWN}),
    ("disk", 74, "0.00 GiB free", {"free_bytes": 0}),
    ("disk", 69, "is down", {"free_bytes": DOWN}),
    ("trade database", 69, "is down", {"database": DOWN}),
    *(
        (name, 77, "has the trades of another", {"database": FOREIGN})
        for name in ("trade database", "balance")
    ),
    (
        "engine schema",
        78,
        "stake_amount: -1 is too small",
        {
            "engine": EngineFacts(
                schema_problems=("stake_amount: -1 is too small",),
                client_order_id=f"{PREFIX}1",
            )
        },
    ),
    ("engine schema", 69, "is down", {"engine": DOWN}),
    (
        "dry-run",
        77,
        "took 23 h 54 min",
        {"dry_runs": (replace(GOOD_RUN, duration=timedelta(hours=23.9)),)},
    ),
    ("dry-run", 77, "no dry-run of this configuration has ended well", {"dry_runs": ()}),
    (
        "dry-run",
        77,
        "no dry-run of this configuration has ended well",
        {"dry_runs": (replace(GOOD_RUN, config_digest="d" * 64),)},
    ),
    (
        "dry-run",
        77,
        "no dry-run of this configuration has ended well",
        {"dry_runs": (replace(GOOD_RUN, exit_code=76),)},
    ),
    (
        "dry-run",
        77,
        "no dry-run of this configuration has ended well",
        {"dry_runs": (replace(GOOD_RUN, exit_code=None),)},
    ),
    (
        "dry-run",
        77,
        "no dry-run of this configuration has ended well",
        {"dry_runs": (replace(GOOD_RUN, is_fallback=True),)},
    ),
    ("dry-run", 69, "is down", {"dry_runs": DOWN}),
    *(
        ("clock", 77, "set it by NTP", {"clock_offset_s": offset_s})
        for offset_s in (2.001, -2.001, 600.0, NAN, float("inf"))
    ),
    ("clock", 69, "is down", {"clock_offset_s": DOWN}),
    *(
        ("key rights", 77, problem, {"rights": KeyRights(**{**RIGHTS, name: given})})
        for name, given, problem in (
            ("may_withdraw", True, "the key may withdraw"),
            ("may_withdraw", None, "it is unknown whether the key may withdraw"),
            ("may_trade", False, "the key may not trade"),
            ("may_trade", None, "it is unknown whether the key may trade"),
            ("may_read", None, "it is unknown whether the key may read"),
            ("may_transfer", True, "the key may transfer"),
            ("may_transfer", None, "it is unknown whether the key may transfer"),
        )
    ),
    ("key rights", 77, "does not let the account trade", {"account": account(may_trade=False)}),
    ("key rights", 78, "no such key", {"rights": KeyRefusedError("no such key")}),
    ("pairs", 65, "ETH/USDT (not listed)", {"markets": markets("ETH/USDT")}),
    (
        "pairs",
        65,
        "ETH/USDT (inactive)",
        {"markets": markets("ETH/USDT", status="inactive")},
    ),
    (
        "pairs",
        65,
        "ETH/USDT (unknown)",
        {"markets": markets("ETH/USDT", status="unknown")},
    ),
    ("pairs", 69, "is down", {"markets": DOWN}),
    ("candles", 69, "BTC/USDT", {"last_candles": candles(opened_at=NOW - 2.01 * SPAN)}),
    ("candles", 69, "BTC/USDT", {"last_candles": candles(opened_at=NOW + 1.01 * SPAN)}),
    ("candles", 69, "BTC/USDT, ETH/USDT", {"last_candles": {}}),
    ("candles", 69, "is down", {"last_candles": DOWN}),
    ("stake", 78, "needs 5.83", {"stake": Decimal("5.5")}),
    ("stake", 78, "needs 7.5", {"stake": Decimal(7), "config": config(stoploss=None)}),
    *(
        ("stake", 78, "give a number from 0 to 0.5", {"config": parameters(reserve)})
        for reserve in NOT_A_SHARE
    ),
    ("stake", 77, "the strategy or the balance decides", {"stake": None}),
    ("balance", 77, "the strategy or the balance decides", {"stake": None}),
    ("stake", 77, "is not approved", {"approval": approval(largest_stake=Decimal("99.9"))}),
    ("stake", 77, "is not approved", {"approval": approval(stake_currency="EUR")}),
    ("stake", 78, "no known price", {"last_candles": candles(close="0")}),
    ("stake", 78, "no known price", {"last_candles": candles(close="NaN")}),
    (
        "stake",
        78,
        "no known smallest order",
        {"markets": markets("BTC/USDT", min_notional=None)},
    ),
    (
        "stake",
        78,
        "traded in steps of 0.0009",
        {"markets": markets("BTC/USDT", step=Decimal("0.0009"))},
    ),
    (
        "stake",
        78,
        "too coarse for its stop",
        {"markets": markets("BTC/USDT", tick=Decimal(6_001))},
    ),
    ("balance", 77, "need 200 USDT, and 198.0", {"account": account(free="200.00")}),
    ("balance", 77, "and 0.00 of it", {"account": account(free="0")}),
    ("balance", 78, "max_open_trades is not set", {"config": config(max_open_trades=None)}),
    ("open orders", 77, "buy 0.5 BTCUSDT (7)", {"books": Reconciliation(strangers=(order(),))}),
    (
        "open orders",
        76,
        "cancel or book them by hand",
        {"books": Reconciliation(lost=(order(client_order_id=f"{PREFIX}1"),))},
    ),
    ("open orders", 76, "less than the position in BTC", {"books": Reconciliation(short=("BTC",))}),
    ("open orders", 76, "less of order 7", {"books": Reconciliation(contradicted=(BOOKED,))}),
    ("open orders", 69, "is down", {"open_orders": DOWN}),
    ("open orders", 69, "is down", {"books": DOWN}),
    ("holdings", 77, "holds BTC 0.5", {"account": account(("BTC", "0.5"))}),
    (
        "holdings",
        77,
        "the policy is flatten",
        {
            "account": account(("BTC", "0.5")),
            "limits": Limits(accepts_holdings=True),
            "approval": approval(order_policy=OrderPolicy.FLATTEN),
        },
    ),
    (
        "holdings",
        77,
        "holds BTC 0.5",
        {
            "account": account(("BTC", "0.5")),
            "books": Reconciliation(positions={"BTC/USDT": Decimal("0.4")}),
        },
    ),
    (
        "holdings",
        77,
        "holds BTC 0.5",
        # The stop of the position filled while no session ran.
        {
            "account": account(("BTC", "0.5")),
            "database": TradeDatabase(
                positions=(OpenPosition(pair="BTC/USDT", amount=Decimal("0.5")),)
            ),
        },
    ),
]
# Facts that look unusual, the check on them, and a part of its detail.
PASSED: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("restart budget", "start 5 of at most 5", {"starts": (NOW,) * 5}),
    (
        "restart budget",
        "start 1 of at most 5",
        {"starts": (*(NOW - timedelta(minutes=31),) * 9, NOW)},
    ),
    ("durable state", "trade database", {"state": state(is_container=True, volume="/state")}),
    (
        "durable state",
        "trade database",
        {"state": state("postgresql://db/trades", is_container=True)},
    ),
    ("durable state", "trade database", {"state": state("s3://b/lease", is_container=True)}),
    ("durable state", "trade database", {"state": state(kind="tmpfs", volume="/state")}),
    (
        "trade database",
        "it has 1 open positions",
        {
            "database": TradeDatabase(
                positions=(OpenPosition(pair="BTC/USDT", amount=Decimal("0.4")),),
            )
        },
    ),
    ("dry-run", "none is required", {"dry_runs": (), "limits": Limits(dry_run=timedelta())}),
    ("clock", "+0.500 s", {"clock_offset_s": 0.5}),
    ("key rights", "not withdraw", {}),
    ("stake", "100 USDT", {"approval": None}),
    (
        "balance",
        "1 more trades need 100",
        {
            "account": account(free="102"),
            "database": TradeDatabase(
                positions=(OpenPosition(pair="BTC/USDT", amount=Decimal("0.4")),)
            ),
        },
    ),
    ("balance", "1 more trades need 100", {"config": config(max_open_trades=-1)}),
    (
        "open orders",
        "1 on our pairs",
        {
            "open_orders": (order(client_order_id=f"{PREFIX}1"),),
            "books": Reconciliation(behind=(order(client_order_id=f"{PREFIX}1"),)),
        },
    ),
    (
        "open orders",
        "the engine books at its start: buy 0.5 BTCUSDT (7)",
        {"books": Reconciliation(behind=(order(client_order_id=f"{PREFIX}1"),))},
    ),
    ("open orders", "0 on our pairs", {"open_orders": (order("SOLUSDT"),)}),
    ("holdings", "other holdings: BNB", {"account": account(("BNB", "2"))}),
    ("holdings", "no holdings in our coins", {"account": account(("BTC", "0.000009"))}),
    (
        "holdings",
        "no holdings in our coins",
        {
            "account": account(("BTC", "0.5")),
            "books": Reconciliation(positions={"BTC/USDT": Decimal("0.5")}),
        },
    ),
    (
        "holdings",
        "accepted with --accept-holdings: BTC 0.5",
        {"account": account(("BTC", "0.5")), "limits": Limits(accepts_holdings=True)},
    ),
]


def test_facts_without_a_flaw_let_a_session_start(facts: PreflightFacts) -> None:
    rows = rows_of(facts)

    assert {row.status for row in rows.values()} == {CheckStatus.OK}
    assert not refusals([*rows.values()], mode=TradingMode.LIVE, expected=NAMES)


@pytest.mark.parametrize(("name", "exit_code", "sentence", "changes"), REFUSED)
def test_a_bad_or_doubtful_fact_is_refused(
    name: str, exit_code: int, sentence: str, changes: dict[str, Any], facts: PreflightFacts
) -> None:
    row = rows_of(facts, changes)[name]

    assert (row.status, int(row.exit_code)) == (CheckStatus.FAIL, exit_code), row
    assert sentence in row.detail


@pytest.mark.parametrize(("name", "detail", "changes"), PASSED)
def test_an_unusual_fact_that_is_in_order_passes(
    name: str, detail: str, changes: dict[str, Any], facts: PreflightFacts
) -> None:
    row = rows_of(facts, changes)[name]

    assert row.status is CheckStatus.OK, row
    assert detail in row.detail


@pytest.mark.parametrize("offset_s", [0.501, -1.9, 2.0])
def test_a_clock_that_is_a_little_off_warns_and_lets_start(
    offset_s: float, facts: PreflightFacts
) -> None:
    rows = rows_of(replace(facts, clock_offset_s=offset_s))

    assert rows["clock"].status is CheckStatus.WARN
    assert not refusals([*rows.values()], mode=TradingMode.LIVE, expected=NAMES)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("live settings", {"dry_run": True}),
        ("live settings", {"dry_run": ""}),
        ("live settings", {"dry_run": 0}),
        ("live settings", {"trading_mode": "futures"}),
        ("pair list", {"pairlists": [{"method": "VolumePairList"}]}),
        ("pair list", {"pairlists": [{"method": "StaticPairList"}, {"method": "AgeFilter"}]}),
        ("pair list", {"exchange": {"pair_whitelist": ["BTC/USDT"]}}),
        ("pair list", {"exchange": {}}),
        ("force entry", {"force_entry_enable": True}),
        ("force entry", {"force_entry_enable": "no"}),
        ("order prefix", {"exchange": {"ccxt_config": {"options": {}}}}),
    ],
)
def test_a_setting_of_the_engine_that_is_not_live_is_refused(
    name: str, changes: dict[str, Any], facts: PreflightFacts
) -> None:
    row = rows_of(replace(facts, engine_config=engine_config(facts, **changes)))[name]

    assert row.status is CheckStatus.FAIL


@pytest.mark.parametrize("client_order_id", ["x-TKT5PX2F1", f"{PREFIX}{'1' * 23}", "1", ""])
def test_an_order_prefix_that_the_engine_does_not_use_is_refused(
    client_order_id: str, facts: PreflightFacts
) -> None:
    engine = EngineFacts(schema_problems=(), client_order_id=client_order_id)

    row = rows_of(replace(facts, engine=engine))["order prefix"]

    assert (row.status, int(row.exit_code)) == (CheckStatus.FAIL, 77)


TRAINED: Final = NOW - timedelta(hours=10)
MODELS: Final = Models(trained_at={"BTC/USDT": NOW, "ETH/USDT": TRAINED}, digest="e" * 64)


def approving(facts: PreflightFacts, **changes: object) -> PreflightFacts:
    """Return `facts` with an approval of `MODELS`."""
    assert facts.approval is not None
    plan = facts.approval.plan.model_copy(update={"models": MODELS.digest})
    return replace(
        facts,
        approval=facts.approval.model_copy(update={"plan": plan}),
        **cast("dict[str, Any]", changes),
    )


@pytest.mark.parametrize(
    ("hours", "limits", "models", "sentence"),
    [
        (35, DAY, Models(), "no approved model of BTC/USDT, ETH/USDT"),
        (35, DAY, replace(MODELS, trained_at={"BTC/USDT": NOW}), "no approved model of ETH/USDT"),
        (35, DAY, replace(MODELS, digest="d" * 64), "no approved model of any pair"),
        (35, DAY, replace(MODELS, digest=None), "no approved model of any pair"),
        (34, DAY, MODELS, "live_retrain_hours is 34, counted from the training of a model at"),
        (0, DAY, MODELS, "live_retrain_hours is 0"),
        (NAN, DAY, MODELS, "live_retrain_hours is nan"),
        (True, DAY, MODELS, "live_retrain_hours is True"),
        (10**6, Limits(), MODELS, "limit its length"),
    ],
)
def test_a_session_in_which_a_model_could_be_trained_is_refused(
    hours: float, limits: Limits, models: Models, sentence: str, facts: PreflightFacts
) -> None:
    given = engine_config(facts, freqai={"enabled": True, "live_retrain_hours": hours})

    row = rows_of(approving(facts, engine_config=given, limits=limits, models=models))["models"]

    assert (row.status, int(row.exit_code)) == (CheckStatus.FAIL, 77)
    assert sentence in row.detail


def test_approved_models_that_outlast_the_session_pass(facts: PreflightFacts) -> None:
    given = engine_config(facts, **FREQAI)

    row = rows_of(approving(facts, engine_config=given, limits=DAY, models=MODELS))["models"]

    assert row.status is CheckStatus.OK


def test_a_check_before_the_approval_does_not_compare_the_models(facts: PreflightFacts) -> None:
    given = engine_config(facts, freqai={"enabled": True, "live_retrain_hours": 35})
    changes = {"engine_config": given, "limits": DAY, "models": MODELS, "approval": None}

    assert rows_of(facts, changes)["models"].status is CheckStatus.OK


def test_every_fact_that_is_not_known_is_refused(facts: PreflightFacts) -> None:
    uncertain = [each.name for each in fields(PreflightFacts) if "TradAIError" in str(each.type)]
    given = engine_config(facts, **FREQAI)

    assert len(uncertain) == 14
    for name in uncertain:
        rows = rows_of(facts, {"engine_config": given, "limits": DAY, name: DOWN})
        assert DOWN.args[0] in {row.detail for row in rows.values()}, name


def test_every_check_has_a_command_and_a_row_that_shows_it_refuse() -> None:
    shown = {name for name, *_ in REFUSED}

    assert all(check.command for check in BUILT_IN)
    assert {"live settings", "pair list", "force entry", "order prefix", "models"} == (
        {*NAMES} - shown
    )
