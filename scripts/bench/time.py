"""Timeframes against ccxt and pandas: CPU time in one process, alternating, medians of ratios.

``uv run --frozen --group bench python scripts/bench/time.py [--rounds 25]``
"""

import argparse
import statistics
import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import ccxt
import numpy as np

# pandas is the other side of the comparison.
import pandas as pd  # noqa: TID253

from tradai.core import Timeframe
from tradai.core.frames import ceil_times, floor_times

FIVE, MONTH = Timeframe("5m"), Timeframe("1M")
MS = 1_735_692_345_678
AT = datetime(2025, 1, 1, 12, 3, 4, 5678, tzinfo=UTC)
STAMP = pd.Timestamp(AT)
MILLISECONDS = np.random.default_rng(1).integers(0, 4_102_444_800_000, 1_000_000)
INDEX = pd.DatetimeIndex(MILLISECONDS.view("M8[ms]"), tz="UTC")
NANOSECONDS = INDEX.as_unit("ns")
NEW = count(1)

Call = Callable[[], object]

# Name, tradai's call, the other call, bound of the ratio, calls in a round.
CASES: list[tuple[str, Call, Call, str, int]] = [
    (
        "parse `5m` / `ccxt.Exchange.parse_timeframe`",
        lambda: Timeframe("5m"),
        lambda: ccxt.Exchange.parse_timeframe("5m"),
        "0.5",
        20_000,
    ),
    (
        "parse a text never seen before / the same",
        lambda: Timeframe(f"{next(NEW)}s"),
        lambda: ccxt.Exchange.parse_timeframe(f"{next(NEW)}s"),
        "",
        2_000,
    ),
    (
        "floor of epoch ms / `pandas.Timestamp.floor`",
        lambda: FIVE.floor(MS),
        lambda: STAMP.floor("5min"),
        "0.05",
        5_000,
    ),
    (
        "floor of a datetime / `pandas.Timestamp.floor`",
        lambda: FIVE.floor(AT),
        lambda: STAMP.floor("5min"),
        "0.1",
        5_000,
    ),
    (
        "floor of epoch ms / `ccxt.Exchange.round_timeframe`",
        lambda: FIVE.floor(MS),
        lambda: ccxt.Exchange.round_timeframe("5m", MS),
        "",
        5_000,
    ),
    (
        "floor of epoch ms to `1M` / `ccxt.Exchange.round_timeframe`",
        lambda: MONTH.floor(MS),
        lambda: ccxt.Exchange.round_timeframe("1M", MS),
        "",
        5_000,
    ),
    (
        "floor of 10^6 in ms / `pandas.DatetimeIndex.floor`",
        lambda: floor_times(INDEX, "5m"),
        lambda: INDEX.floor("5min"),
        "1",
        1,
    ),
    (
        "floor of 10^6 in ns / `pandas.DatetimeIndex.floor`",
        lambda: floor_times(NANOSECONDS, "5m"),
        lambda: NANOSECONDS.floor("5min"),
        "1",
        1,
    ),
    (
        "ceil of 10^6 in ms / `pandas.DatetimeIndex.ceil`",
        lambda: ceil_times(INDEX, "5m"),
        lambda: INDEX.ceil("5min"),
        "1",
        1,
    ),
    (
        "floor of 10^6 epoch ms / `a - a % step` in NumPy",
        lambda: floor_times(MILLISECONDS, "5m"),
        lambda: MILLISECONDS - MILLISECONDS % 300_000,
        "",
        1,
    ),
    (
        "floor of 10^6 to `1M` / pandas by way of periods",
        lambda: floor_times(INDEX, "1M"),
        lambda: INDEX.tz_localize(None).to_period("M").to_timestamp(),
        "",
        1,
    ),
]


def main() -> None:
    """Check that both sides agree, then measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    check()
    print("| what | ours µs | other µs | ratio | bound |")
    print("|---|---:|---:|---:|---:|")
    for what, ours, other, bound, calls in CASES:
        pairs = [(cpu_us(ours, calls), cpu_us(other, calls)) for _ in range(rounds)]
        ratio = statistics.median(mine / theirs for mine, theirs in pairs)
        mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"| {what} | {mine:.2f} | {theirs:.2f} | {ratio:.3f} | {bound} |")


def check() -> None:
    """Stop unless ours and pandas give the same candles."""
    same = floor_times(INDEX, "5m").equals(INDEX.floor("5min"))
    same &= ceil_times(NANOSECONDS, "5m").equals(NANOSECONDS.ceil("5min"))
    same &= FIVE.floor(AT) == STAMP.floor("5min")
    same &= FIVE.floor(MS) == ccxt.Exchange.round_timeframe("5m", MS)
    same &= MONTH.floor(MS) == ccxt.Exchange.round_timeframe("1M", MS)
    if not same:
        raise SystemExit("the contenders disagree: the figures would mean nothing")


def cpu_us(call: Call, calls: int) -> float:
    """Return the CPU microseconds of one call."""
    return timeit.timeit(call, timer=time.process_time, number=calls) / calls * 1e6


if __name__ == "__main__":
    main()
