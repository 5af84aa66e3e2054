"""Numbers that the processes of the chaos tests share, in a memory-mapped file."""

import mmap
import random
from pathlib import Path
from typing import Final

KEYS: Final = 24
MEMBERS: Final = 3


def seeded_random(seed: int) -> random.Random:
    """Return a random generator that repeats its numbers."""
    # The numbers need not be secret.
    return random.Random(seed)  # noqa: S311


class Board:
    """Per key, its version and the last invalidated one; per member, its reads and calls.

    Each number has eight bytes and one process that writes it, so no reader sees half of a write.
    """

    def __init__(self, file: Path) -> None:
        """Map `file`, which is created when it is missing."""
        size = 8 * (KEYS * (2 + MEMBERS) + 2 * MEMBERS + 1)
        with file.open("ab") as output:
            output.truncate(size)
        with file.open("r+b") as opened:
            self._numbers = memoryview(mmap.mmap(opened.fileno(), size)).cast("q")

    @property
    def is_paused(self) -> bool:
        """Whether members must not change keys at the moment."""
        return bool(self._numbers[-1])

    def pause(self, *, is_paused: bool) -> None:
        """Stop or resume the changes of all members."""
        self._numbers[-1] = is_paused

    def version(self, key: int) -> int:
        """Return the true version of `key`."""
        return self._numbers[key]

    def change(self, key: int) -> int:
        """Make a new version."""
        self._numbers[key] += 1
        return self._numbers[key]

    def record_invalidation(self, key: int, version: int) -> None:
        """Record that the invalidation before `version` of `key` has returned."""
        self._numbers[KEYS + key] = version

    def oldest_allowed(self, key: int) -> int:
        """Return the oldest version of `key` that the member which changes it may still read."""
        return self._numbers[KEYS + key]

    def record_call(self, member: int, key: int, version: int) -> None:
        """Record the version of `key` that `member` has read, and count the call."""
        self._numbers[KEYS * (2 + member) + key] = version
        self._numbers[KEYS * (2 + MEMBERS) + member] += 1

    def calls(self, member: int) -> int:
        """Return the number of calls of `member`."""
        return self._numbers[KEYS * (2 + MEMBERS) + member]

    def record_paused(self, member: int, *, count: int) -> None:
        """Record the number of paused loops among those with which `member` changes keys."""
        self._numbers[KEYS * (2 + MEMBERS) + MEMBERS + member] = count

    def paused_loops(self, member: int) -> int:
        """Return the number of paused loops of `member`."""
        return self._numbers[KEYS * (2 + MEMBERS) + MEMBERS + member]

    def stale(self) -> list[tuple[int, int]]:
        """Return each member and key of which the last read was not the true version."""
        return [
            (member, key)
            for member in range(MEMBERS)
            for key in range(KEYS)
            if self._numbers[KEYS * (2 + member) + key] != self._numbers[key]
        ]
