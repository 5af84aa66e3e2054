"""Interrupted writes of candles leave the old series or the new one, never a mixture."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

# The subject is repositories of frames.
import numpy as np
import pandas as pd  # noqa: TID253
import pyarrow.parquet as pq
import pytest

from tradai.core import DataRepository
from tradai.core.exceptions import StorageError
from tradai.core.frames import FlatDataRepository, ParquetDataRepository

WRITER = Path(__file__).parent / "killed_writer.py"
COLUMNS = ["open", "high", "low", "close", "volume"]
PAIR = "BTC/USDT"


def months(*numbers: int, value: float = 1.0) -> pd.DataFrame:
    """Return a candle for each of these months of 2025."""
    opened = [datetime(2025, number, 1, tzinfo=UTC) for number in numbers]
    index = pd.DatetimeIndex(opened, name="date").as_unit("ms")
    return pd.DataFrame(dict.fromkeys(COLUMNS, value), index=index)


def test_a_writer_killed_at_any_step_leaves_the_old_or_the_new_series(tmp_path: Path) -> None:
    old = months(1, 2)
    ParquetDataRepository(tmp_path / "start").save_ohlcv(PAIR, "5m", old)

    subprocess.run([sys.executable, WRITER, "each-step", tmp_path], check=True, timeout=600)

    steps = sorted(int(path.name) for path in tmp_path.iterdir() if path.name != "start")
    left = [_left_behind(tmp_path / str(step)) for step in steps]
    assert left == sorted(left, reverse=True), "once the new series is there, it stays"
    assert left.count("old") > 20
    assert left.count("new") > 3


def _left_behind(root: Path) -> str:
    """Return which series a killed writer left; check that the next change removes its remains."""
    repository = ParquetDataRepository(root)
    folder = root / "BTC_USDT-5m"
    for path in folder.glob("*.parquet"):
        pq.read_table(path)
    kept = repository.get_ohlcv(PAIR, "5m")
    covered = repository.coverage(PAIR, "5m")
    assert covered is not None
    assert covered.count == len(kept)
    if len(kept) == 2:
        pd.testing.assert_frame_equal(kept, months(1, 2))
    else:
        assert len(kept) == 9
        assert (kept == 2.0).all(axis=None)
    repository.upsert_ohlcv(PAIR, "5m", months(1, value=3.0))
    repository.upsert_ohlcv(PAIR, "5m", months(1, value=4.0))
    assert not list(folder.glob(".*"))
    return "old" if len(kept) == 2 else "new"


def test_a_writer_killed_at_any_moment_leaves_a_whole_series(tmp_path: Path) -> None:
    rounds = 12

    subprocess.run(
        [sys.executable, WRITER, "anywhere", tmp_path, str(rounds)], check=True, timeout=600
    )

    for number in range(rounds):
        kept = ParquetDataRepository(tmp_path / str(number)).get_ohlcv(PAIR, "5m")
        assert len(kept) == 9
        assert kept.nunique().eq(1).all(), "candles of two upserts are mixed"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def noise(count: int) -> pd.DataFrame:
    """Return candles that do not compress."""
    opened = pd.date_range("2025-01-01", periods=count, freq="5min", tz="UTC", name="date")
    values = np.random.default_rng(1).random((count, len(COLUMNS)))
    frame = pd.DataFrame(values, columns=COLUMNS, index=opened.as_unit("ms"))
    return frame.assign(high=1.0 + frame["high"], low=0.5 * frame[["open", "close"]].min(axis=1))


@pytest.mark.parametrize("repository_type", [FlatDataRepository, ParquetDataRepository])
def test_a_full_disk_is_an_error_that_keeps_the_old_candles(
    disk: Path, repository_type: type[FlatDataRepository | ParquetDataRepository]
) -> None:
    repository: DataRepository = repository_type(disk / "candles")
    few, many = noise(1_000), noise(100_000)
    repository.save_ohlcv(PAIR, "5m", few)

    for keep in (repository.save_ohlcv, repository.upsert_ohlcv):
        with pytest.raises(StorageError, match="the disk is full; free some space"):
            keep(PAIR, "5m", many)

    pd.testing.assert_frame_equal(repository.get_ohlcv(PAIR, "5m"), few, check_freq=False)
    repository.upsert_ohlcv(PAIR, "5m", noise(2_000))
    assert len(repository.get_ohlcv(PAIR, "5m")) == 2_000


@pytest.mark.parametrize("repository_type", [FlatDataRepository, ParquetDataRepository])
def test_a_read_only_disk_refuses_changes_and_can_be_read(
    disk: Path, repository_type: type[FlatDataRepository | ParquetDataRepository]
) -> None:
    repository: DataRepository = repository_type(disk / "candles")
    repository.save_ohlcv(PAIR, "5m", noise(100))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    for keep in (repository.save_ohlcv, repository.upsert_ohlcv):
        with pytest.raises(StorageError, match="the file system is read-only; mount it writable"):
            keep(PAIR, "5m", noise(200))

    assert len(repository.get_ohlcv(PAIR, "5m")) == 100
    assert repository.series() == [(PAIR, "5m")]
