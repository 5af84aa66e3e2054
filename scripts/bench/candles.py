"""A million one-minute candles, written, and read for a day, against the bare library.

``uv run --frozen python scripts/bench/candles.py [--rounds 9]`` measures the Parquet repository
against pyarrow writing and reading the same monthly files. Run by the Python of the ArcticDB
environment, it measures the ArcticDB repository against arcticdb: the same frame, a local LMDB.

Both sides alternate in one process. CPU is of all threads; figures and ratios are of medians, but
"best" compares the best round of each side, which other programs of a busy machine affect least.
"""

import argparse
import importlib.util
import itertools
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd  # noqa: TID253
import pyarrow as pa
import pyarrow.parquet as pq

from tradai.core import DataRepository
from tradai.core.frames import ParquetDataRepository

PAIR, TIMEFRAME = "BTC/USDT", "1m"
DAY = datetime(2025, 2, 11, tzinfo=UTC)


class Case(NamedTuple):
    """An operation of the bare library and of the repository, each in a folder of its own."""

    name: str
    bound: float
    bare: Callable[[], object]
    ours: Callable[[], object]
    repeat: int = 1


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--folder", type=Path, help="where to write; default: the folder for temporary files"
    )
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tradai-bench-", dir=arguments.folder))
    make = arctic_cases if importlib.util.find_spec("arcticdb") else parquet_cases
    print("| what | bare CPU ms | tradai CPU ms | x CPU | x best CPU | x wall | bound |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    try:
        for case in make(folder, candles()):
            print(row(case, arguments.rounds))
    finally:
        shutil.rmtree(folder)


def candles() -> pd.DataFrame:
    """Return a million candles of a random walk in whole ticks."""
    random = np.random.default_rng(7)
    count = 1_000_000
    close = np.round(50_000 + np.cumsum(random.normal(0, 5, count)), 2)
    start = pd.Timestamp("2024-01-01", tz="UTC").as_unit("ms")
    opened = pd.date_range(start, periods=count, freq="min", name="date")
    opens = np.concatenate(([close[0]], close[:-1]))
    columns = {
        "open": opens,
        "high": np.maximum(opens, close) + 3.25,
        "low": np.minimum(opens, close) - 3.25,
        "close": close,
        "volume": np.round(random.exponential(12, count), 5),
    }
    return pd.DataFrame(columns, index=opened)


def parquet_cases(folder: Path, frame: pd.DataFrame) -> list[Case]:
    """Return the operations on Parquet files, by pyarrow and by the repository."""
    bare, ours = folder / "bare", folder / "ours"
    repository = ParquetDataRepository(ours)
    return [
        Case(
            "Parquet, write", 1.3, lambda: write_bare(bare, frame), lambda: save(repository, frame)
        ),
        Case("Parquet, one day", 1.3, lambda: day_bare(bare), lambda: day(repository), repeat=20),
    ]


def write_bare(folder: Path, frame: pd.DataFrame) -> None:
    """Write a file for each month, without checks, fsync and manifest."""
    folder.mkdir(exist_ok=True)
    table = pa.Table.from_pandas(frame)
    months = frame.index.tz_localize(None).to_numpy().astype("datetime64[M]")
    starts = [*np.unique(months, return_index=True)[1].tolist(), len(months)]
    for first, stop in itertools.pairwise(starts):
        part = table.slice(first, stop - first)
        # Without dictionaries, as the repository does: with them it takes twice as long.
        pq.write_table(part, folder / f"{months[first]}.parquet", use_dictionary=False)


def day_bare(folder: Path) -> pd.DataFrame:
    """Read the file of the month, and select the day."""
    frame = pq.ParquetFile(folder / f"{DAY:%Y-%m}.parquet").read().to_pandas()
    return frame.loc[DAY : DAY + timedelta(days=1) - timedelta(milliseconds=1)]


def save(repository: DataRepository, frame: pd.DataFrame) -> None:
    """Save the whole series."""
    repository.save_ohlcv(PAIR, TIMEFRAME, frame)


def day(repository: DataRepository) -> pd.DataFrame:
    """Read one day."""
    return repository.get_ohlcv(PAIR, TIMEFRAME, start=DAY, end=DAY + timedelta(days=1))


def arctic_cases(folder: Path, frame: pd.DataFrame) -> list[Case]:
    """Return the operations on ArcticDB, by its own library and by the repository."""
    from tradai.core.arcticdb import ArcticDBDataRepository

    repository = ArcticDBDataRepository(f"lmdb://{folder}/lmdb?map_size=32GB")
    save(repository, frame)
    # Both use the same library, as a process can open an LMDB only once and two differ by chance.
    bare = repository._opened  # noqa: SLF001
    last = DAY + timedelta(days=1) - timedelta(milliseconds=1)
    span = (pd.Timestamp(DAY), pd.Timestamp(last))
    return [
        Case(
            "ArcticDB, write",
            1.15,
            lambda: bare.write("bare", fresh(frame)),
            lambda: save(repository, fresh(frame)),
        ),
        Case(
            "ArcticDB, one day",
            1.15,
            lambda: bare.read("bare", date_range=span).data,
            lambda: day(repository),
            repeat=50,
        ),
    ]


def fresh(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with a new index, of which pandas has not cached that it is sorted."""
    stamps = frame.index.as_unit("ns").tz_localize(None).to_numpy().copy()
    return frame.set_axis(pd.DatetimeIndex(stamps, name="date").tz_localize("UTC"), axis=0)


def row(case: Case, rounds: int) -> str:
    """Measure `case` and return its line of the table."""
    for act in (case.bare, case.ours):
        act()
    costs = [pair(case, ours_first=bool(number % 2)) for number in range(rounds)]
    bare, ours = ([1000 * both[side][0] for both in costs] for side in (0, 1))
    medians = (statistics.median(bare), statistics.median(ours))
    wall = statistics.median(mine[1] for _, mine in costs) / statistics.median(
        theirs[1] for theirs, _ in costs
    )
    figures = [*medians, medians[1] / medians[0], min(ours) / min(bare), wall, case.bound]
    return f"| {case.name} | {' | '.join(f'{figure:.2f}' for figure in figures)} |"


def pair(case: Case, *, ours_first: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Measure both in the given order: pending work of the disk slows the second one."""
    if ours_first:
        ours, bare = cost(case.ours, case.repeat), cost(case.bare, case.repeat)
    else:
        bare, ours = cost(case.bare, case.repeat), cost(case.ours, case.repeat)
    return bare, ours


def cost(act: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Call `act`, and return CPU and wall seconds of one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(repeat):
        act()
    return (time.process_time() - cpu) / repeat, (time.perf_counter() - wall) / repeat


if __name__ == "__main__":
    main()
