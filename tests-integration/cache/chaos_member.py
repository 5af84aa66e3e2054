"""One process of the chaos tests: reads all keys, changes its own keys, and prints its findings.

``python chaos_member.py URL BOARD INDEX`` runs until its standard input ends.
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

from cache.chaos_board import KEYS, MEMBERS, Board, seeded_random

from tradai.cache import Cache

# Long enough that other callers join the load, and that a change comes in between.
LOAD_S: Final = 0.002
PAUSE_S: Final = 0.002
# Calls between two changes: counted, so that the ratio is the same on a slow machine.
CALLS_A_CHANGE: Final = 40
READERS: Final = 3
# Threads read the first half and tasks the second: the two cached functions are different.
SYNC: Final = range(KEYS // 2)
ASYNC: Final = range(KEYS // 2, KEYS)


class CallRecorder:
    """Counts calls, and records stale reads and errors."""

    def __init__(self, board: Board, index: int) -> None:
        self._board = board
        self._index = index
        self._lock = threading.Lock()
        self._paused: set[object] = set()
        self.calls = 0
        self.problems: list[str] = []

    def begin(self, key: int) -> tuple[int, int]:
        is_own = key % MEMBERS == self._index
        return key, self._board.oldest_allowed(key) if is_own else 0

    def end(self, begun: tuple[int, int], got: dict[str, int]) -> None:
        key, oldest = begun
        with self._lock:
            self.calls += 1
            self._board.record_call(self._index, key, got["version"])
            if got["version"] < oldest:
                self.problems.append(f"own key {key}: {got['version']} served, expected {oldest}")

    def findings(self) -> dict[str, object]:
        return {"calls": self.calls, "problems": self.problems[:20]}

    def record_error(self, error: BaseException) -> None:
        with self._lock:
            self.problems.append(f"{type(error).__name__}: {error}")

    def record_paused(self, loop: object, *, is_paused: bool) -> None:
        """Record that a loop that changes keys is paused, or continues."""
        with self._lock:
            (self._paused.add if is_paused else self._paused.discard)(loop)
            self._board.record_paused(self._index, count=len(self._paused))


class ChangeSchedule:
    """Decides when a loop changes its next key."""

    def __init__(self, board: Board, recorder: CallRecorder) -> None:
        self._board = board
        self._recorder = recorder
        self._next = CALLS_A_CHANGE

    def is_due(self) -> bool:
        """Return whether a change is due; never while changes are paused."""
        is_paused = self._board.is_paused
        self._recorder.record_paused(self, is_paused=is_paused)
        if is_paused or self._recorder.calls < self._next:
            return False
        self._next = self._recorder.calls + CALLS_A_CHANGE
        return True


class Member:
    """The threads and tasks of this process."""

    def __init__(self, cache: Cache, board: Board, *, index: int) -> None:
        self._board = board
        self._index = index
        self.recorder = CallRecorder(board, index)
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
        """Return the functions to run at the same time, each in a thread."""
        reads = [partial(self._reads, seed) for seed in range(READERS)]
        return [self._changes, lambda: asyncio.run(self._tasks()), *reads]

    def _own(self, keys: range) -> list[int]:
        return [key for key in keys if key % MEMBERS == self._index]

    def _reads(self, seed: int) -> None:
        rng = seeded_random(seed)
        while not self.over.is_set():
            begun = self.recorder.begin(rng.choice(SYNC))
            self.recorder.end(begun, self._read(begun[0]))
            time.sleep(PAUSE_S)

    def _changes(self) -> None:
        rng, own = seeded_random(self._index), self._own(SYNC)
        schedule = ChangeSchedule(self._board, self.recorder)
        while not self.over.wait(PAUSE_S):
            if not schedule.is_due():
                continue
            key = rng.choice(own)
            version = self._board.change(key)
            self._read.invalidate(key)
            self._board.record_invalidation(key, version)

    async def _tasks(self) -> None:
        reads = [self._reads_async(seed) for seed in range(READERS)]
        await asyncio.gather(self._changes_async(), *reads)

    async def _reads_async(self, seed: int) -> None:
        rng = seeded_random(seed)
        while not self.over.is_set():
            begun = self.recorder.begin(rng.choice(ASYNC))
            self.recorder.end(begun, await self._read_async(begun[0]))
            await asyncio.sleep(PAUSE_S)

    async def _changes_async(self) -> None:
        rng, own = seeded_random(self._index), self._own(ASYNC)
        schedule = ChangeSchedule(self._board, self.recorder)
        while not self.over.is_set():
            await asyncio.sleep(PAUSE_S)
            if not schedule.is_due():
                continue
            key = rng.choice(own)
            version = self._board.change(key)
            await self._read_async.invalidate(key)
            self._board.record_invalidation(key, version)


def main() -> None:
    """Run until standard input ends."""
    url, file, index = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    cache = Cache(url)
    member = Member(cache, Board(file), index=index)
    threads = [
        threading.Thread(target=run_recorded, args=(job, member.recorder)) for job in member.work()
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
    print(json.dumps(member.recorder.findings() | counted))


def run_recorded(work: Callable[[], object], recorder: CallRecorder) -> None:
    try:
        work()
    # Any exception is a finding of the test.
    except Exception as error:  # noqa: BLE001
        recorder.record_error(error)


if __name__ == "__main__":
    main()
