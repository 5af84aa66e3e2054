"""One process of `test_fleet`: threads and tasks that all want the same key at once.

``python fleet_member.py URL FOLDER``; each line of standard input is a key. Every load adds a byte
to ``threads`` or ``tasks`` in FOLDER.
"""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from tradai.cache import Cache
from tradai.cache._redis import tier as redis_tier

CALLERS: Final = 16
LOAD_S: Final = 0.1


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    # Long, so that a slow machine does not look like an outage.
    redis_tier.connect = partial(redis_tier.connect, answer_s=60.0, first_s=60.0)
    cache = Cache(url)

    @cache.cached(ttl=60.0)
    def read(key: str) -> dict[str, str]:
        note(folder / "threads")
        time.sleep(LOAD_S)
        return {"key": key}

    @cache.cached(ttl=60.0)
    async def read_async(key: str) -> dict[str, str]:
        note(folder / "tasks")
        await asyncio.sleep(LOAD_S)
        return {"key": key}

    async def play(key: str) -> list[dict[str, str]]:
        return list(await asyncio.gather(*(read_async(key) for _ in range(CALLERS))))

    with ThreadPoolExecutor(CALLERS) as pool:
        print("ready", flush=True)
        for line in sys.stdin:
            key = line.strip()
            by_threads = pool.map(read, [key] * CALLERS)
            by_tasks = asyncio.run(play(key))
            assert [*by_threads, *by_tasks] == [{"key": key}] * 2 * CALLERS
            print("done", flush=True)
    cache.close()


def note(file: Path) -> None:
    # Appending a byte is atomic, so each load of any process counts.
    with file.open("ab", buffering=0) as output:
        output.write(b".")


if __name__ == "__main__":
    main()
