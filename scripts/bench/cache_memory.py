"""Hits in memory against those of other libraries: medians of ratios.

``uv run --frozen --group bench python scripts/bench/cache_memory.py [--rounds 25]``

tradai.cache has all its guarantees on: a time to live, verification, counting, a copy for every
caller where the value can change. The other libraries are set up as their documentation shows.
"""

import argparse
import asyncio
import functools
import statistics
import time
import timeit
from collections.abc import Callable, Coroutine
from typing import Any

import aiocache
import cachebox
import cachetools
from cashews import Cache as Cashews

from tradai.cache import Cache

Call = Callable[[str], object]
AsyncCall = Callable[[str], Coroutine[Any, Any, object]]

CALLS = 100_000
ASYNC_CALLS = 2_000
CASHEWS = Cashews()
CASHEWS.setup("mem://")


def market(exchange: str) -> str:
    """Stand for an expensive function."""
    return exchange


async def later(exchange: str) -> str:
    """Stand for an expensive coroutine."""
    return exchange


# Name of the other library, its call, and the bound of the ratio tradai / other.
SYNC: list[tuple[str, Call, str]] = [
    ("`functools.lru_cache`", functools.lru_cache(market), "15"),
    (
        "`cachebox.cached`, TTLCache",
        cachebox.cached(cachebox.TTLCache(10_000, 3_600))(market),
        "",
    ),
    ("`cachebox.cached`, LRUCache", cachebox.cached(cachebox.LRUCache(10_000))(market), ""),
    (
        "`cachetools.cached`, TTLCache",
        cachetools.cached(cachetools.TTLCache(10_000, 3_600))(market),
        "",
    ),
]
ASYNC: list[tuple[str, AsyncCall, str]] = [
    ("`aiocache.cached`", aiocache.cached(ttl=3_600)(later), "0.1"),
    ("cashews, `mem://`", CASHEWS(ttl="1h")(later), ""),
    ("`cachebox.cached`, TTLCache", cachebox.cached(cachebox.TTLCache(10_000, 3_600))(later), ""),
]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    cache = Cache()
    ours, ours_async = cache.cached(ttl=3_600)(market), cache.cached(ttl=3_600)(later)
    print("| a hit, ours / the other | ours ns | other ns | ratio | bound |")
    print("|---|---:|---:|---:|---:|")
    for what, other, bound in SYNC:
        show(what, [(hit_ns(ours), hit_ns(other)) for _ in range(rounds)], bound)
    for what, other, bound in ASYNC:
        pairs = asyncio.run(pairs_async(ours_async, other, rounds))
        show(f"async, {what}", pairs, bound)
    if cache.stats().loads != len(("market", "later")):
        raise SystemExit("something was loaded twice: the figures would mean nothing")


def hit_ns(call: Call) -> float:
    """Return the nanoseconds of a hit."""
    call("binance")
    timer = timeit.Timer('call("binance")', globals={"call": call})
    return timer.timeit(CALLS) / CALLS * 1e9


async def pairs_async(ours: AsyncCall, other: AsyncCall, rounds: int) -> list[tuple[float, float]]:
    """Return the nanoseconds of a hit of each, alternating, in one event loop."""
    return [(await hit_ns_async(ours), await hit_ns_async(other)) for _ in range(rounds)]


async def hit_ns_async(call: AsyncCall) -> float:
    """Return the nanoseconds of an awaited hit."""
    await call("binance")
    began = time.perf_counter()
    for _ in range(ASYNC_CALLS):
        await call("binance")
    return (time.perf_counter() - began) / ASYNC_CALLS * 1e9


def show(what: str, pairs: list[tuple[float, float]], bound: str) -> None:
    """Print one row: medians, and the median of the ratios."""
    ratio = statistics.median(ours / other for ours, other in pairs)
    ours, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"| {what} | {ours:.0f} | {other:.0f} | {ratio:.2f} | {bound} |", flush=True)


if __name__ == "__main__":
    main()
