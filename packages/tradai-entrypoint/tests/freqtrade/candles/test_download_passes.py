"""A folder of candles is brought to a range at both of its ends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

from tradai.core import TimeRange, parse_time_range
from tradai.entrypoint.freqtrade._candles.download_passes import (
    Stored,
    download_passes,
    outside_of,
)
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries
from tradai.entrypoint.freqtrade._candles.stored_range import StoredRange, missing_rows_in


def day(number: int) -> datetime:
    return datetime(2025, 1, number, tzinfo=UTC)


def stored(first: int, stop: int) -> StoredRange:
    before = day(first) - timedelta(days=1)
    return StoredRange(before=before, first=day(first), stop=day(stop), after=day(stop + 1))


@pytest.mark.parametrize(
    ("timerange", "expected"),
    [
        ("20250110-20250120", []),
        ("20250112-20250118", []),
        ("20250110-", [("20250110-", False)]),
        ("20250112-20250125", [("20250112-20250125", False)]),
        # The last candle is left out by the first run, and read again by the second one.
        ("20250105-20250115", [("20250105-20250115", True), ("20250105-20250121", False)]),
        ("20250105-20250125", [("20250105-20250125", True), ("20250105-20250125", False)]),
        ("20250105-", [("20250105-", True), ("20250105-", False)]),
    ],
)
def test_a_file_goes_on_at_the_ends_where_candles_are_missing(
    timerange: str, expected: list[tuple[str, bool]]
) -> None:
    passes = download_passes({"BTC/USDT": [stored(10, 20)]}, parse_time_range(timerange))

    assert [(str(each.timerange), each.is_older) for each in passes] == expected


def test_each_pair_is_in_the_runs_that_it_needs() -> None:
    files: Stored = {"AAA/USDT": [None], "BBB/USDT": [stored(1, 20)], "CCC/USDT": [stored(10, 30)]}

    older, short, long = download_passes(files, parse_time_range("20250101-20250125"))

    assert (older.pairs, older.is_older) == (("AAA/USDT", "CCC/USDT"), True)
    # Each goes no further than was asked, or than its own last candle.
    assert (short.pairs, short.is_older) == (("BBB/USDT",), False)
    assert str(short.timerange) == "20250101-20250125"
    assert (long.pairs, long.is_older) == (("CCC/USDT",), False)
    assert str(long.timerange) == "20250101-20250131"


def test_pairs_that_go_on_to_one_stop_share_a_run() -> None:
    files: Stored = {"AAA/USDT": [stored(1, 19)], "BBB/USDT": [stored(1, 20)]}

    (newer,) = download_passes(files, parse_time_range("20250101-20250125"))

    assert newer.pairs == ("AAA/USDT", "BBB/USDT")


def test_a_pair_of_which_one_file_is_missing_goes_on_with_the_others() -> None:
    passes = download_passes(
        {"BTC/USDT:USDT": [stored(1, 20), None]}, parse_time_range("20250101-20250120")
    )

    assert [each.is_older for each in passes] == [True, False]


@pytest.mark.parametrize(
    ("timerange", "is_outside"),
    [
        ("20250101-20250110", True),
        ("20250101-20250111", False),
        ("20250119-20250125", False),
        ("20250120-20250125", True),
        ("-20250110", True),
        ("20250120-", True),
    ],
)
def test_a_range_that_ends_where_candles_begin_or_the_reverse_has_none_of_them(
    timerange: str, *, is_outside: bool
) -> None:
    found = outside_of({"BTC/USDT": [stored(10, 20)]}, parse_time_range(timerange))

    expected = ["BTC/USDT has 2025-01-10 00:00 to 2025-01-20 00:00 UTC"]
    assert found == (expected if is_outside else [])


def series(kind: str = "spot", timeframe: str = "1d") -> NeededSeries:
    return NeededSeries(pair="BTC/USDT", timeframe=timeframe, warmup=0, is_traded=True, kind=kind)


def write_dates(path: Path, dates: pa.Array) -> Path:
    feather.write_feather(pa.table({"date": dates}), path)
    return path


def times(*instants: datetime) -> pa.Array:
    return pa.array(instants, pa.timestamp("ms", tz="UTC"))


def test_the_range_of_a_file_is_read_and_none_of_a_damaged_one(tmp_path: Path) -> None:
    path = write_dates(tmp_path / "BTC_USDT-1d.feather", times(day(10), day(11), day(19)))
    damaged = tmp_path / "ETH_USDT-1d.feather"
    damaged.write_bytes(path.read_bytes()[:-20])

    assert StoredRange.of(path, series()) == stored(10, 20)
    assert StoredRange.of(damaged, series()) is None
    assert StoredRange.of(tmp_path / "none.feather", series()) is None


@pytest.mark.parametrize(
    "dates",
    [
        pa.array([True]),
        pa.array([1.5]),
        pa.array([{"day": 1}]),
        pa.array([[1]]),
        pa.array(["soon"]),
        pa.array([2**62]),
        pa.array([-(2**62)]),
        pa.array([], pa.int64()),
        pa.array([None], pa.int64()),
    ],
    ids=lambda dates: f"{dates.type}-{len(dates)}-{dates[:1].to_pylist()}",
)
def test_a_file_whose_dates_are_no_times_has_no_range(tmp_path: Path, dates: pa.Array) -> None:
    path = write_dates(tmp_path / "BTC_USDT-1d.feather", dates)

    assert StoredRange.of(path, series()) is None


@pytest.mark.parametrize("timerange", ["20250110-20250112", "1736479800-20250112"])
def test_a_whole_folder_of_a_contract_lacks_nothing(tmp_path: Path, timerange: str) -> None:
    hours = [day(10) + timedelta(hours=hour) for hour in range(48)]
    files = [
        StoredRange.of(write_dates(tmp_path / f"{kind}.feather", times(*rows)), series(kind, "1h"))
        for kind, rows in (("futures", hours), ("mark", hours), ("funding_rate", hours[::8]))
    ]

    assert None not in files
    # The second range starts half past three, between two rates.
    assert download_passes({"BTC/USDT:USDT": files}, parse_time_range(timerange)) == ()


@pytest.mark.parametrize(("first", "last"), [(8, 40), (0, 32)])
def test_a_funding_rate_that_is_missing_at_an_end_is_downloaded(
    tmp_path: Path, first: int, last: int
) -> None:
    hours = [day(10) + timedelta(hours=hour) for hour in range(first, last + 1, 8)]
    path = write_dates(tmp_path / "funding_rate.feather", times(*hours))
    rates = StoredRange.of(path, series("funding_rate", "1h"))

    passes = download_passes({"BTC/USDT:USDT": [rates]}, parse_time_range("20250110-20250112"))

    assert passes[0].is_older is (first > 0)


@pytest.mark.parametrize(
    ("start", "is_older"),
    [(day(9), True), (day(9) + timedelta(seconds=1), False), (day(10), False)],
)
def test_a_start_within_a_candle_lacks_only_what_opens_after_it(
    start: datetime, *, is_older: bool
) -> None:
    wanted = TimeRange(start=start, stop=day(12))

    assert bool(download_passes({"BTC/USDT": [stored(10, 20)]}, wanted)) is is_older


@pytest.mark.parametrize(
    ("timerange", "missing"),
    [
        ("20250110-20250120", 7),
        ("20250101-20250112", 0),
        ("20250101-20250113", 7),
        ("20250119-", 0),
    ],
)
def test_rows_that_are_missing_within_the_range_are_counted(
    tmp_path: Path, timerange: str, missing: int
) -> None:
    path = write_dates(tmp_path / "BTC_USDT-1d.feather", times(day(19), day(10), day(11)))

    assert missing_rows_in(path, series(), parse_time_range(timerange)) == missing


def test_a_file_that_cannot_be_read_counts_no_missing_row(tmp_path: Path) -> None:
    text = write_dates(tmp_path / "text.feather", pa.array(["soon"]))
    late = write_dates(tmp_path / "late.feather", pa.array([0, 2**62]))

    for each in (text, late, tmp_path / "none.feather"):
        assert missing_rows_in(each, series(), parse_time_range("20250101-")) == 0


def test_a_funding_rate_that_is_missing_is_counted(tmp_path: Path) -> None:
    hours = [day(10) + timedelta(hours=hour) for hour in (0, 8, 16, 32, 40, 48)]
    path = write_dates(tmp_path / "funding_rate.feather", times(*hours))

    rates = series("funding_rate", "1h")
    assert missing_rows_in(path, rates, parse_time_range("20250110-20250112")) == 1
