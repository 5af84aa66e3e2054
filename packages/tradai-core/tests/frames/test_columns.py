"""Candles as columns: the same candles as in frames, and read and written without pandas."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st
from pyarrow import feather

from tradai.core import DataRepository
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.core.frames import (
    CandleColumns,
    FlatDataRepository,
    InMemoryDataRepository,
    ParquetDataRepository,
    columns_of,
    gaps,
    read_columns,
)
from tradai.core.testing import FixedClock

START = datetime(2025, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COLUMNS = ("open", "high", "low", "close", "volume")


def candles(*minutes: int, value: float = 1.5) -> pd.DataFrame:
    """Return candles that open at these minutes of the year 2025."""
    opened = [START + minute * MINUTE for minute in minutes]
    index = pd.DatetimeIndex(opened, tz="UTC", name="date").as_unit("ms")
    return pd.DataFrame(dict.fromkeys(COLUMNS, value), index=index)


@pytest.fixture(params=[FlatDataRepository, ParquetDataRepository])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> DataRepository:
    made: DataRepository = request.param(tmp_path)
    return made


def test_columns_are_the_candles_of_the_frame(repository: DataRepository) -> None:
    repository.save_ohlcv("A/B", "5m", candles(0, 5, 10, 20))
    ends = {"start": START + 5 * MINUTE, "end": START + 20 * MINUTE}

    columns = read_columns(repository, "A/B", "5m", **ends)

    assert columns.equals(columns_of(repository.get_ohlcv("A/B", "5m", **ends)))
    assert columns.opened.tolist() == [1735689600000 + minute * 60_000 for minute in (5, 10)]
    assert gaps(read_columns(repository, "A/B", "5m"), "5m") == gaps(candles(0, 5, 10, 20), "5m")


def test_a_repository_of_frames_alone_gives_columns_too() -> None:
    class Frames(InMemoryDataRepository):  # type: ignore[misc]  # final, and here to be wrapped
        pass

    repository = Frames()
    repository.save_ohlcv("A/B", "5m", candles(0, 5))

    assert read_columns(repository, "A/B", "5m").equals(columns_of(candles(0, 5)))


@pytest.mark.parametrize("make", [FlatDataRepository, ParquetDataRepository])
def test_columns_are_read_and_saved_without_pandas(tmp_path: Path, make: type[Any]) -> None:
    make(tmp_path / "one").save_ohlcv("A/B", "5m", candles(0, 5, 10))
    program = f"""
import sys
from tradai.core.frames import FlatDataRepository, {make.__name__}, gaps, read_columns
columns = read_columns({make.__name__}({str(tmp_path / "one")!r}), "A/B", "5m")
gaps(columns, "5m")
for file_format in ("feather", "parquet"):
    FlatDataRepository(sys.argv[1] + file_format, file_format=file_format).save_columns(
        "A/B", "5m", columns
    )
sys.exit("pandas" in sys.modules)
"""

    subprocess.run([sys.executable, "-c", program, str(tmp_path / "two")], check=True)

    for folder in ("twofeather", "twoparquet"):
        copy = FlatDataRepository(tmp_path / folder).get_ohlcv("A/B", "5m")
        pd.testing.assert_frame_equal(copy, candles(0, 5, 10))


def test_other_programs_read_the_files(tmp_path: Path) -> None:
    columns = columns_of(candles(0, 5, 10))
    FlatDataRepository(tmp_path / "f", file_format="feather").save_columns("A/B", "5m", columns)
    FlatDataRepository(tmp_path / "p").save_columns("A/B", "5m", columns)

    read = pd.read_feather(tmp_path / "f" / "A_B-5m.feather")

    pd.testing.assert_frame_equal(read, candles(0, 5, 10).reset_index())
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "p" / "A_B-5m.parquet"), read)


BROKEN: dict[str, Callable[[CandleColumns], CandleColumns]] = {
    "falling": lambda c: CandleColumns(c.opened[::-1], c.cells),
    "of less precision": lambda c: CandleColumns(
        c.opened, {**c.cells, "open": c.opened.astype("float32")}
    ),
    "not finite": lambda c: CandleColumns(c.opened, {**c.cells, "low": np.full(3, np.inf)}),
    "too few": lambda c: CandleColumns(c.opened, {"open": c.cells["open"]}),
    "none": lambda c: c.cut(slice(0)),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_columns_that_are_no_candles_are_not_saved(tmp_path: Path, reason: str) -> None:
    broken = BROKEN[reason](columns_of(candles(0, 5, 10)))
    repository = FlatDataRepository(tmp_path)

    with pytest.raises(ValidationError, match="candles of A/B 5m are not usable"):
        repository.save_columns("A/B", "5m", broken)

    assert repository.coverage("A/B", "5m") is None


def test_open_candles_are_neither_saved_nor_read(tmp_path: Path) -> None:
    clock = FixedClock(START + 12 * MINUTE)
    repository = FlatDataRepository(tmp_path, clock=clock)
    columns = columns_of(candles(0, 5, 10))

    with pytest.raises(ValidationError, match="is open until 2025-01-01 00:15:00"):
        repository.save_columns("A/B", "5m", columns)

    clock.advance(10 * MINUTE)
    repository.save_columns("A/B", "5m", columns)
    clock.advance(-10 * MINUTE)
    assert len(repository.get_columns("A/B", "5m")) == 2


def test_a_series_that_is_not_there_has_no_columns(repository: DataRepository) -> None:
    with pytest.raises(NotFoundError, match="no candles of A/B 5m"):
        read_columns(repository, "A/B", "5m")


DATES = [0, 300_000, 600_000]


@pytest.mark.parametrize(
    ("dates", "problem"),
    [
        (pa.array([0, 300, 600], pa.timestamp("s", "UTC")), None),
        (pa.array([date * 1_000 for date in DATES], pa.timestamp("us", "+00:00")), None),
        (pa.array([date * 1_000_000 for date in DATES], pa.timestamp("ns", "UTC")), None),
        (pa.array([0, 300_001, 600_000], pa.timestamp("us", "UTC")), "whole milliseconds"),
        (pa.array([0, None, 600_000], pa.timestamp("ms", "UTC")), "do not rise"),
        (pa.array(DATES, pa.timestamp("ms", "Europe/Berlin")), "not in UTC"),
        (pa.array(DATES, pa.timestamp("ms")), "not in UTC"),
        (pa.array(DATES, pa.int64()), "not in UTC"),
    ],
)
def test_dates_of_other_programs_are_read_or_refused(
    tmp_path: Path, dates: pa.Array, problem: str | None
) -> None:
    table = pa.table({"date": dates, **dict.fromkeys(COLUMNS, pa.array([1.0, 2.0, 3.0]))})
    feather.write_feather(table, tmp_path / "A_B-5m.feather", chunksize=2)
    repository = FlatDataRepository(tmp_path)

    if problem:
        with pytest.raises(ValidationError, match=problem):
            read_columns(repository, "A/B", "5m")
    else:
        columns = read_columns(repository, "A/B", "5m")
        assert columns.opened.tolist() == DATES
        assert columns.cells["close"].tolist() == [1.0, 2.0, 3.0]


def test_a_missing_number_is_refused(tmp_path: Path) -> None:
    cells = dict.fromkeys(COLUMNS, pa.array([1.0, None]))
    table = pa.table({"date": pa.array(DATES[:2], pa.timestamp("ms", "UTC")), **cells})
    feather.write_feather(table, tmp_path / "A_B-5m.feather")

    with pytest.raises(ValidationError, match="not finite"):
        read_columns(FlatDataRepository(tmp_path), "A/B", "5m")


@given(st.lists(st.sets(st.integers(0, 30), min_size=1), min_size=1, max_size=4))
def test_upserts_are_updates_of_a_mapping_in_memory(parts: list[set[int]]) -> None:
    repository = InMemoryDataRepository()
    expected: dict[int, float] = {}

    for number, part in enumerate(parts):
        frame = candles(*sorted(part), value=float(number + 1))
        repository.upsert_ohlcv("A/B", "1m", frame)
        expected |= dict.fromkeys(part, float(number + 1))

    kept = repository.get_ohlcv("A/B", "1m")["close"]
    assert kept.tolist() == [expected[minute] for minute in sorted(expected)]
