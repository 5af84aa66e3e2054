"""Rounding to ticks against ccxt and naive NumPy: CPU of one process, alternating, medians.

``uv sync --frozen --group bench``, then
``uv run --frozen --no-sync python scripts/bench/quantize.py [--rounds 15]``
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, localcontext
from functools import partial

import numpy as np
from ccxt.base.decimal_to_precision import ROUND, TICK_SIZE, TRUNCATE, decimal_to_precision
from numpy.typing import NDArray

from tradai.core import Rounding, plain_text, quantize_price
from tradai.core.frames import quantize_prices

TICKS = (0.01, 0.05, 1e-8)
FEW, MANY = 2_000, 1_000_000
# The roundings of ccxt, by their names in the decimal module.
PAIRS: dict[Rounding, int] = {"ROUND_HALF_UP": ROUND, "ROUND_DOWN": TRUNCATE}


def main() -> None:
    """Compare the answers with ccxt's, then measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with localcontext():  # ccxt changes the rounding of its caller's context
        print(f"{sum(agreed(tick) for tick in TICKS):,} prices: ccxt gives the same texts\n")
        print("| one price | tick | ours ns | ccxt ns | ccxt / ours | bound |")
        print("|---|---:|---:|---:|---:|---:|")
        for tick in TICKS:
            for convert in (float, str):
                scalar(convert, tick, rounds)
        print(
            "\n| a million prices | tick | ours ns | ccxt / ours | bound | ours / NumPy | bound |"
        )
        print("|---|---:|---:|---:|---:|---:|---:|")
        for tick in TICKS:
            for rounding in (ROUND_FLOOR, ROUND_HALF_EVEN):
                vector(rounding, tick, rounds)


def prices_near(tick: float, count: int) -> NDArray[np.float64]:
    """Return prices of a few digits more than `tick`, every second one on the grid."""
    steps = np.random.default_rng(1).uniform(1, 10**7, count)
    steps[::2] = np.floor(steps[::2])
    return np.array([float(f"{price:.12g}") for price in (steps * tick).tolist()])


def agreed(tick: float) -> int:
    """Return the number of prices that ccxt rounds alike; end the program at a difference."""
    prices = prices_near(tick, 20_000).tolist()
    for rounding, mode in PAIRS.items():
        for price in prices:
            ours = plain_text(quantize_price(price, tick, rounding))
            theirs = decimal_to_precision(price, mode, tick, TICK_SIZE)
            if ours != theirs:
                raise SystemExit(f"{price} at {tick}, {rounding}: {ours} here, {theirs} in ccxt")
    return len(PAIRS) * len(prices)


def scalar(convert: type[float] | type[str], tick: float, rounds: int) -> None:
    """Print one line: the same numbers, price by price."""
    prices, step = (
        [convert(price) for price in prices_near(tick, FEW).tolist()],
        convert(tick),
    )
    ours, theirs = alternating(
        rounds, partial(ours_each, prices, step), partial(ccxt_each, prices, step)
    )
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    print(
        f"| {convert.__name__} | {tick} | {nanoseconds(ours, FEW)} | {nanoseconds(theirs, FEW)} "
        f"| {ratio:.2f} | >= 3 |"
    )


def vector(rounding: Rounding, tick: float, rounds: int) -> None:
    """Print one line: an array at once, against NumPy on it and ccxt on a part of it."""
    prices = prices_near(tick, MANY)
    few = prices[:FEW].tolist()
    ours, naive, theirs = alternating(
        rounds,
        partial(quantize_prices, prices, tick, rounding),
        partial(naive_floor, prices, tick),
        partial(ccxt_each, few, tick),
    )
    by_numpy = statistics.median(a / b for a, b in zip(ours, naive, strict=True))
    by_ccxt = statistics.median(b / a for a, b in zip(ours, theirs, strict=True)) * MANY / FEW
    print(
        f"| {rounding} | {tick} | {nanoseconds(ours, MANY)} | {by_ccxt:.0f} | >= 100 "
        f"| {by_numpy:.1f} | <= 15 |"
    )


def ours_each(prices: Sequence[float | str], tick: float | str) -> None:
    """Round one price after the other."""
    for price in prices:
        quantize_price(price, tick, ROUND_HALF_UP)


def ccxt_each(prices: Sequence[float | str], tick: float | str) -> None:
    """Round one price after the other with ccxt."""
    for price in prices:
        decimal_to_precision(price, ROUND, tick, TICK_SIZE)


def naive_floor(prices: NDArray[np.float64], tick: float) -> NDArray[np.float64]:
    """Round down in the obvious way, which is wrong for many prices."""
    return np.floor(prices / tick) * tick


def alternating(rounds: int, *calls: Callable[[], object]) -> list[list[float]]:
    """Return the CPU seconds of each call, measured in turn; the first turn warms up."""
    turns = [[cpu_s(call) for call in calls] for _ in range(rounds + 1)]
    return [list(column) for column in zip(*turns[1:], strict=True)]


def cpu_s(call: Callable[[], object]) -> float:
    """Return the CPU seconds that `call` takes."""
    before = time.process_time()
    call()
    return time.process_time() - before


def nanoseconds(seconds: list[float], count: int) -> int:
    """Return the median for one of `count` prices."""
    return round(statistics.median(seconds) / count * 1e9)


if __name__ == "__main__":
    main()
