"""A run of contracts records its leverage tiers: those beside the candles, or the engine's own."""

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint import EntrypointSettings, RunManifest, RunRequest, StrategyEntrypoint
from tradai.entrypoint.freqtrade import MarketRules, MarketsSnapshot
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob

PAIR = "BTC/USDT:USDT"
CONFIG = f"""\
name: waves
version: 1.2.3
exchange: binance_futures
timeframe: 1h
pairs: [{PAIR}]
strategy: {{class: WaveRider, source: strategies}}
execution: {{stake_amount: 100, starting_balance: 1000, max_open_trades: 2}}
run: {{timerange: 20250101-20250102}}
"""

Plan = Callable[[], RunManifest]


def tiers(rate: float) -> dict[str, Any]:
    tier = {"minNotional": 0, "maxNotional": 1e6, "maxLeverage": 50, "info": {"cum": 0}}
    return {PAIR: [{**tier, "maintenanceMarginRate": rate}]}


@pytest.fixture
def engine(fake_engine: Callable[..., EngineInstall]) -> EngineInstall:
    """An engine that ships with tiers."""
    install = fake_engine()
    own = install.package / "exchange" / "binance_leverage_tiers.json"
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps(tiers(0.01)))
    return install


@pytest.fixture
def data(tmp_path: Path) -> Path:
    MarketsSnapshot.made(
        {PAIR: MarketRules(tick="0.1", step="0.001", min_notional="5")},
        exchange="binance_futures",
        note="for tests",
        captured_at=datetime(2025, 1, 1, tzinfo=UTC),
    ).save(tmp_path / "data" / "markets.json")
    return tmp_path / "data"


@pytest.fixture
def plan(
    strategy: Path, data: Path, tmp_path: Path, engine: EngineInstall
) -> Callable[..., RunManifest]:
    """Load the rules of a backtest of contracts, and return its record with the run's digest."""

    def make(digests: Mapping[str, str] | None = None) -> RunManifest:
        strategy.write_text(CONFIG)
        settings = EntrypointSettings(
            mode=TradingMode.BACKTEST,
            config=str(strategy),
            data=str(data),
            folder=tmp_path / "runs",
        )
        entrypoint = StrategyEntrypoint(settings, request=RunRequest(), environ=os.environ)
        with entrypoint.prepared() as context:
            context.expected_digests = digests or {}
            job = EngineJob(context, engine=engine)
            job.load_markets()
            job.digest_run()
            return context.record

    return make


def test_the_engines_own_tiers_are_digested_and_said(plan: Plan) -> None:
    record = plan()

    assert record.data["leverage_tiers"] == "freqtrade 2026.9"
    assert len(record.digests["leverage_tiers"]) == 64
    assert any("those that freqtrade 2026.9 was released with" in each for each in record.notices)


def test_tiers_beside_the_candles_take_their_place(plan: Plan, data: Path) -> None:
    before = plan()
    (data / "leverage_tiers.json").write_text(json.dumps(tiers(0.02)))

    record = plan()

    assert record.data["leverage_tiers"] == "leverage_tiers.json"
    assert record.digests["leverage_tiers"] != before.digests["leverage_tiers"]
    assert record.digests["run"] != before.digests["run"]
    assert not any("leverage tiers" in each for each in record.notices)


def test_the_same_tiers_are_the_same_run_wherever_they_are_from(plan: Plan, data: Path) -> None:
    before = plan()
    (data / "leverage_tiers.json").write_text(json.dumps(tiers(0.01)))

    assert plan().digests["run"] == before.digests["run"]


def test_tiers_that_are_not_usable_stop_the_run_before_the_engine_starts(
    plan: Plan, data: Path, engine: EngineInstall
) -> None:
    (data / "leverage_tiers.json").write_text(json.dumps(tiers(2)))
    with pytest.raises(ValidationError, match=f"the leverage tiers of {PAIR} in .* not usable"):
        plan()

    (data / "leverage_tiers.json").unlink()
    (engine.package / "exchange" / "binance_leverage_tiers.json").write_text("{}")
    with pytest.raises(NotFoundError, match=f"has no leverage tiers of {PAIR}: give them in"):
        plan()


def test_a_run_is_not_repeated_with_other_tiers(
    plan: Callable[..., RunManifest], data: Path
) -> None:
    digests = {"leverage_tiers": plan().digests["leverage_tiers"]}
    plan(digests)
    (data / "leverage_tiers.json").write_text(json.dumps(tiers(0.02)))

    with pytest.raises(ValidationError, match="its leverage_tiers had digest"):
        plan(digests)
