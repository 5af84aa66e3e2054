"""Impossible candles are refused with pair, time and value; improbable ones are warned about."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tradai.core import DataRepository
from tradai.core.exceptions import ValidationError
from tradai.core.frames import (
    FlatDataRepository,
    InMemoryDataRepository,
    Jump,
    ParquetDataRepository,
    jumps,
)

PAIR = "BTC/USDT"
START = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)


def candles(
    *rows: tuple[float, float, float, float], shift: timedelta = timedelta()
) -> pd.DataFrame:
    """Return candles of these prices: open, high, low, close."""
    opened = [START + shift + number * STEP for number in range(len(rows))]
    index = pd.DatetimeIndex(opened, name="date").as_unit("ms")
    frame = pd.DataFrame(rows, index=index, columns=["open", "high", "low", "close"])
    return frame.assign(volume=1.0).astype("float64")


@pytest.fixture(params=[InMemoryDataRepository, FlatDataRepository, ParquetDataRepository])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> DataRepository:
    if request.param is InMemoryDataRepository:
        return InMemoryDataRepository()
    made: DataRepository = request.param(tmp_path / "candles")
    return made


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ((10.0, 9.0, 10.0, 10.0), "low 10 is above high 9"),
        ((12.5, 11.0, 9.0, 10.0), "open 12.5 is above high 11"),
        ((8.0, 11.0, 9.0, 10.0), "low 9 is above open 8"),
        ((10.0, 11.0, 9.0, 12.0), "close 12 is above high 11"),
        ((10.0, 11.0, 9.0, 0.00000123), "low 9 is above close 1.23e-06"),
        ((10.0, 11.0, -1.0, 10.0), "low -1 is negative"),
    ],
)
def test_an_impossible_candle_is_refused_with_pair_time_and_value(
    repository: DataRepository, bad: tuple[float, float, float, float], problem: str
) -> None:
    good = (10.0, 11.0, 9.0, 10.0)

    for keep in (repository.save_ohlcv, repository.upsert_ohlcv):
        with pytest.raises(ValidationError) as refusal:
            keep(PAIR, "5m", candles(good, bad, good, bad))
        assert f"the candles of {PAIR} 5m are not usable: at 2025-01-01 00:05:00 UTC" in str(
            refusal.value
        )
        assert f"{problem} (and so in 2 candles)" in str(refusal.value)
    assert repository.series() == []


def test_a_negative_volume_is_refused() -> None:
    frame = candles((10.0, 11.0, 9.0, 10.0)).assign(volume=-0.5)

    with pytest.raises(ValidationError, match=r"volume -0\.5 is negative"):
        InMemoryDataRepository().save_ohlcv(PAIR, "5m", frame)


def test_a_candle_off_the_grid_is_refused() -> None:
    frame = candles((10.0, 11.0, 9.0, 10.0), shift=timedelta(seconds=90))

    with pytest.raises(ValidationError, match=r"00:01:30 UTC it is off the grid of 5m"):
        InMemoryDataRepository().save_ohlcv(PAIR, "5m", frame)


def test_flat_and_zero_candles_are_possible() -> None:
    repository = InMemoryDataRepository()

    repository.save_ohlcv(PAIR, "5m", candles((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)))

    assert len(repository.get_ohlcv(PAIR, "5m")) == 2


def test_a_jump_is_found_where_no_market_moves_so() -> None:
    frame = candles(
        (10.0, 11.0, 9.0, 10.0),
        (31.0, 31.0, 31.0, 31.0),  # opens at three times the close
        (31.0, 311.0, 30.0, 31.0),  # a high ten times its body
        (31.0, 31.0, 3.0, 31.0),  # a low a tenth of its body
        (10.0, 10.0, 10.0, 10.0),  # opens at less than a third of the close
    )

    assert jumps(frame, "5m") == [
        Jump(at=START + STEP, column="open", price=31.0, before=10.0),
        Jump(at=START + 2 * STEP, column="high", price=311.0, before=31.0),
        Jump(at=START + 3 * STEP, column="low", price=3.0, before=31.0),
        Jump(at=START + 4 * STEP, column="open", price=10.0, before=31.0),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [(10.0, 30.0, 9.0, 30.0), (29.0, 80.0, 29.0, 80.0)],  # a pump, traded all the way
        [(10.0, 10.0, 1.1, 10.0)],  # a crash in an empty book
        [(10.0, 11.0, 9.0, 10.0), (30.0, 30.0, 30.0, 30.0)],  # at the bound
    ],
)
def test_wild_markets_do_not_jump(rows: list[tuple[float, float, float, float]]) -> None:
    assert jumps(candles(*rows), "5m") == []


def test_the_candle_after_a_gap_may_open_anywhere() -> None:
    frame = candles((10.0, 11.0, 9.0, 10.0), (1.0, 1.0, 1.0, 1.0), (90.0, 91.0, 89.0, 90.0))

    assert jumps(frame.iloc[[0, 2]], "5m") == []


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, logger="tradai.core.frames"):
        yield caplog


def test_a_jump_is_kept_and_warned_about(
    repository: DataRepository, warnings: pytest.LogCaptureFixture
) -> None:
    frame = candles((10.0, 11.0, 9.0, 10.0), (1000.0, 1000.0, 1000.0, 1000.0))

    repository.upsert_ohlcv(PAIR, "5m", frame)

    assert len(repository.get_ohlcv(PAIR, "5m")) == 2
    (record,) = warnings.records
    assert record.getMessage() == (
        "BTC/USDT 5m has jumps that no market makes, 1 in all, the first: open 1000 next to 10 at "
        "2025-01-01 00:05:00 UTC; check where the candles are from"
    )
