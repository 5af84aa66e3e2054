"""A process of `cache_redis.py`, with 32 callers that read the same cold key at the same time.

``python _cache_fleet.py LIBRARY URL FILE`` reads a key from each line of standard input, and prints
the seconds of the slowest caller. Every load adds a byte to FILE.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeAlias

CALLERS: Final = 32
LOAD_S: Final = 0.2
# Returns the seconds of the slowest caller of a key.
Round: TypeAlias = Callable[[str], float]


def main() -> None:
    """Play a round for each key until standard input ends."""
    library, url, file = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    play = LIBRARIES[library](url, file)
    play("warm")
    print("ready", flush=True)
    for line in sys.stdin:
        print(play(line.strip()), flush=True)
    # Without waiting for the connection pools of the other libraries.
    os._exit(0)


def record_load(file: Path) -> None:
    """Record a load; appending a byte is atomic."""
    with file.open("ab", buffering=0) as output:
        output.write(b".")


def threads(read: Callable[[str], object]) -> Round:
    """Return a function that plays a round with threads."""
    pool = ThreadPoolExecutor(CALLERS)

    def call(key: str) -> float:
        began = time.perf_counter()
        read(key)
        return time.perf_counter() - began

    return lambda key: max(pool.map(call, [key] * CALLERS))


def tasks(read: Callable[[str], Awaitable[object]]) -> Round:
    """Return a function that plays a round with tasks."""
    loop = asyncio.new_event_loop()

    async def call(key: str) -> float:
        began = time.perf_counter()
        await read(key)
        return time.perf_counter() - began

    async def play(key: str) -> float:
        return max(await asyncio.gather(*(call(key) for _ in range(CALLERS))))

    return lambda key: loop.run_until_complete(play(key))


def ours_threads(url: str, file: Path) -> Round:
    """Return a round of tradai.cache, called by threads."""
    from tradai.cache import Cache

    @Cache(url).cached(ttl=60.0)
    def read(key: str) -> dict[str, str]:
        record_load(file)
        time.sleep(LOAD_S)
        return {"key": key}

    return threads(read)


def ours_tasks(url: str, file: Path) -> Round:
    """Return a round of tradai.cache, called by tasks."""
    from tradai.cache import Cache

    @Cache(url).cached(ttl=60.0)
    async def read(key: str) -> dict[str, str]:
        record_load(file)
        await asyncio.sleep(LOAD_S)
        return {"key": key}

    return tasks(read)


def dogpile_threads(url: str, file: Path) -> Round:
    """Return a round of dogpile.cache with its lock in Redis."""
    from dogpile.cache import make_region

    region = make_region().configure(
        "dogpile.cache.redis",
        expiration_time=60,
        arguments={"url": url, "distributed_lock": True, "lock_timeout": 10},
    )

    def load(key: str) -> dict[str, str]:
        record_load(file)
        time.sleep(LOAD_S)
        return {"key": key}

    read: Callable[[str], object] = region.cache_on_arguments()(load)
    return threads(read)


def cashews_tasks(url: str, file: Path) -> Round:
    """Return a round of cashews with its lock in Redis."""
    from cashews import cache

    # cashews has no types for its address.
    cache.setup(url, client_side=False)

    @cache(ttl=60, lock=True)
    async def read(key: str) -> dict[str, str]:
        record_load(file)
        await asyncio.sleep(LOAD_S)
        return {"key": key}

    return tasks(read)


def aiocache_tasks(url: str, file: Path) -> Round:
    """Return a round of aiocache's decorator against stampedes."""
    # It has no types.
    import aiocache  # type: ignore[import-untyped]

    host, _, port = url.removeprefix("redis://").removesuffix("/0").partition(":")
    options: dict[str, Any] = {"endpoint": host, "port": int(port)}

    decorate: Callable[..., Callable[[str], Awaitable[object]]] = aiocache.cached_stampede(
        lease=10,
        ttl=60,
        cache=aiocache.RedisCache,
        serializer=aiocache.serializers.JsonSerializer(),
        key_builder=lambda _, key: key,
        **options,
    )

    async def read(key: str) -> dict[str, str]:
        record_load(file)
        await asyncio.sleep(LOAD_S)
        return {"key": key}

    return tasks(decorate(read))


LIBRARIES: Final = {
    "tradai, threads": ours_threads,
    "tradai, tasks": ours_tasks,
    "dogpile.cache, threads": dogpile_threads,
    "cashews, tasks": cashews_tasks,
    "aiocache, tasks": aiocache_tasks,
}

if __name__ == "__main__":
    main()
