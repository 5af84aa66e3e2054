"""Facts about a live session whose sources fail: each failure is a fact, and none is guessed."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradai.core import MemoryStore, Secret, StrategyConfig
from tradai.core.exceptions import ExternalServiceError, LeaseLostError, TradAIError
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._live._account.reconcile import Reconciliation
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch
from tradai.entrypoint._preflight.facts import (
    Limits,
    Models,
    PreflightFacts,
    StatePlaces,
    TradeDatabase,
)
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade import MarketRules, MarketServer, MarketsSnapshot
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named
from tradai.entrypoint.freqtrade._preparation.live_facts import (
    LiveEngine,
    SessionExchange,
    SessionFacts,
    gather_facts,
)

RULES = MarketRules(tick="0.01", step="0.0001", min_notional="5")
ANSWERS = '{"schema_problems": ["a: b"], "client_order_id": "x-1"}'
CONFIG = StrategyConfig(name="wave", version="1.0.0", timeframe="5m", pairs=("BTC/USDT",))


def markets(*pairs: str) -> MarketsSnapshot:
    at = datetime(2026, 11, 29, tzinfo=UTC)
    return MarketsSnapshot.made(dict.fromkeys(pairs, RULES), note="for a test", captured_at=at)


def gather(
    folder: Path,
    base_url: str,
    *,
    program: str = f"print('{ANSWERS}')",
    latch: HaltLatch | None = None,
    runs: Path | None = None,
    keep: Callable[[], None] = lambda: None,
) -> PreflightFacts:
    """Gather facts with `program` in place of the engine's Python."""
    session = SessionFacts(
        config=CONFIG,
        config_digest="c" * 64,
        order_prefix="x-0123456789ab",
        stake=None,
        approval=None,
        limits=Limits(),
        latch=latch or HaltLatch(MemoryStore(), "memory:halts"),
        starts=(datetime.now(UTC),),
        runs=runs or folder,
        dry_runs=(),
        state=StatePlaces(uris={}, disks={}, is_container=False, durable_volume=None),
        database=TradeDatabase(),
        models=Models(),
        books=lambda *_: Reconciliation(),
    )
    engine = LiveEngine(
        install=EngineInstall(
            python=(sys.executable, "-c", program), version="2026.9", package=Path()
        ),
        config={"dry_run": False},
        scratch=folder,
        environ={"FREQTRADE__DRY_RUN": ""},
        interrupts=Interrupts(),
    )
    exchange = exchange_named("binance")
    keys = ApiKeys(key=Secret("FakeTrader" * 6), secret=Secret("NotASecret" * 6))
    # The market server has no account, so each signed read fails.
    reads = exchange.sign_in(keys, base_url=base_url).reads
    venue = SessionExchange(exchange=exchange, base_url=base_url, reads=reads)
    return gather_facts(session, venue=venue, engine=engine, keep=keep)


def test_a_lease_is_kept_before_each_question_to_the_exchange_and_the_engine(
    tmp_path: Path,
) -> None:
    kept: list[int] = []

    with MarketServer(markets("BTC/USDT")) as server:
        gather(tmp_path, server.base_url, keep=lambda: kept.append(1))

    # Markets, engine, account, rights, orders, books, clock, candles, a pair, halt, starts.
    assert len(kept) == 11


def test_facts_are_not_gathered_without_the_lease(tmp_path: Path) -> None:
    def lose() -> None:
        message = "this process has lost the lease"
        raise LeaseLostError(message, lease="account")

    with MarketServer(markets("BTC/USDT")) as server, pytest.raises(LeaseLostError):
        gather(tmp_path, server.base_url, keep=lose)


def test_what_an_exchange_that_is_down_does_not_say_is_its_error(tmp_path: Path) -> None:
    with MarketServer(markets("BTC/USDT")) as server:
        url = server.base_url

    facts = gather(tmp_path, url)

    uncertain: list[Any] = [
        *(facts.account, facts.rights, facts.open_orders, facts.books, facts.clock_offset_s),
        *(facts.markets, facts.last_candles, facts.engine),
    ]
    assert [type(each) for each in uncertain] == [ExternalServiceError] * 8
    assert facts.variable_names == {"FREQTRADE__DRY_RUN"}


def test_the_answers_of_the_engine_are_read(tmp_path: Path) -> None:
    with MarketServer(markets("BTC/USDT", "ETH/USDT")) as server:
        facts = gather(tmp_path, server.base_url)

    assert not isinstance(facts.engine, TradAIError)
    assert facts.engine.schema_problems == ("a: b",)
    assert not isinstance(facts.markets, TradAIError)
    assert [market.pair for market in facts.markets.markets] == ["BTC/USDT"]


def test_an_engine_that_gives_no_answer_is_a_fact(tmp_path: Path) -> None:
    with MarketServer(markets("BTC/USDT")) as server:
        facts = gather(tmp_path, server.base_url, program="raise SystemExit('no ccxt here')")

    assert isinstance(facts.engine, TradAIError)
    assert "gave no answer about its configuration (no ccxt here)" in str(facts.engine)


def test_pairs_that_are_not_listed_leave_the_engine_without_a_question(tmp_path: Path) -> None:
    with MarketServer(markets("ETH/USDT")) as server:
        facts = gather(tmp_path, server.base_url)

    assert isinstance(facts.engine, TradAIError)
    assert "lists none of the pairs" in str(facts.engine)


def test_a_halt_and_an_unknown_disk_are_facts(tmp_path: Path) -> None:
    latch = HaltLatch(MemoryStore(), "memory:halts")
    latch.trip("it lost too much", run_id="r1")

    with MarketServer(markets("BTC/USDT")) as server:
        facts = gather(tmp_path, server.base_url, latch=latch, runs=tmp_path / "none")

    assert isinstance(facts.halt, HaltedError)
    assert isinstance(facts.free_bytes, TradAIError)
    assert "TRADAI_RUN_FOLDER" in str(facts.free_bytes)
