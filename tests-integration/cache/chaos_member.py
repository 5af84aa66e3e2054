"""One process of the chaos tests: reads without end, changes its own keys, and tells what it saw.

``python chaos_member.py URL BOARD INDEX MEMBERS``; ends when its standard input does.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from cache.chaos_board import KEYS, Board, dice_of

from tradai.cache import Cache

# Long enough for others to want it too, and for a change to come in between.
LOAD_S: Final = 0.002
PAUSE_S: Final = 0.002
CHANGE_S: Final = 0.05
READERS: Final = 3
# The first half is read by threads, the second by tasks: they are different functions.
SYNC: Final = range(KEYS // 2)
ASYNC: Final = range(KEYS // 2, KEYS)


class Witness:
    """Counts calls, and notes what must not be."""

    def __init__(self, board: Board, own: range) -> None:
        self._board = board
        self._own = own
        self._lock = threading.Lock()
        self.calls = 0
        self.slow_s: list[float] = []
        self.problems: list[str] = []

    def begin(self, key: int) -> tuple[int, int, float]:
        owed = self._board.owed(key, is_own=key in self._own)
        return key, owed, time.monotonic()

    def end(self, begun: tuple[int, int, float], got: dict[str, int]) -> None:
        key, owed, began = begun
        took_s = time.monotonic() - began
        with self._lock:
            self.calls += 1
            if took_s > 0.1:
                self.slow_s.append(round(took_s, 3))
            if got["version"] < owed:
                whose = "own" if key in self._own else "another's"
                self.problems.append(f"{whose} key {key}: {got['version']} served, {owed} owed")

    def seen(self) -> dict[str, object]:
        return {
            "calls": self.calls,
            "slow_s": sorted(self.slow_s)[-20:],
            "problems": self.problems[:20],
        }

    def failed(self, error: BaseException) -> None:
        with self._lock:
            self.problems.append(f"{type(error).__name__}: {error}")


class Member:
    """What one process does."""

    def __init__(self, cache: Cache, board: Board, *, index: int, members: int) -> None:
        self._board = board
        self._index = index
        self._members = members
        self.witness = Witness(board, range(index, KEYS, members))
        self.over = threading.Event()

        @cache.cached(ttl=600.0)
        def read(key: int) -> dict[str, int]:
            version = board.version(key)
            time.sleep(LOAD_S)
            return {"version": version}

        @cache.cached(ttl=600.0)
        async def read_async(key: int) -> dict[str, int]:
            version = board.version(key)
            await asyncio.sleep(LOAD_S)
            return {"version": version}

        self._read = read
        self._read_async = read_async

    def work(self) -> list[Callable[[], object]]:
        """Return what is to be done at once, each in a thread."""
        reads = [partial(self._reads, seed) for seed in range(READERS)]
        return [self._changes, lambda: asyncio.run(self._tasks()), *reads]

    def _own(self, keys: range) -> list[int]:
        return [key for key in keys if key % self._members == self._index]

    def _reads(self, seed: int) -> None:
        dice = dice_of(seed)
        while not self.over.is_set():
            begun = self.witness.begin(dice.choice(SYNC))
            self.witness.end(begun, self._read(begun[0]))
            time.sleep(PAUSE_S)

    def _changes(self) -> None:
        dice, own = dice_of(self._index), self._own(SYNC)
        while not self.over.wait(CHANGE_S):
            key = dice.choice(own)
            version = self._board.change(key)
            self._read.invalidate(key)
            self._board.told(key, version)

    async def _tasks(self) -> None:
        reads = [self._reads_async(seed) for seed in range(READERS)]
        await asyncio.gather(self._changes_async(), *reads)

    async def _reads_async(self, seed: int) -> None:
        dice = dice_of(seed)
        while not self.over.is_set():
            begun = self.witness.begin(dice.choice(ASYNC))
            self.witness.end(begun, await self._read_async(begun[0]))
            await asyncio.sleep(PAUSE_S)

    async def _changes_async(self) -> None:
        dice, own = dice_of(self._index), self._own(ASYNC)
        while not self.over.is_set():
            await asyncio.sleep(CHANGE_S)
            key = dice.choice(own)
            version = self._board.change(key)
            await self._read_async.invalidate(key)
            self._board.told(key, version)


def main() -> None:
    """Run until standard input ends."""
    url, file, index, members = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    cache = Cache(url)
    member = Member(cache, Board(file), index=index, members=members)
    threads = [
        threading.Thread(target=watched, args=(one, member.witness)) for one in member.work()
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    member.over.set()
    for thread in threads:
        thread.join()
    stats = cache.stats()
    cache.close()
    counted = {name: getattr(stats, name) for name in ("loads", "shared", "memory", "overtaken")}
    print(json.dumps(member.witness.seen() | counted))


def watched(work: Callable[[], object], witness: Witness) -> None:
    try:
        work()
    # Whatever is raised is what the test is about.
    except Exception as error:  # noqa: BLE001
        witness.failed(error)


if __name__ == "__main__":
    main()
