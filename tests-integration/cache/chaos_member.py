"""One process of the chaos tests: reads without end, changes its own keys, and tells what it saw.

``python chaos_member.py URL BOARD INDEX``; ends when its standard input does.
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

from cache.chaos_board import KEYS, MEMBERS, Board, dice_of

from tradai.cache import Cache

# Long enough for others to want it too, and for a change to come in between.
LOAD_S: Final = 0.002
PAUSE_S: Final = 0.002
# However slow the machine is, there are that many calls to a change.
CALLS_A_CHANGE: Final = 40
READERS: Final = 3
# The first half is read by threads, the second by tasks: they are different functions.
SYNC: Final = range(KEYS // 2)
ASYNC: Final = range(KEYS // 2, KEYS)


class Witness:
    """Counts calls, and notes what must not be."""

    def __init__(self, board: Board, index: int) -> None:
        self._board = board
        self._index = index
        self._lock = threading.Lock()
        self._still: set[object] = set()
        self.calls = 0
        self.problems: list[str] = []

    def begin(self, key: int) -> tuple[int, int]:
        is_own = key % MEMBERS == self._index
        return key, self._board.owed(key) if is_own else 0

    def end(self, begun: tuple[int, int], got: dict[str, int]) -> None:
        key, owed = begun
        with self._lock:
            self.calls += 1
            self._board.saw(self._index, key, got["version"])
            if got["version"] < owed:
                self.problems.append(f"own key {key}: {got['version']} served, {owed} owed")

    def seen(self) -> dict[str, object]:
        return {"calls": self.calls, "problems": self.problems[:20]}

    def failed(self, error: BaseException) -> None:
        with self._lock:
            self.problems.append(f"{type(error).__name__}: {error}")

    def stands(self, loop: object, *, still: bool) -> None:
        """Note that a loop that changes keys stands still, or goes on."""
        with self._lock:
            (self._still.add if still else self._still.discard)(loop)
            self._board.stands(self._index, still=len(self._still))


class Pace:
    """When one loop is to change a key."""

    def __init__(self, board: Board, witness: Witness) -> None:
        self._board = board
        self._witness = witness
        self._next = CALLS_A_CHANGE

    def is_due(self) -> bool:
        """Tell whether it is time; never while all is to be quiet."""
        is_quiet = self._board.is_quiet
        self._witness.stands(self, still=is_quiet)
        if is_quiet or self._witness.calls < self._next:
            return False
        self._next = self._witness.calls + CALLS_A_CHANGE
        return True


class Member:
    """What one process does."""

    def __init__(self, cache: Cache, board: Board, *, index: int) -> None:
        self._board = board
        self._index = index
        self.witness = Witness(board, index)
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
        return [key for key in keys if key % MEMBERS == self._index]

    def _reads(self, seed: int) -> None:
        dice = dice_of(seed)
        while not self.over.is_set():
            begun = self.witness.begin(dice.choice(SYNC))
            self.witness.end(begun, self._read(begun[0]))
            time.sleep(PAUSE_S)

    def _changes(self) -> None:
        dice, own = dice_of(self._index), self._own(SYNC)
        pace = Pace(self._board, self.witness)
        while not self.over.wait(PAUSE_S):
            if not pace.is_due():
                continue
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
        pace = Pace(self._board, self.witness)
        while not self.over.is_set():
            await asyncio.sleep(PAUSE_S)
            if not pace.is_due():
                continue
            key = dice.choice(own)
            version = self._board.change(key)
            await self._read_async.invalidate(key)
            self._board.told(key, version)


def main() -> None:
    """Run until standard input ends."""
    url, file, index = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    cache = Cache(url)
    member = Member(cache, Board(file), index=index)
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
