"""A program of `test_interrupted_writes`: writers that are killed while they upsert candles.

``killed_writer.py each-step FOLDER`` upserts once in copies of ``FOLDER/start``. The name of a
copy is the number of the file system call before which its writer is killed: the first, the
second, and so on; the writer of the last copy lives. ``killed_writer.py anywhere FOLDER ROUNDS``
upserts in a folder for each round until the writer is killed, at no particular moment.

Each writer is a fork, which saves the start of Python; no Arrow call precedes a fork.
"""

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

# The subject is a repository of frames.
import pandas as pd  # noqa: TID253

from tradai.core.frames import ParquetDataRepository

COLUMNS = ["open", "high", "low", "close", "volume"]


def candles(value: float) -> pd.DataFrame:
    """Return candles of three months, all with this value."""
    days = [datetime(2025, month, day, tzinfo=UTC) for month in (1, 2, 3) for day in (1, 9, 17)]
    opened = pd.DatetimeIndex(days, name="date").as_unit("ms")
    return pd.DataFrame(dict.fromkeys(COLUMNS, value), index=opened)


def each_step(folder: Path) -> None:
    """Upsert 2.0 in copies of ``start``, with a writer for each step at which one is killed."""
    for step in itertools.count():
        copy = folder / str(step)
        shutil.copytree(folder / "start", copy)
        writer = _fork(partial(_upsert_until, copy, step))
        _, status = os.waitpid(writer, 0)
        if status == 0:
            return


def anywhere(folder: Path, rounds: int) -> None:
    """Upsert 1.0, 2.0, 3.0, ... until killed, after more upserts in some rounds than in others."""
    for number in range(rounds):
        ours, theirs = os.pipe()
        home = folder / str(number)
        writer = _fork(partial(_upsert_on_and_on, home, theirs))
        os.close(theirs)
        for _ in range(1 + number % 3):
            os.read(ours, 1)
        sum(range(number * 20_011))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        os.close(ours)


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


def _upsert_until(folder: Path, step: int) -> None:
    steps = itertools.count()

    def die_in_time(*_: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    fsync = os.fsync

    def fsync_or_die(fd: int) -> None:
        die_in_time()
        fsync(fd)

    sys.addaudithook(lambda event, _: die_in_time() if event.startswith(("open", "os.")) else None)
    # Python raises no audit event for fsync, so it is replaced, for descriptors only.
    os.fsync = fsync_or_die  # type: ignore[assignment]
    ParquetDataRepository(folder).upsert_ohlcv("BTC/USDT", "5m", candles(2.0))


def _upsert_on_and_on(folder: Path, progress: int) -> None:
    repository = ParquetDataRepository(folder)
    for value in itertools.count(1):
        repository.upsert_ohlcv("BTC/USDT", "5m", candles(float(value)))
        os.write(progress, b".")


if __name__ == "__main__":
    home = Path(sys.argv[2])
    if sys.argv[1] == "each-step":
        each_step(home)
    else:
        anywhere(home, int(sys.argv[3]))
