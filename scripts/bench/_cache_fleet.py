"""One process of a fleet, for `cache_redis.py`: 32 callers who want the same cold key at once.

``python _cache_fleet.py WAY URL FILE``; each line of standard input names a key, and is answered
by the seconds of the slowest caller. Every load adds a byte to FILE.
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
# Of a key, the seconds of the slowest caller.
Round: TypeAlias = Callable[[str], float]


def main() -> None:
    """Answer until standard input ends."""
    way, url, file = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    play = WAYS[way](url, file)
    play("warm")
    print("ready", flush=True)
    for line in sys.stdin:
        print(play(line.strip()), flush=True)
    # The pools of the others are no part of this.
    os._exit(0)


def note(file: Path) -> None:
    """Note a load; appending one byte is one step."""
    with file.open("ab", buffering=0) as output:
        output.write(b".")


def threads(read: Callable[[str], object]) -> Round:
    """Return how threads play a round."""
    pool = ThreadPoolExecutor(CALLERS)

    def call(key: str) -> float:
        began = time.perf_counter()
        read(key)
        return time.perf_counter() - began

    return lambda key: max(pool.map(call, [key] * CALLERS))


def tasks(read: Callable[[str], Awaitable[object]]) -> Round:
    """Return how tasks play a round."""
    loop = asyncio.new_event_loop()

    async def call(key: str) -> float:
        began = time.perf_counter()
        await read(key)
        return time.perf_counter() - began

    async def play(key: str) -> float:
        return max(await asyncio.gather(*(call(key) for _ in range(CALLERS))))

    return lambda key: loop.run_until_complete(play(key))


def ours_threads(url: str, file: Path) -> Round:
    """Return our way, called by threads."""
    from tradai.cache import Cache

    @Cache(url).cached(ttl=60.0)
    def read(key: str) -> dict[str, str]:
        note(file)
        time.sleep(LOAD_S)
        return {"key": key}

    return threads(read)


def ours_tasks(url: str, file: Path) -> Round:
    """Return our way, called by tasks."""
    from tradai.cache import Cache

    @Cache(url).cached(ttl=60.0)
    async def read(key: str) -> dict[str, str]:
        note(file)
        await asyncio.sleep(LOAD_S)
        return {"key": key}

    return tasks(read)


def dogpile_threads(url: str, file: Path) -> Round:
    """Return dogpile.cache with its lock in Redis."""
    from dogpile.cache import make_region

    region = make_region().configure(
        "dogpile.cache.redis",
        expiration_time=60,
        arguments={"url": url, "distributed_lock": True, "lock_timeout": 10},
    )

    def load(key: str) -> dict[str, str]:
        note(file)
        time.sleep(LOAD_S)
        return {"key": key}

    read: Callable[[str], object] = region.cache_on_arguments()(load)
    return threads(read)


def cashews_tasks(url: str, file: Path) -> Round:
    """Return cashews with its lock in Redis."""
    from cashews import cache

    # cashews has no types for its address.
    cache.setup(url, client_side=False)

    @cache(ttl=60, lock=True)
    async def read(key: str) -> dict[str, str]:
        note(file)
        await asyncio.sleep(LOAD_S)
        return {"key": key}

    return tasks(read)


def aiocache_tasks(url: str, file: Path) -> Round:
    """Return aiocache's decorator against stampedes."""
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
        note(file)
        await asyncio.sleep(LOAD_S)
        return {"key": key}

    return tasks(decorate(read))


WAYS: Final = {
    "tradai, threads": ours_threads,
    "tradai, tasks": ours_tasks,
    "dogpile.cache, threads": dogpile_threads,
    "cashews, tasks": cashews_tasks,
    "aiocache, tasks": aiocache_tasks,
}

if __name__ == "__main__":
    main()
