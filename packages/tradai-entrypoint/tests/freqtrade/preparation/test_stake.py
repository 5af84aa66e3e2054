"""Stakes that buy nothing, by market rules that the stand-in for the engine does not have."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tradai.core import Market, MarketSnapshot, StrategyConfig, TimeRange
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._candles.staged_data import StagedData, StagedSeries
from tradai.entrypoint.freqtrade._preparation.stake import check_amounts
from tradai.entrypoint.freqtrade._strategy.source import inspect_source

# Not through the door: a run shows the sentence, and these rules are of contracts, or of pairs that
# a run only reads.
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
STOP: Final = datetime(2025, 1, 2, tzinfo=UTC)


def check(tmp_path: Path, pair: str, **rules: object) -> None:
    """Check a stake of 50 on `pair`, of which one costs 100 at the lowest of its own candles."""
    (tmp_path / "wave.py").write_text("class Wave(IStrategy):\n    pass\n")
    config = StrategyConfig.model_validate(
        {
            "name": "wave",
            "version": "1.0.0",
            "timeframe": "5m",
            "pairs": ["BTC/USDT", "BTC/USDT:USDT"],
            "execution": {"stake_amount": 50},
        }
    )
    market = {"pair": pair, "market_type": "spot", "base": "BTC", "quote": "USDT"}
    market |= {"status": "active", "tick": "0.1", "step": "0.1"}
    staged = StagedSeries(
        pair=pair,
        timeframe="5m",
        rows=288,
        first=START,
        last=STOP,
        gaps=(),
        jumps=(),
        digest="d",
        lowest=100.0,
    )
    check_amounts(
        config,
        MarketSnapshot(
            exchange="binance", taken_at=START, markets=(Market.model_validate(market | rules),)
        ),
        inspect_source(tmp_path, "Wave"),
        StagedData(
            timerange=TimeRange(start=START, stop=STOP),
            series=(staged, replace(staged, timeframe="1h", lowest=1.0)),
            digest="d",
        ),
    )


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"step": Decimal("0.6")}, "BTC/USDT 60 for 0.6;"),
        ({"min_amount": Decimal("0.7")}, "BTC/USDT 70 for 0.7;"),
    ],
)
def test_the_step_or_the_smallest_amount_may_cost_too_much(
    tmp_path: Path, rules: dict[str, object], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"by the market rules: {named}"):
        check(tmp_path, "BTC/USDT", **rules)


def test_a_stake_of_just_the_smallest_amount_is_taken(tmp_path: Path) -> None:
    check(tmp_path, "BTC/USDT", step=Decimal("0.5"))


def test_a_contract_may_be_bought_with_leverage(tmp_path: Path) -> None:
    contract = {"market_type": "futures", "contract_size": Decimal(1)}

    check(tmp_path, "BTC/USDT:USDT", step=Decimal("0.6"), **contract)


def test_a_pair_that_is_only_read_may_be_expensive(tmp_path: Path) -> None:
    check(tmp_path, "ETH/USDT", step=Decimal("0.6"), base="ETH")
