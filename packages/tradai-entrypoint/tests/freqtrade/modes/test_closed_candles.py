"""Candles in the files of a backtest that the look-ahead analysis cuts."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

from tradai.core import Timeframe, to_epoch_ms

# Not public: a child process calls it, which runs on the real engine elsewhere.
from tradai.entrypoint.freqtrade._modes._bias.closed_candles import write_closed_candles


def _ms(text: str) -> int:
    return to_epoch_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "futures").mkdir(parents=True)
    return folder


def _left(source: Path, name: str, opened: list[str], *, stop: str) -> list[str]:
    """Return the instants that are left of a series which opens at `opened`."""
    times = pa.array([_ms(each) for each in opened], pa.timestamp("ms", tz="UTC"))
    feather.write_feather(pa.table({"date": times, "close": [1.0] * len(opened)}), source / name)
    target = source.parent / "cut"

    write_closed_candles(source, target, own=Timeframe("5m"), stop_ms=_ms(stop))

    left = feather.read_table(target / name)
    assert left.column_names == ["date", "close"]
    return [f"{each:%Y-%m-%d %H:%M}" for each in left["date"].to_pylist()]


def _last(source: Path, name: str, opened: list[str], *, stop: str) -> str:
    return _left(source, name, opened, stop=stop)[-1]


@pytest.mark.parametrize(
    ("stop", "last"),
    [
        ("2025-01-31 09:50", "2025-01-31 08:00"),
        ("2025-01-31 09:55", "2025-01-31 09:00"),
        ("2025-01-31 10:00", "2025-01-31 09:00"),
    ],
)
def test_an_hour_is_closed_when_its_last_own_candle_is(source: Path, stop: str, last: str) -> None:
    hours = [f"2025-01-31 {hour:02}:00" for hour in (8, 9, 10, 11)]

    assert _last(source, "BTC_USDT-1h.feather", hours, stop=stop) == last


@pytest.mark.parametrize(
    ("stop", "last"),
    [("2025-01-31 23:50", "2024-12-01 00:00"), ("2025-01-31 23:55", "2025-01-01 00:00")],
)
def test_a_month_is_closed_at_its_end(source: Path, stop: str, last: str) -> None:
    months = ["2024-12-01", "2025-01-01", "2025-02-01"]

    assert _last(source, "BTC_USDT-1Mo.feather", months, stop=stop) == last


def test_the_own_candles_end_with_the_last_one(source: Path) -> None:
    own = ["2025-01-31 09:45", "2025-01-31 09:50", "2025-01-31 09:55"]

    last = _last(source, "BTC_USDT-5m.feather", own, stop="2025-01-31 09:50")

    assert last == "2025-01-31 09:50"


def test_shorter_candles_are_closed_with_the_last_own_one(source: Path) -> None:
    minutes = [f"2025-01-31 09:{minute}" for minute in range(49, 58)]

    last = _last(source, "BTC_USDT-1m.feather", minutes, stop="2025-01-31 09:50")

    assert last == "2025-01-31 09:54"


def test_one_candle_is_kept_for_a_strategy_that_expects_one(source: Path) -> None:
    days = ["2025-01-31", "2025-02-01"]

    last = _last(source, "BTC_USDT-1d.feather", days, stop="2025-01-31 09:50")

    assert last == "2025-01-31 00:00"


def test_a_series_that_begins_later_has_no_candle(source: Path) -> None:
    days = ["2025-02-01", "2025-02-02"]

    assert _left(source, "NEW_USDT-1d.feather", days, stop="2025-01-31 09:50") == []


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        ("futures", "2025-01-31 08:00"),
        ("mark", "2025-01-31 08:00"),
        ("funding_rate", "2025-01-31 09:00"),
    ],
)
def test_a_funding_rate_is_known_at_its_time(source: Path, kind: str, last: str) -> None:
    hours = ["2025-01-31 08:00", "2025-01-31 09:00", "2025-01-31 10:00"]
    name = f"futures/BTC_USDT_USDT-1h-{kind}.feather"

    assert _last(source, name, hours, stop="2025-01-31 09:50") == last
