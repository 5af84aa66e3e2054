"""The cache on Redis: hits, many tasks, a cold key, dead holders, outages, invalidations.

Needs redis-server on PATH, and starts its own on loopback. Both sides of a comparison alternate in
one process, after a first round that does not count. MONITOR counts the commands in rounds of
their own, without those inside scripts. Linux only.

``uv run --frozen --group bench python scripts/bench/cache_redis.py [--runs 100] [--only PART]``
"""

import argparse
import asyncio
import itertools
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import redis
import redis.asyncio

from tradai.cache import Cache

HERE: Final = Path(__file__).resolve().parent
MEMBERS: Final = 4
LOAD_S: Final = 0.2
CALLS: Final = 200
KEYS: Final = list(range(CALLS))
SLOW_S: Final = 0.05
TASKS: Final = 2_000
PARTS: Final = ["hits", "tasks", "cold", "killed", "hung", "invalidated"]
# The value that both sides read: about 200 bytes of JSON.
VALUE: Final = {"symbol": "BTC/USDT", "step": "0.00001", "tick": "0.01", "notes": "x" * 130}


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    parts: dict[str, Callable[[str, int], None]] = {
        "hits": lambda url, _: compare_hits(url, options.rounds),
        "tasks": lambda url, _: compare_many_tasks(url),
        "cold": lambda url, _: compare_cold(url, options.runs),
        "killed": lambda url, _: measure_killed(url),
        "hung": measure_hung,
        "invalidated": lambda url, _: measure_invalidation(url),
    }
    for name, part in parts.items():
        if options.only in {None, name}:
            with server() as (url, pid):
                part(url, pid)
                print()


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """Run a Redis server, and yield its address and its process id."""
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("no redis-server on PATH: install Redis 7.0 or later")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        client = redis.Redis(port=port)
        try:
            while not _pings(client):
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}/0", process.pid
        finally:
            client.close()
            process.kill()


def _pings(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


# Hits.


def compare_hits(url: str, rounds: int) -> None:
    """Compare a hit in Redis with a GET of the same bytes by redis-py.

    Each round starts with nothing in memory, like a new process.
    """
    print(
        f"| hit in Redis, best of {rounds} rounds of {CALLS} | raw GET us | decorated us | ratio "
        "| median of the ratios | bound |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    show("sync", 1.6, hits(url, rounds))
    show("async", 1.6, asyncio.run(hits_async(url, rounds)))


def show(name: str, bound: float, pairs: list[tuple[float, float]]) -> None:
    """Print a row, without the first round."""
    usual = statistics.median(ours / raw for raw, ours in pairs[1:])
    raw_us, ours_us = (1e6 * min(side) / CALLS for side in zip(*pairs[1:], strict=True))
    ratio = ours_us / raw_us
    print(f"| {name} | {raw_us:.1f} | {ours_us:.1f} | {ratio:.2f} | {usual:.2f} | {bound} |")


def hits(url: str, rounds: int) -> list[tuple[float, float]]:
    """Return the seconds of each round of both sides, by threads."""
    client = redis.Redis.from_url(url)
    pairs, cache = [], Cache()
    for _ in range(rounds + 2):
        cache = Cache(url)
        read = cache.cached(ttl=600.0)(_value)
        read(-1)
        ours = timed(read, KEYS)
        raw = timed(client.get, names(client))
        pairs.append((raw, ours))
        cache.close()
    # Only the first cache has loaded the values.
    if cache.stats().shared < CALLS or cache.stats().loads:
        raise SystemExit(f"these are no hits in Redis: {cache.stats()}")
    client.close()
    return pairs[1:]


async def hits_async(url: str, rounds: int) -> list[tuple[float, float]]:
    """Return the seconds of each round of both sides, by tasks."""
    client, blocking = redis.asyncio.Redis.from_url(url), redis.Redis.from_url(url)
    blocking.flushall()
    pairs, cache = [], Cache()
    for _ in range(rounds + 2):
        cache = Cache(url)
        read = cache.cached(ttl=600.0)(_value_async)
        await read(-1)
        ours = await timed_async(read, KEYS)
        raw = await timed_async(client.get, names(blocking))
        pairs.append((raw, ours))
        cache.close()
    if cache.stats().shared < CALLS or cache.stats().loads:
        raise SystemExit(f"these are no hits in Redis: {cache.stats()}")
    await client.aclose()
    blocking.close()
    return pairs[1:]


def names(client: "redis.Redis") -> list[bytes]:
    """Return the keys of `CALLS` values in Redis."""
    return [bytes(name) for name in client.scan_iter("tradai:*:*:*")][:CALLS]


def timed(call: Callable[[Any], object], keys: list[Any]) -> float:
    """Return the seconds of a round."""
    began = time.perf_counter()
    for key in keys:
        call(key)
    return time.perf_counter() - began


async def timed_async(call: Callable[[Any], Awaitable[object]], keys: list[Any]) -> float:
    """Return the seconds of a round."""
    began = time.perf_counter()
    for key in keys:
        await call(key)
    return time.perf_counter() - began


async def _value_async(key: int) -> dict[str, str]:
    return _value(key)


# Many tasks.


def compare_many_tasks(url: str, runs: int = 5) -> None:
    """Load many cold keys at once, against redis-py's blocking pool with the same commands."""
    print(
        f"| {TASKS} tasks, each a cold key, {runs} runs | loads of a key | errors | connections "
        "| ours s | redis-py s | median of the ratios | bound |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    client, rows = redis.Redis.from_url(url), []
    for number in range(runs):
        began = time.perf_counter()
        asyncio.run(_bare_tasks(url, f"bare-{number}"))
        bare_s, before = time.perf_counter() - began, _connections(client)
        began = time.perf_counter()
        loads, errors = asyncio.run(_cached_tasks(url, f"tasks-{number}"))
        ours_s = time.perf_counter() - began
        rows.append((ours_s, bare_s, _connections(client) - before, loads / TASKS, errors))
    client.close()
    ours_s, bare_s, connections, loads, errors = (max(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(row[0] / row[1] for row in rows)
    print(
        f"| worst of the runs | {loads:.2f} | {errors} | {connections} | {ours_s:.2f} "
        f"| {bare_s:.2f} | {ratio:.2f} | 1.5 |"
    )


async def _cached_tasks(url: str, name: str) -> tuple[int, int]:
    """Return how often a value was loaded, and the number of calls that failed."""
    cache, loads = Cache(url), itertools.count()

    async def value(key: int) -> int:
        next(loads)
        return key

    read = cache.namespace(name, on_outage="fail_closed").cached(ttl=600.0)(value)
    results = await asyncio.gather(*map(read, range(TASKS)), return_exceptions=True)
    cache.close()
    return next(loads), sum(isinstance(result, Exception) for result in results)


async def _bare_tasks(url: str, name: str) -> None:
    """Send the commands of the cache: look, get the lease, store."""
    from tradai.cache._redis.scripts import ACQUIRE, STORE

    pool = redis.asyncio.BlockingConnectionPool.from_url(url, max_connections=32, timeout=None)
    client = redis.asyncio.Redis(connection_pool=pool)

    async def load(number: int) -> None:
        keys = (f"{name}:{number}:lease", f"{name}:{number}", name)
        await client.get(keys[1])
        await client.eval(ACQUIRE, 3, *keys, "token", "epoch", 2_000)
        await client.eval(STORE, 3, *keys, "token", "epoch", "x" * 60, 600_000, "channel", "ended")

    await client.set(name, "epoch")
    await asyncio.gather(*map(load, range(TASKS)))
    await client.aclose()
    await pool.aclose()


def _connections(client: "redis.Redis") -> int:
    received: int = client.info("stats")["total_connections_received"]
    return received


# A cold key.


class Fleet:
    """Processes that read the same key at the same time."""

    def __init__(self, library: str, url: str, file: Path) -> None:
        """Start the processes, and wait until they are warm."""
        command = [sys.executable, str(HERE / "_cache_fleet.py"), library, url, str(file)]
        self._file = file
        self.members = [
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for _ in range(MEMBERS)
        ]
        for member in self.members:
            self._read_line(member)

    def play(self, key: str) -> tuple[int, float]:
        """Return how often `key` was loaded, and the seconds of the slowest caller."""
        before = self._file.stat().st_size
        for member in self.members:
            if member.stdin is not None:
                member.stdin.write(f"{key}\n")
                member.stdin.flush()
        slowest_s = max(float(self._read_line(member)) for member in self.members)
        return self._file.stat().st_size - before, slowest_s

    def end(self) -> None:
        """End the processes."""
        for member in self.members:
            member.kill()
            member.communicate()

    def _read_line(self, member: "subprocess.Popen[str]") -> str:
        return str(member.stdout and member.stdout.readline())


def compare_cold(url: str, runs: int) -> None:
    """Read cold keys in several processes, by tradai.cache and by other libraries."""
    print(
        f"| cold key, {MEMBERS} processes x 32 callers, load of {LOAD_S} s | runs | loads of a run "
        "| slowest caller, median ms | worst ms | commands of a process |"
    )
    print("|---|---:|---|---:|---:|---:|")
    for library, count in {
        "tradai, threads": runs,
        "tradai, tasks": runs,
        "dogpile.cache, threads": 20,
        "cashews, tasks": 20,
        "aiocache, tasks": 20,
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            compare_library(library, url, Path(folder, "loads"), min(count, runs))


def compare_library(library: str, url: str, file: Path, runs: int) -> None:
    """Print the row of one library."""
    fleet = Fleet(library, url, file)
    try:
        played = [fleet.play(f"key-{number}") for number in range(runs)]
        commands = [watched(url, partial(fleet.play, f"seen-{number}")) for number in range(5)]
    finally:
        fleet.end()
    loads = [number for number, _ in played]
    spread = f"{min(loads)}" if len(set(loads)) == 1 else f"{min(loads)} to {max(loads)}"
    median_ms, worst_ms = (1e3 * pick(s for _, s in played) for pick in (statistics.median, max))
    per_process = statistics.median(commands) / MEMBERS
    print(
        f"| {library} | {runs} | {spread} | {median_ms:.0f} | {worst_ms:.0f} | {per_process:.1f} |"
    )


def watched(url: str, play: Callable[[], object]) -> int:
    """Return the number of commands that `play` sends to Redis, without those of scripts."""
    client = redis.Redis.from_url(url)
    # redis-py has no types for this.
    with client, client.monitor() as monitor:  # type: ignore[no-untyped-call]
        play()
        client.echo("the end")
        seen = 0
        while "the end" not in (command := monitor.next_command())["command"]:
            seen += command["client_type"] != "lua"
    return seen


# A killed holder.


def measure_killed(url: str, times: int = 5) -> None:
    """Kill the process that loads, and measure the wait of the next caller."""
    from tradai.cache._redis.leases import LEASE_MS

    with tempfile.TemporaryDirectory() as folder:
        waits = [killed(url, Path(folder, "loads"), number) for number in range(times)]
    ratio = statistics.median(waits) * 1e3 / LEASE_MS
    print(f"| holder killed while it loads, {times} times | next load after, s | x lease | bound |")
    print("|---|---|---:|---:|")
    print(f"| lease {LEASE_MS} ms | {min(waits):.2f} to {max(waits):.2f} | {ratio:.2f} | 1.3 |")


def killed(url: str, file: Path, number: int) -> float:
    """Return the seconds from the death of the loading process until another one loads."""
    fleet = Fleet("tradai, threads", url, file)
    try:
        holder, other = fleet.members[:2]
        before = file.stat().st_size
        _ask(holder, f"killed-{number}")
        _until(lambda: file.stat().st_size > before)
        _ask(other, f"killed-{number}")
        # Time for the other process to begin its wait.
        time.sleep(LOAD_S / 4)
        holder.kill()
        began = time.perf_counter()
        _until(lambda: file.stat().st_size > before + 1)
        return time.perf_counter() - began
    finally:
        fleet.end()


def _ask(member: "subprocess.Popen[str]", key: str) -> None:
    if member.stdin is not None:
        member.stdin.write(f"{key}\n")
        member.stdin.flush()


def _until(is_done: Callable[[], bool]) -> None:
    while not is_done():
        time.sleep(0.001)


# Redis hanging.


def measure_hung(url: str, pid: int, hangs_s: float = 8.0) -> None:
    """Stop Redis, and measure the calls meanwhile and the time until it is used again."""
    shared, alone = Cache(url), Cache()
    read, read_alone = (cache.cached(ttl=600.0)(_value) for cache in (shared, alone))
    for _ in range(2):
        read(0), read_alone(0)
    numbers = itertools.count(1)
    os.kill(pid, signal.SIGSTOP)
    ends = time.perf_counter() + hangs_s
    slow = [took for took in (_seconds(read, next(numbers)) for _ in range(50)) if took > SLOW_S]
    read(0)
    loads = [(_seconds(read, n), _seconds(read_alone, n)) for n in itertools.islice(numbers, 2000)]
    hits, same = [], [0] * CALLS
    while time.perf_counter() < ends:
        hits.append((timed(read, same), timed(read_alone, same)))
    os.kill(pid, signal.SIGCONT)
    recovery_s = _seconds(lambda _: _until(lambda: shared.stats().breaker == "closed"), 0)
    print(f"| Redis hung for {hangs_s:.0f} s | measured | bound |")
    print("|---|---:|---:|")
    print(f"| slow calls, ms | {', '.join(f'{1e3 * took:.0f}' for took in slow)} | 3 of 300 |")
    print(f"| then a hit, x memory only | {_ratio(hits):.2f} | 2 |")
    print(f"| then a load, x memory only | {_ratio(loads):.2f} | 2 |")
    print(f"| used again after, ms | {1e3 * recovery_s:.0f} | 1000 |")
    shared.close()


def _value(key: int) -> dict[str, str]:
    return VALUE | {"key": str(key)}


def _seconds(call: Callable[[int], object], key: int) -> float:
    began = time.perf_counter()
    call(key)
    return time.perf_counter() - began


def _ratio(pairs: list[tuple[float, float]]) -> float:
    return statistics.median(ours / alone for ours, alone in pairs)


# An invalidation by another cache.


def measure_invalidation(url: str, times: int = 500) -> None:
    """Measure the time from an invalidation until another cache serves the new value."""
    here, there = Cache(url), Cache(url)
    version = 0

    def versions(_: str) -> int:
        return version

    write, see = (cache.cached(ttl=600.0)(versions) for cache in (here, there))
    waits = []
    for number in range(1, times + 1):
        see("key")
        see("key")
        version = number
        write.invalidate("key")
        invalidated = time.perf_counter()
        while see("key") != number:
            time.sleep(0)
        waits.append(1e3 * (time.perf_counter() - invalidated))
        # Different pauses, so that no rhythm of the reader counts.
        time.sleep(0.001 * (number % 5))
    waits.sort()
    print(f"| an invalidation elsewhere, {times} times | p50 ms | p99 ms | worst ms | bound p99 |")
    print("|---|---:|---:|---:|---:|")
    p50, p99 = waits[times // 2], waits[times * 99 // 100]
    print(f"| seen by a busy reader after | {p50:.2f} | {p99:.2f} | {waits[-1]:.2f} | 50 |")
    here.close()
    there.close()


if __name__ == "__main__":
    main()
