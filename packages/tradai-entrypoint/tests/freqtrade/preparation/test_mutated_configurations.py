"""Configurations changed at random against the pure part of the gate: none of them escapes.

The pure part is what needs no network: reading and checking the configuration, the plan and its
digests, and the table of checks over facts of an account that is in order.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from pydantic import ValidationError as InvalidModelError

from tradai.core import (
    LoadedConfig,
    Market,
    MarketSnapshot,
    StrategyConfig,
    StrategyConfigLoader,
    TradingMode,
    digest,
)
from tradai.core.exceptions import ApprovalError, TradAIError
from tradai.core.live import Approval, LivePlan, RiskMeasure

# Not through the door: the gate of LIVE is not public.
from tradai.entrypoint._live._account.account import AccountState, Balance, KeyRights
from tradai.entrypoint._live._account.reconcile import Reconciliation
from tradai.entrypoint._live.check_table import require_all
from tradai.entrypoint._preflight.checks import run_checks
from tradai.entrypoint._preflight.facts import (
    DryRun,
    EngineFacts,
    LastCandle,
    Limits,
    Models,
    PreflightFacts,
    StatePlaces,
    TradeDatabase,
)
from tradai.entrypoint._preflight.preflight import BUILT_IN
from tradai.entrypoint._runs.parameters import read_run_parameters
from tradai.entrypoint._runs.trading_entrypoint import _require_no_doubt, _require_tradable
from tradai.entrypoint.freqtrade._preparation.engine_settings import (
    AT_RUN_TIME,
    IN_FILE,
    check_extra_keys,
)
from tradai.entrypoint.freqtrade._preparation.plan import EnginePlan, render_plan
from tradai.entrypoint.freqtrade._strategy.source import inspect_source

NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
PREFIX: Final = "x-0123456789ab"
FREE: Final = Decimal(1_000)
LARGEST_STAKE: Final = Decimal(400)
PRICES: Final = {"BTC/USDT": Decimal(60_000), "ETH/USDT": Decimal(3_000), "SOL/USDT": Decimal(150)}
SOURCE: Final = """
from freqtrade.strategy import IStrategy
class Wave(IStrategy):
    timeframe = "5m"
    stoploss = -0.1
    minimal_roi = {"0": 0.1}
"""
VALID: Final[dict[str, Any]] = {
    "name": "wave",
    "version": "1.2.3",
    "timeframe": "5m",
    "pairs": ["BTC/USDT", "ETH/USDT"],
    "stake_currency": "USDT",
    "exchange": "binance",
    "engine": {
        "exchange": {"outdated_offset": 5},
        "webhook": {"enabled": True, "url": "env:HOOK", "retries": 1, "status": {"text": "x"}},
    },
    "parameters": {"amount_reserve_percent": 0.05, "process_only_new_candles": True},
    "strategy": {"class": "Wave", "source": "wave.py", "config": {"level": 3}},
    "execution": {
        "stake_amount": 100,
        "max_open_trades": 2,
        "stoploss": -0.1,
        "minimal_roi": {"0": 0.1},
        "tradable_balance_ratio": 0.99,
        "order_types": {
            "entry": "limit",
            "exit": "limit",
            "stoploss": "limit",
            "stoploss_on_exchange": True,
        },
        "unfilledtimeout": {"entry": 3, "exit": 3},
    },
}
NASTY: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, -0.5, 0.001, 5.1, 7, 399, 401, 10**18, 1e-9, -1e300),
    *(
        "",
        " ",
        "0",
        "no",
        "off",
        "false",
        "true",
        "unlimited",
        "nan",
        ".inf",
        "-1",
        "1e5",
        "\u0663",
    ),
    *([], {}, [None], {"": ""}, ["BTC/USDT", "BTC/USDT"], "BTC/USDT:USDT", "btc/usdt", "BTC/EUR"),
    *(
        "SOL/USDT",
        "DOGE/USDT",
        "OLD/USDT",
        "binanceus",
        "futures",
        "x" * 5_000,
        "${HOME}",
        "../../x",
    ),
)
KEYS: Final = sorted(IN_FILE | AT_RUN_TIME)


def markets() -> MarketSnapshot:
    """Rules of four markets, one of which is closed."""
    rows = [
        {
            "pair": pair,
            "market_type": "spot",
            "base": pair.partition("/")[0],
            "quote": "USDT",
            "status": status,
            "tick": "0.01",
            "step": "0.00001",
            "min_amount": "0.00001",
            "min_notional": "5",
        }
        for pair, status in (*((pair, "active") for pair in PRICES), ("OLD/USDT", "inactive"))
    ]
    listed = tuple(Market.model_validate(row) for row in rows)
    return MarketSnapshot(exchange="binance", taken_at=NOW, markets=listed)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A session that has a plan."""

    config: StrategyConfig
    plan: LivePlan
    engine_config: dict[str, Any]


class PureGate:
    """The part of the gate that needs no network."""

    def __init__(self, folder: Path) -> None:
        """Keep the configuration and the strategy in `folder`."""
        (folder / "wave.py").write_text(SOURCE)
        self._file = folder / "strategy.yaml"
        self._source = inspect_source(folder / "wave.py", "Wave")
        self.valid = self._planned(self._load(VALID))[0]
        self.valid_config = self._load(VALID).config.canonical()

    def read(self, tree: Mapping[str, Any]) -> Candidate | None:
        """Return the plan of a configuration; None when it is refused."""
        try:
            loaded = self._load(tree)
            plan, rendered = self._planned(loaded)
        # A name that cannot be approved is an error of the model; the gate translates it.
        except (TradAIError, InvalidModelError):
            return None
        return Candidate(config=loaded.config, plan=plan, engine_config=rendered)

    def lets_start(self, candidate: Candidate, *, approved: LivePlan) -> bool:
        """Return whether the session starts where `approved` is what a person approved."""
        approval = _approval(approved)
        try:
            approval.check_plan(candidate.plan, now=NOW)
            rows = run_checks(BUILT_IN, _facts(candidate, approval), timeout_s=600.0)
            names = [check.name for check in BUILT_IN]
            require_all(rows, mode=TradingMode.LIVE, expected=names)
        except TradAIError:
            return False
        return True

    def _load(self, tree: Mapping[str, Any]) -> LoadedConfig:
        # JSON is YAML.
        self._file.write_text(json.dumps(tree))
        loaded = StrategyConfigLoader(environ={}).load_config(self._file)
        _require_tradable(loaded)
        _require_no_doubt(loaded, {})
        check_extra_keys(loaded.config.extra_keys, loaded.provenance)
        return loaded

    def _planned(self, loaded: LoadedConfig) -> tuple[LivePlan, dict[str, Any]]:
        parameters = read_run_parameters(loaded)
        plan = render_plan(loaded.config, parameters, TradingMode.LIVE, facts=self._source)
        config = {"config": loaded.config.canonical(), "source": self._source.digest}
        live = LivePlan(
            strategy=loaded.config.name,
            version=loaded.config.version,
            config=digest(config),
            source=self._source.digest,
            side_files=None,
            models=None,
            run=digest({"plan": plan.as_json(), "parameters": parameters.canonical()}),
            engine="freqtrade 2026.9",
            image=None,
        )
        return live, _live(plan)


def _live(plan: EnginePlan) -> dict[str, Any]:
    """Return the plan's configuration as a live session has it."""
    rendered: dict[str, Any] = json.loads(plan.config_for(None))
    rendered["exchange"]["ccxt_config"]["options"]["broker"] = {"spot": PREFIX}
    return {**rendered, "dry_run": False, "force_entry_enable": False}


def _approval(plan: LivePlan) -> Approval:
    return Approval.model_validate(
        {
            "plan": plan,
            "account": {"venue": "binance", "uid": "1"},
            "approver": "A. Person",
            "approved_at": NOW,
            "expires_at": NOW + timedelta(days=1),
            "stake_currency": "USDT",
            "largest_stake": LARGEST_STAKE,
            "risk_limits": {measure: {"halt": "0.2"} for measure in RiskMeasure},
            "order_policy": "cancel-entries",
        }
    )


def _facts(candidate: Candidate, approval: Approval) -> PreflightFacts:
    """Return facts of an account and a machine that are in order."""
    run = DryRun(
        run_id="r1",
        config_digest=candidate.plan.config,
        duration=timedelta(hours=24),
        exit_code=0,
        is_fallback=False,
    )
    stake = candidate.config.execution.stake_amount
    balance = Balance(asset="USDT", free=FREE, locked=Decimal())
    return PreflightFacts(
        mode=TradingMode.LIVE,
        now=NOW,
        config=candidate.config,
        config_digest=candidate.plan.config,
        engine_config=candidate.engine_config,
        engine=EngineFacts(schema_problems=(), client_order_id=f"{PREFIX}{'0' * 22}"),
        order_prefix=PREFIX,
        symbols=frozenset(),
        stake=stake if isinstance(stake, Decimal) else None,
        approval=approval,
        limits=Limits(),
        variable_names=frozenset(),
        account=AccountState(uid="1", may_trade=True, balances=(balance,)),
        rights=KeyRights(may_read=True, may_trade=True, may_withdraw=False, may_transfer=False),
        open_orders=(),
        books=Reconciliation(),
        clock_offset_s=0.0,
        markets=markets(),
        last_candles={
            pair: LastCandle(opened_at=NOW, close=price) for pair, price in PRICES.items()
        },
        database=TradeDatabase(),
        free_bytes=10**12,
        halt=None,
        starts=(NOW,),
        dry_runs=(run,),
        state=StatePlaces(uris={}, disks={}, is_container=False, durable_volume=None),
        models=Models(),
    )


def mutated(random: Random) -> dict[str, Any]:
    """Return the valid configuration after one to three changes."""
    tree = deepcopy(VALID)
    for _ in range(random.randint(1, 3)):
        random.choice(MUTATIONS)(tree, random)
    return tree


def with_mutated_block(random: Random) -> dict[str, Any]:
    """Return the valid configuration after one or two changes to its block `engine`, or more."""
    tree = deepcopy(VALID)
    for _ in range(random.randint(1, 2)):
        random.choice(BLOCK_MUTATIONS)(tree, random)
    if random.random() < 0.2:
        random.choice(MUTATIONS)(tree, random)
    return tree


def places(node: object, parent: object = None, key: object = None) -> Iterator[tuple[Any, Any]]:
    """Yield the container and the key of each value below `node`."""
    if parent is not None:
        yield parent, key
    for name, child in [*_children(node)]:
        yield from places(child, node, name)


def _children(node: object) -> Iterator[tuple[object, object]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from enumerate(node)


def _place(tree: dict[str, Any], random: Random) -> tuple[Any, Any]:
    return random.choice(list(places(tree)) or [(tree, "name")])


def _delete(tree: dict[str, Any], random: Random) -> None:
    parent, key = _place(tree, random)
    parent.pop(key, None) if isinstance(parent, dict) else parent.pop(key)


def _replace(tree: dict[str, Any], random: Random) -> None:
    parent, key = _place(tree, random)
    parent[key] = deepcopy(random.choice(NASTY))


def _scale(tree: dict[str, Any], random: Random) -> None:
    numbers = [
        (parent, key)
        for parent, key in places(tree)
        if isinstance(parent[key], (int, float)) and not isinstance(parent[key], bool)
    ]
    if numbers:
        parent, key = random.choice(numbers)
        parent[key] *= random.choice([-1, 0, 0.01, 0.055, 0.5, 2, 3.9, 4.1, 100, 1e6])


def _misspell(tree: dict[str, Any], random: Random) -> None:
    named = [(parent, key) for parent, key in places(tree) if isinstance(parent, dict) and key]
    if named:
        parent, key = random.choice(named)
        at = random.randrange(len(key))
        parent[random.choice([key[:at] + key[at + 1 :], key.upper(), key + "s"])] = parent.pop(key)


def _add(tree: dict[str, Any], random: Random) -> None:
    tables = [tree, *(parent[key] for parent, key in places(tree) if isinstance(parent[key], dict))]
    random.choice(tables)[random.choice([*KEYS, "leverage", "can_short"])] = deepcopy(
        random.choice(NASTY)
    )


def _add_pair(tree: dict[str, Any], random: Random) -> None:
    if isinstance(tree.get("pairs"), list):
        pairs = ["SOL/USDT", "DOGE/USDT", "OLD/USDT", "BTC/EUR", "BTC/USDT:USDT", "BTC/USDT", ".*"]
        tree["pairs"].append(random.choice(pairs))


def _resize(tree: dict[str, Any], random: Random) -> None:
    """Set a number of the execution near the limit that it must not pass."""
    if isinstance(tree.get("execution"), dict):
        key = random.choice([*NEAR_LIMITS])
        tree["execution"][key] = random.choice(NEAR_LIMITS[key])


# Parts of a configuration of the engine that would matter, each in its right form.
OWNED_VALUES: Final[dict[str, Any]] = {
    "dry_run": True,
    "db_url": "sqlite:///elsewhere.sqlite",
    "initial_state": "running",
    "force_entry_enable": True,
    "trading_mode": "futures",
    "margin_mode": "cross",
    "stake_amount": "unlimited",
    "pairlists": [{"method": "VolumePairList", "number_assets": 20}],
    "api_server": {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": 8080},
    "telegram": {"enabled": True, "token": "env:T", "chat_id": "env:C"},
    "authorized_users": ["1"],
    "discord": {"enabled": True, "webhook_url": "env:D", "timeout": 600},
    "webhook": {"enabled": True, "url": "env:W", "timeout": 600, "retries": 1},
    "external_message_consumer": {"enabled": True, "producers": [{"name": "x", "host": "h"}]},
    "exchange": {"name": "kraken", "pair_whitelist": [".*/USDT"], "enable_ws": True},
    "internals": {"process_throttle_secs": 600},
    "cancel_open_orders_on_exit": True,
    "exit_pricing": {"price_side": "other"},
    "order_types": {"entry": "market"},
    "freqai": {"enabled": True},
    "user_data_dir": "/elsewhere",
}
# Of the engine's section of the exchange.
EXCHANGE_VALUES: Final[dict[str, Any]] = {
    "key": "not-a-real-key",
    "secret": "not-a-real-secret",
    "apiKey": "not-a-real-key",
    "ccxt_config": {"urls": {"api": "http://elsewhere"}},
    "ccxt_sync_config": {"httpProxy": "http://elsewhere"},
    "ccxt_async_config": {"aiohttp_trust_env": True},
    "enable_ws": True,
    "pair_whitelist": ["DOGE/USDT"],
    "skip_pair_validation": True,
    "log_responses": True,
    "markets_refresh_interval": 1,
    "unknown_fee_rate": 0.5,
}
NEST: Final = ("engine", "exchange", "webhook", "parameters", "execution", "strategy", "config")


def _block(tree: dict[str, Any], random: Random) -> dict[str, Any]:
    """Return the block, or one in it; a new one where it is none any more."""
    if not isinstance(tree.get("engine"), dict):
        tree["engine"] = {}
    blocks = [tree["engine"], *(each for each in tree["engine"].values() if isinstance(each, dict))]
    return random.choice(blocks)


def _add_owned(tree: dict[str, Any], random: Random) -> None:
    """Add a key that tradai decides, or an allowed one, as a person would write it."""
    name, value = random.choice([*OWNED_VALUES.items(), *EXCHANGE_VALUES.items()])
    _block(tree, random)[name] = deepcopy(value)


def _extend_exchange(tree: dict[str, Any], random: Random) -> None:
    _block(tree, random)
    exchange = tree["engine"].setdefault("exchange", {})
    if isinstance(exchange, dict):
        name, value = random.choice([*EXCHANGE_VALUES.items()])
        exchange[name] = deepcopy(value)


def _alias(tree: dict[str, Any], random: Random) -> None:
    """Write a key of the engine in another way, which the engine could understand."""
    name, value = random.choice([*OWNED_VALUES.items(), *EXCHANGE_VALUES.items()])
    ways = (
        name.upper(),
        name.replace("_", "-"),
        name.replace("_", ""),
        name.title().replace("_", ""),
        f"{name} ",
        f" {name}",
        f"exchange.{name}",
        f"engine.{name}",
        f"exchange__{name}",
        f"FREQTRADE__{name.upper()}",
        f"FREQTRADE__EXCHANGE__{name.upper()}",
        name[:1] + "\u200b" + name[1:],
        name.replace("e", "\u0435"),
    )
    _block(tree, random)[random.choice(ways)] = deepcopy(value)


def _nest(tree: dict[str, Any], random: Random) -> None:
    """Put a part of the configuration into the block, or a part of the block elsewhere."""
    block = _block(tree, random)
    part = deepcopy(random.choice([*tree.values(), *OWNED_VALUES.values(), block]))
    place = random.choice(
        [block, tree, *(each for each in tree.values() if isinstance(each, dict))]
    )
    place[random.choice(NEST)] = random.choice([part, [part], {"engine": part}, {"exchange": part}])


def _retype(tree: dict[str, Any], random: Random) -> None:
    """Replace a value in the block, or the block."""
    inside = [*places(tree.get("engine"))] if isinstance(tree.get("engine"), dict) else []
    parent, key = random.choice([*inside, (tree, "engine")])
    parent[key] = deepcopy(random.choice([*NASTY, *OWNED_VALUES.values(), [parent[key]]]))


# The smallest stake depends on the stop; the largest is approved, and the account has 1,000.
NEAR_LIMITS: Final[dict[str, tuple[Any, ...]]] = {
    "stake_amount": (4.99, 5, 5.26, 5.8, 5.84, 7.49, 7.5, 399.99, 400.01, 495, 496, "unlimited"),
    "max_open_trades": (-1, 0, 1, 2, 3, 4, 9, 10, 11),
    "stoploss": (-1, -0.999, -0.5, -0.3, -0.0001, 0, 0.1),
}
MUTATIONS: Final[tuple[Callable[[dict[str, Any], Random], None], ...]] = (
    *(_delete, _replace, _scale, _misspell, _add, _add_pair, _resize, _resize, _resize),
)
BLOCK_MUTATIONS: Final[tuple[Callable[[dict[str, Any], Random], None], ...]] = (
    *(_add_owned, _extend_exchange, _alias, _nest, _retype),
)


def flaws(started: Candidate) -> Iterator[str]:
    """Yield faults of a session that started, found apart from the checks, in floats."""
    given = started.engine_config
    pairs, own = given["exchange"]["pair_whitelist"], started.config.strategy
    if given["dry_run"] is not False or given["trading_mode"] != "spot":
        yield "it is not a live session on the spot market"
    if given["pairlists"] != [{"method": "StaticPairList"}] or given.get("force_entry_enable"):
        yield "something else than the strategy chooses what is bought"
    if not pairs or len({*pairs}) < len(pairs) or not {*pairs} <= PRICES.keys():
        yield f"its pairs are {pairs}"
    if given["stake_currency"] != "USDT" or given["exchange"]["name"] != "binance":
        yield "it trades with another currency, or elsewhere"
    if {"telegram", "api_server", "external_message_consumer", "db_url"} & given.keys():
        yield "something outside could steer it, or has its trades"
    if given["initial_state"] != "paused" or given["cancel_open_orders_on_exit"] is not False:
        yield "it opens positions before the session lets it, or its stop is not that approved"
    yield from _flaws_of_the_block(given, started.config.engine or {})
    if unknown := {*given} - IN_FILE - AT_RUN_TIME - {*((own and own.config) or {})}:
        yield f"the engine does not know {sorted(unknown)}"
    yield from _flaws_of_numbers(given)


# Those that a block may have in LIVE; the two last ones have a secret.
IN_BLOCK: Final = {"backtest_breakdown", "exchange", "webhook", "discord"}
IN_EXCHANGE: Final = {"markets_refresh_interval", "outdated_offset", "unknown_fee_rate"}
OF_EXCHANGE: Final = {"name", "enable_ws", "pair_whitelist", "pair_blacklist", "ccxt_config"}
CCXT: Final = {
    "options": {
        "fetchCurrencies": False,
        "fetchMarkets": {"types": ["spot"]},
        "broker": {"spot": PREFIX},
    }
}


def _flaws_of_the_block(given: dict[str, Any], block: Mapping[str, Any]) -> Iterator[str]:
    # Of a message that is off, nothing is given.
    off = {name for name in ("telegram", "webhook", "discord") if name not in given}
    if unknown := {*block} - IN_BLOCK - off:
        yield f"its block has {sorted(unknown)}"
    exchange = given["exchange"]
    if {*exchange} - IN_EXCHANGE != OF_EXCHANGE or exchange["enable_ws"] is not False:
        yield f"its exchange is {exchange}"
    if exchange["ccxt_config"] != CCXT:
        yield f"it goes by {exchange['ccxt_config']}"
    for name, key in (("webhook", "url"), ("discord", "webhook_url")):
        if name in given and not _is_quick_and_secret(given[name], key):
            yield f"its messages go to {given[name]}"


def _is_quick_and_secret(messages: Mapping[str, Any], key: str) -> bool:
    is_quick = 0 <= messages.get("retries", 0) <= 2 and 0 <= messages.get("retry_delay", 0) <= 1
    is_secret = str(messages[key]).startswith("env:")
    return is_quick and is_secret and messages["timeout"] == 3


def _flaws_of_numbers(given: dict[str, Any]) -> Iterator[str]:
    if not all(math.isfinite(each) for each in _leaves(given) if isinstance(each, float)):
        yield "a number is not finite"
    stake, most = given["stake_amount"], given.get("max_open_trades", -1)
    if stake == "unlimited":
        yield "the balance decides its stake"
        return
    fall = abs(given.get("stoploss", -1))
    reserve = 1 + given.get("amount_reserve_percent", 0.05)
    smallest = 5 * (1.5 if fall == 1 else max(1, min(1.5, reserve / (1 - fall))))
    if not smallest - 1e-6 <= stake <= float(LARGEST_STAKE) + 1e-6:
        yield f"its stake is {stake}, which the engine or the approval would not take"
    if stake * max(1, most) > float(FREE):
        yield f"{most} stakes of {stake} are more than the account has"
    if not -1 <= given.get("stoploss", -1) < 0:
        yield "its stop is none"


def _leaves(node: object) -> Iterator[object]:
    children = [child for _, child in _children(node)]
    if not children:
        yield node
    for child in children:
        yield from _leaves(child)


def escapes(
    folder: Path, *, number: int, change: Callable[[Random], dict[str, Any]] = mutated
) -> tuple[list[str], int]:
    """Try `number` configurations; return those that escaped, and how many could start."""
    gate, found, starts = PureGate(folder), list[str](), 0
    for seed in range(number):
        # Seeded, so that a failure is found again; no secret is made (S311).
        tree = change(Random(seed))  # noqa: S311
        candidate = gate.read(tree)
        if candidate is None:
            continue
        is_same = candidate.config.canonical() == gate.valid_config
        if not is_same and gate.lets_start(candidate, approved=gate.valid):
            found.append(f"{seed}: it started by the approval of another: {tree}")
        # Approved by a person who did not look.
        if gate.lets_start(candidate, approved=candidate.plan):
            starts += 1
            found += [f"{seed}: {flaw}: {tree}" for flaw in flaws(candidate)]
    return found, starts


def test_the_valid_configuration_may_start(tmp_path: Path) -> None:
    gate = PureGate(tmp_path)
    candidate = gate.read(VALID)

    assert candidate is not None
    assert gate.lets_start(candidate, approved=gate.valid)
    assert list(flaws(candidate)) == []


def test_200_changed_configurations_do_not_escape(tmp_path: Path) -> None:
    found, starts = escapes(tmp_path, number=200)

    assert found == []
    # Some changes do no harm; a gate that refuses everything would prove nothing.
    assert 5 < starts < 100


@pytest.mark.deep
def test_10_000_changed_configurations_do_not_escape(tmp_path: Path) -> None:
    found, starts = escapes(tmp_path, number=10_000)

    assert found == []
    assert 250 < starts < 5_000


def test_200_changed_blocks_of_the_engine_do_not_escape(tmp_path: Path) -> None:
    found, starts = escapes(tmp_path, number=200, change=with_mutated_block)

    assert found == []
    assert 5 < starts < 100


@pytest.mark.deep
def test_10_000_changed_blocks_of_the_engine_do_not_escape(tmp_path: Path) -> None:
    found, starts = escapes(tmp_path, number=10_000, change=with_mutated_block)

    assert found == []
    assert 250 < starts < 5_000


def test_an_approval_of_another_configuration_does_not_count(tmp_path: Path) -> None:
    gate = PureGate(tmp_path)
    other = gate.read({**VALID, "execution": {**VALID["execution"], "stake_amount": 101}})

    assert other is not None
    assert not gate.lets_start(other, approved=gate.valid)
    assert gate.lets_start(other, approved=other.plan)


def test_the_approved_plan_differs_in_the_digests_alone(tmp_path: Path) -> None:
    gate = PureGate(tmp_path)
    approval = _approval(gate.valid.model_copy(update={"run": "f" * 64}))

    with pytest.raises(ApprovalError) as caught:
        approval.check_plan(gate.valid, now=NOW)

    assert caught.value.differences == ("run",)
