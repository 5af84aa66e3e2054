"""When candles open and close, for whole columns: the scalar methods are the oracle."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

# Columns are what this is about.
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from tradai.core import Timeframe, from_epoch_ms, to_epoch_ms
from tradai.core.exceptions import ValidationError
from tradai.core.frames import candle_index, ceil_times, floor_times, next_closes

Move: TypeAlias = Callable[[Any, str], Any]
Unit: TypeAlias = Literal["s", "ms", "us", "ns"]

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
MOVES: dict[str, Move] = {"floor": floor_times, "ceil": ceil_times, "next_close": next_closes}
TIMEFRAMES = ["1s", "7s", "5m", "45m", "1h", "7h", "1d", "3d", "1w", "2w", "5w", "1M", "3M", "7M"]
IN_UTC = pd.DatetimeIndex(["2025-01-01 00:03", "2024-02-29 23:59"], tz="UTC", name="date")

timeframes = st.builds("{}{}".format, st.integers(1, 400), st.sampled_from("smhdwM"))


def spread(timeframe: str) -> list[int]:
    """Return milliseconds all over 1970 to 2100, most of them on or beside an opening."""
    anywhere = [n * 2_654_435_761 % 4_133_894_400_000 for n in range(100)]
    edges = [Timeframe(timeframe).floor(ms) for ms in anywhere]
    return [*anywhere, *(ms + by for ms in edges for by in (-1, 0, 1))]


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_a_column_of_milliseconds_moves_as_each_of_them_does(timeframe: str, name: str) -> None:
    stamps = spread(timeframe)
    one_by_one = [getattr(Timeframe(timeframe), name)(ms) for ms in stamps]

    assert MOVES[name](np.array(stamps), timeframe).tolist() == one_by_one


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("unit", get_args(Unit))
@pytest.mark.parametrize("timeframe", ["5m", "1w", "1M", "3M"])
def test_every_resolution_moves_alike(timeframe: str, unit: Unit, name: str) -> None:
    seconds = np.array(spread(timeframe)) // 1_000
    values = (seconds * PER_SECOND[unit]).view(f"M8[{unit}]")
    one_by_one = [getattr(Timeframe(timeframe), name)(int(s) * 1_000) // 1_000 for s in seconds]

    moved = MOVES[name](values, timeframe)

    assert moved.dtype == values.dtype
    assert (moved.view(np.int64) // PER_SECOND[unit]).tolist() == one_by_one


@given(timeframes, st.lists(st.integers(-(2**61), 2**61), min_size=1))
def test_nanoseconds_move_as_the_microseconds_around_them(
    timeframe: str, stamps: list[int]
) -> None:
    scalar, index = (
        Timeframe(timeframe),
        pd.DatetimeIndex(np.array(stamps).view("M8[ns]"), tz="UTC"),
    )
    before = [
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1_000) for ns in stamps
    ]
    after = [
        datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=-ns // 1_000) for ns in stamps
    ]

    assert floor_times(index, timeframe).to_pydatetime().tolist() == [*map(scalar.floor, before)]
    assert next_closes(index, timeframe).to_pydatetime().tolist() == [
        *map(scalar.next_close, before)
    ]
    assert ceil_times(index, timeframe).to_pydatetime().tolist() == [*map(scalar.ceil, after)]


@pytest.mark.parametrize("move", MOVES.values())
@pytest.mark.parametrize("unit", get_args(Unit))
def test_an_index_keeps_its_type_zone_and_name(unit: Unit, move: Move) -> None:
    index = IN_UTC.as_unit(unit)

    moved = move(index, "5m")

    assert isinstance(moved, pd.DatetimeIndex)
    assert (moved.dtype, moved.name, moved.tz) == (index.dtype, "date", index.tz)
    assert index.equals(IN_UTC.as_unit(unit))


@pytest.mark.parametrize("unit", get_args(Unit))
def test_a_series_keeps_its_type_index_and_name(unit: Unit) -> None:
    series = pd.Series(IN_UTC.as_unit(unit), index=["a", "b"], name="opened")

    moved = floor_times(series, "1h")

    expected = ["2025-01-01 00:00", "2024-02-29 23:00"]
    dtype = f"datetime64[{unit}, UTC]"
    pd.testing.assert_series_equal(
        moved, pd.Series(expected, index=["a", "b"], name="opened", dtype=dtype)
    )


def test_a_series_of_milliseconds_stays_one() -> None:
    series = pd.Series([1_735_689_780_000], name="timestamp")

    pd.testing.assert_series_equal(
        ceil_times(series, "5m"), pd.Series([1_735_689_900_000], name="timestamp")
    )


@pytest.mark.parametrize("timeframe", ["5m", "1w", "1M"])
@pytest.mark.parametrize("move", MOVES.values())
def test_a_missing_time_stays_missing(move: Move, timeframe: str) -> None:
    index = IN_UTC.insert(1, pd.NaT)

    moved = move(index, timeframe)

    assert moved.isna().tolist() == [False, True, False]
    assert moved.delete(1).equals(move(IN_UTC, timeframe))


@pytest.mark.parametrize("timeframe", ["5m", "1M"])
def test_nothing_gives_nothing(timeframe: str) -> None:
    assert floor_times(IN_UTC[:0], timeframe).equals(IN_UTC[:0])
    assert ceil_times(np.array([], dtype=np.int64), timeframe).tolist() == []


@pytest.mark.parametrize(
    "times",
    [
        IN_UTC.tz_localize(None),
        IN_UTC.tz_convert("Europe/London"),
        pd.Series(IN_UTC.tz_localize(None)),
        pd.Series(IN_UTC.tz_convert("Asia/Tokyo")),
        pd.Series(IN_UTC, dtype=pd.ArrowDtype(pa.timestamp("us", "UTC"))),
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1.0]),
        pd.Series(["2025-01-01"]),
        IN_UTC.tz_localize(None).to_period("D"),
        np.array([1.0]),
        np.array([1], dtype=np.int32),
        np.array([1], dtype=np.uint64),
        np.array([True]),
        np.array(["2025-01-01"], dtype="M8[D]"),
        np.array(1),
        [1_735_689_780_000],
        pd.Timestamp("2025-01-01", tz="UTC"),
        None,
    ],
    ids=lambda times: f"{type(times).__name__}-{getattr(times, 'dtype', '')}",
)
def test_a_column_without_utc_instants_is_refused(times: pd.DatetimeIndex) -> None:
    for move in MOVES.values():
        with pytest.raises(ValidationError, match="expected a DatetimeIndex or Series in UTC"):
            move(times, "5m")


def test_the_timeframe_is_checked_too() -> None:
    with pytest.raises(ValidationError, match="such as 5m"):
        floor_times(IN_UTC, "0m")


@pytest.mark.parametrize("timeframe", ["5m", "1w", "1M", "999999M"])
@pytest.mark.parametrize(
    "times",
    [
        np.array([np.iinfo(np.int64).min + 1]).view("M8[ns]"),
        np.array([np.iinfo(np.int64).max]).view("M8[ns]"),
        np.array([0, np.iinfo(np.int64).max]).view("M8[s]"),
        np.array([1_735_689_780_000_000]),
        np.array([-62_135_596_800_000]),
        np.array([np.iinfo(np.int64).min]),
    ],
    ids=repr,
)
def test_a_candle_out_of_reach_is_refused(times: np.ndarray, timeframe: str) -> None:
    for move in MOVES.values():
        with pytest.raises(ValidationError, match="out of reach"):
            move(times, timeframe)


@pytest.mark.parametrize("days", [1, 40, 300])
@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_a_long_candle_that_could_pass_the_end_is_refused(unit: str, days: int) -> None:
    day = 86_400 * PER_SECOND[unit]
    first, last = (
        (-62_135_596_800_000, 253_402_300_799_999)
        if unit == "ms"
        else (np.iinfo(np.int64).min + 1, np.iinfo(np.int64).max)
    )

    for stamp in (first + days * day, last - days * day):
        for move in MOVES.values():
            with pytest.raises(ValidationError, match="out of reach"):
                move(np.array([stamp]).view(f"M8[{unit}]"), "12M")


def test_a_timestamp_is_a_datetime_and_stays_one() -> None:
    at = pd.Timestamp("2025-01-01 00:05:00.000000001", tz="UTC")

    for timeframe, opened, closes in [("5m", "00:05", "00:10"), ("1M", "00:00", "00:00")]:
        scalar = Timeframe(timeframe)
        month = "02" if timeframe == "1M" else "01"
        assert scalar.floor(at) == pd.Timestamp(f"2025-01-01 {opened}", tz="UTC")
        assert scalar.ceil(at) == pd.Timestamp(f"2025-{month}-01 {closes}", tz="UTC")
        assert isinstance(scalar.next_close(at), pd.Timestamp)
    with pytest.raises(ValidationError, match="whole milliseconds"):
        to_epoch_ms(at)


def test_a_missing_timestamp_is_refused() -> None:
    missing: Any = pd.NaT

    with pytest.raises(ValidationError, match="no time zone"):
        Timeframe("5m").floor(missing)


@pytest.mark.parametrize("timeframe", ["45m", "1d", "2w", "1M", "7M"])
def test_a_candle_index_is_the_range_of_the_timeframe(timeframe: str) -> None:
    start, stop = from_epoch_ms(1_577_836_800_001), from_epoch_ms(1_735_689_600_000)

    index = candle_index(start, stop, timeframe)

    assert index.to_pydatetime().tolist() == [*Timeframe(timeframe).range(start, stop)]
    assert len(index) > 5
    assert (str(index.dtype), index.name) == ("datetime64[ms, UTC]", "date")


def test_a_candle_index_may_be_empty_but_not_run_backwards() -> None:
    start = from_epoch_ms(1)

    assert candle_index(start, start, "1M").dtype == "datetime64[ms, UTC]"
    assert candle_index(start, start + timedelta(seconds=1), "1m").empty
    with pytest.raises(ValidationError, match="not after the stop"):
        candle_index(start, start - timedelta(seconds=1), "1m")


@pytest.mark.deep
@pytest.mark.parametrize("timeframe", ["15m", "1h", "7h", "1d", "1w", "2w", "1M", "3M", "7M"])
def test_every_candle_from_1970_to_2100_is_where_a_walk_along_the_calendar_finds_it(
    timeframe: str,
) -> None:
    walked = list(walk(timeframe, datetime(2101, 1, 1, tzinfo=UTC)))
    opened = np.array(walked)
    lasts = np.append(opened[1:], opened[-1] + 1) - 1
    middles = (opened + lasts) // 2

    for times in (opened, middles, lasts):
        assert np.array_equal(floor_times(times, timeframe), opened)
    assert np.array_equal(next_closes(middles[:-1], timeframe), opened[1:])
    assert np.array_equal(ceil_times(lasts[:-1], timeframe), opened[1:])
    scalar = Timeframe(timeframe)
    for last, candle in zip(lasts.tolist(), walked, strict=True):
        assert scalar.floor(last) == scalar.floor(candle) == candle
        assert to_epoch_ms(scalar.floor(from_epoch_ms(last))) == candle


def walk(timeframe: str, stop: datetime) -> Iterator[int]:
    """Yield openings from 1970 on, one step of `datetime` after the other."""
    count, unit = int(timeframe[:-1]), timeframe[-1]
    at = datetime(1970, 1, 5 if unit == "w" else 1, tzinfo=UTC)
    names = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    while at < stop:
        yield round(at.timestamp()) * 1_000
        if unit == "M":
            months = at.month - 1 + count
            at = at.replace(year=at.year + months // 12, month=months % 12 + 1)
        else:
            at += timedelta(**{names[unit]: count})
