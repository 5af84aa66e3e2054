"""Preflight against the loopback exchange and the installed engine: a few reads, and no order."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from engine.venue.account import UID
from engine.venue.control import Venue as LoopbackVenue, running_exchange
from engine.venue.faults import Fault
from engine.venue.keys import READER, TRADER, UNCLEAR, WITHDRAWER, ApiKey

from tradai.core import JsonValue, MemoryStore, Secret, StrategyConfig, TradingMode
from tradai.entrypoint import CheckRow, CheckStatus, Interrupts

# Not through the door: the gate of LIVE is not public yet.
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._live._account.reconcile import Reconciliation
from tradai.entrypoint._live._risk.halt_latch import HaltLatch
from tradai.entrypoint._live.check_table import refusals
from tradai.entrypoint._preflight.checks import run_checks
from tradai.entrypoint._preflight.facts import (
    DryRun,
    Limits,
    Models,
    PreflightFacts,
    StatePlaces,
    TradeDatabase,
    known,
)
from tradai.entrypoint._preflight.preflight import BUILT_IN, preflight_checks
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named
from tradai.entrypoint.freqtrade._preparation.engine_config import engine_config
from tradai.entrypoint.freqtrade._preparation.live_facts import (
    LiveEngine,
    SessionExchange,
    SessionFacts,
    gather_facts,
)

PREFIX: Final = "x-0123456789ab"
DIGEST: Final = "c" * 64
NAMES: Final = [check.name for check in BUILT_IN]
READS: Final = {
    "GET /api/v3/account": 1,
    "GET /sapi/v1/account/apiRestrictions": 1,
    "GET /api/v3/openOrders": 1,
}
CONFIG: Final = StrategyConfig.model_validate(
    {
        "name": "wave",
        "version": "1.0.0",
        "timeframe": "1m",
        "pairs": ["BTC/USDT", "ETH/USDT"],
        "execution": {"stake_amount": "100", "max_open_trades": 2, "stoploss": "-0.1"},
    }
)
DRY_RUN: Final = DryRun(
    run_id="r1",
    config_digest=DIGEST,
    duration=timedelta(hours=30),
    exit_code=0,
    is_fallback=False,
)


@pytest.fixture(scope="module")
def shared_exchange() -> Iterator[str]:
    """Address of one exchange for all tests of this file."""
    with running_exchange() as url:
        yield url


@pytest.fixture
def venue(shared_exchange: str) -> LoopbackVenue:
    """The exchange as it was at its start, with prices that stand still."""
    shared = LoopbackVenue(shared_exchange)
    shared.reset()
    shared.set(prices={"BTCUSDT": 60_000, "ETHUSDT": 3_000})
    return shared


def live_config(url: str, **changes: JsonValue) -> dict[str, JsonValue]:
    """Return the engine's configuration of a live session on the exchange at `url`."""
    rendered = json.loads(json.dumps(engine_config(CONFIG, TradingMode.DRY_RUN)))
    ccxt = exchange_named("binance").ccxt_config(url)
    assert isinstance(ccxt["options"], dict)
    ccxt["options"]["broker"] = {"spot": PREFIX}
    rendered["exchange"]["ccxt_config"] = ccxt
    return {**rendered, "dry_run": False, **changes}


@pytest.fixture
def gather(
    venue: LoopbackVenue, engine_bin: Path, environ: dict[str, str], tmp_path: Path
) -> "Gather":
    """Gather facts about a session on the loopback exchange."""
    return Gather(venue, engine_bin, environ, tmp_path)


class Gather:
    """Gathers facts with a key."""

    def __init__(
        self, venue: LoopbackVenue, engine_bin: Path, environ: Mapping[str, str], folder: Path
    ) -> None:
        """Use `venue` and the engine of `engine_bin`."""
        self._venue = venue
        self._environ = environ
        self._folder = folder
        # A link: its target is the interpreter outside of the environment.
        python = (str(engine_bin / "python"), "-P")
        self._install = EngineInstall(python=python, version="2026.9", package=Path())

    def __call__(self, key: ApiKey = TRADER, **changes: JsonValue) -> PreflightFacts:
        """Return the facts; `changes` are settings of the engine."""
        exchange, url = exchange_named("binance"), self._venue.url
        keys = ApiKeys(key=Secret(key.key), secret=Secret(key.secret))
        return gather_facts(
            SessionFacts(
                config=CONFIG,
                config_digest=DIGEST,
                order_prefix=PREFIX,
                stake=Decimal(100),
                approval=None,
                limits=Limits(),
                latch=HaltLatch(MemoryStore(), "memory:halts"),
                starts=(datetime.now(UTC),),
                runs=self._folder,
                dry_runs=(DRY_RUN,),
                state=StatePlaces(
                    uris={"lease": "redis://localhost/0"},
                    disks={},
                    is_container=True,
                    durable_volume=None,
                ),
                database=TradeDatabase(),
                models=Models(),
                books=lambda *_: Reconciliation(),
            ),
            venue=SessionExchange(
                exchange=exchange,
                base_url=url,
                reads=exchange.sign_in(keys, base_url=url, timeout_s=60.0).reads,
            ),
            engine=LiveEngine(
                install=self._install,
                config=live_config(url, **changes),
                scratch=self._folder,
                environ=self._environ,
                interrupts=Interrupts(),
            ),
        )


def rows_of(facts: PreflightFacts) -> dict[str, CheckRow]:
    rows = run_checks(preflight_checks(), facts, timeout_s=600.0)
    return {row.name: row for row in rows}


def failed(facts: PreflightFacts) -> dict[str, int]:
    """Return the exit codes of the checks that keep a session from starting."""
    rows = [*rows_of(facts).values()]
    refused = refusals(rows, mode=TradingMode.LIVE, expected=NAMES)
    return {row.name: int(row.exit_code) for row in refused}


def test_a_session_may_start_after_three_signed_reads_and_no_order(
    gather: Gather, venue: LoopbackVenue
) -> None:
    facts = gather()

    assert {row.name: row for row in rows_of(facts).values() if row.status != "ok"} == {}
    assert failed(facts) == {}
    assert venue.signed() == READS
    assert set(venue.public()) == {
        "GET /api/v3/time",
        "GET /api/v3/exchangeInfo",
        "GET /api/v3/klines",
    }
    assert (venue.orders(), known(facts.account).uid) == ([], str(UID))


def test_the_engine_says_that_our_prefix_took_and_finds_what_its_schema_refuses(
    gather: Gather,
) -> None:
    facts = gather(stake_amount=-1, entry_pricing={"price_side": "left"})

    answers = known(facts.engine)

    assert answers.client_order_id.startswith(PREFIX)
    assert len(answers.client_order_id) <= 36
    assert any(problem.startswith("stake_amount: ") for problem in answers.schema_problems)
    assert any(
        problem.startswith("entry_pricing.price_side: ") for problem in answers.schema_problems
    )
    assert failed(facts) == {"engine schema": 78}


def test_a_client_without_our_prefix_is_refused(gather: Gather, venue: LoopbackVenue) -> None:
    exchange: Any = live_config(venue.url)["exchange"]
    del exchange["ccxt_config"]["options"]["broker"]

    facts = gather(exchange=exchange)

    assert known(facts.engine).client_order_id.startswith("x-")
    assert failed(facts) == {"order prefix": 77}


@pytest.mark.parametrize("key", [READER, WITHDRAWER, UNCLEAR])
def test_a_key_with_other_rights_is_refused_before_any_order(
    key: ApiKey, gather: Gather, venue: LoopbackVenue
) -> None:
    assert failed(gather(key)) == {"key rights": 77}
    assert sum(venue.signed().values()) <= 5
    assert venue.orders() == []


def test_a_clock_that_is_10_minutes_off_is_refused(gather: Gather, venue: LoopbackVenue) -> None:
    venue.set(clock_offset_ms=600_000)

    assert failed(gather())["clock"] == 77


def test_a_venue_that_is_down_is_a_refused_row_for_each_fact_it_has(
    gather: Gather, venue: LoopbackVenue
) -> None:
    venue.script("GET /sapi/v1/account/apiRestrictions", Fault.GARBLED)

    facts = gather()

    assert failed(facts) == {"key rights": 69}
    assert rows_of(facts)["key rights"].status is CheckStatus.FAIL
