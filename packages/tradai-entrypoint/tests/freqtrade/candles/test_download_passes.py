"""A folder of candles is brought to a range at both of its ends."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

from tradai.core import parse_time_range
from tradai.entrypoint.freqtrade._candles.download_passes import Stored, download_passes
from tradai.entrypoint.freqtrade._candles.stored_range import StoredRange


def day(number: int) -> datetime:
    return datetime(2025, 1, number, tzinfo=UTC)


def stored(first: int, stop: int) -> StoredRange:
    return StoredRange(first=day(first), stop=day(stop), after=day(stop + 1))


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

    older, newer = download_passes(files, parse_time_range("20250101-20250125"))

    assert (older.pairs, older.is_older) == (("AAA/USDT", "CCC/USDT"), True)
    assert (newer.pairs, newer.is_older) == (("BBB/USDT", "CCC/USDT"), False)
    assert str(newer.timerange) == "20250101-20250131"


def test_a_pair_of_which_one_file_is_missing_goes_on_with_the_others() -> None:
    passes = download_passes(
        {"BTC/USDT:USDT": [stored(1, 20), None]}, parse_time_range("20250101-20250120")
    )

    assert [each.is_older for each in passes] == [True, False]


def test_the_range_of_a_file_is_read_and_none_of_a_damaged_one(tmp_path: Path) -> None:
    path, damaged = tmp_path / "BTC_USDT-1d.feather", tmp_path / "ETH_USDT-1d.feather"
    dates = pa.array([day(10), day(11), day(19)], pa.timestamp("ms", tz="UTC"))
    feather.write_feather(pa.table({"date": dates}), path)
    damaged.write_bytes(path.read_bytes()[:-20])

    assert StoredRange.of(path, "1d") == stored(10, 20)
    assert StoredRange.of(damaged, "1d") is None
    assert StoredRange.of(tmp_path / "none.feather", "1d") is None
