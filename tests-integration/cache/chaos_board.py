"""Numbers that the processes of the chaos tests share, in a file that all have mapped."""

import mmap
import random
from pathlib import Path
from typing import Final

KEYS: Final = 24
MEMBERS: Final = 3


def dice_of(seed: int) -> random.Random:
    """Return dice that always fall alike."""
    # Nothing secret hangs on them.
    return random.Random(seed)  # noqa: S311


class Board:
    """The version of each key, the last that was told, and what each member has seen and done.

    Every number is eight bytes and is written by one process only, so none is seen half written.
    """

    def __init__(self, file: Path) -> None:
        """Map `file`, which is made if it is not there."""
        size = 8 * (KEYS * (2 + MEMBERS) + 2 * MEMBERS + 1)
        with file.open("ab") as output:
            output.truncate(size)
        with file.open("r+b") as opened:
            self._numbers = memoryview(mmap.mmap(opened.fileno(), size)).cast("q")

    @property
    def is_quiet(self) -> bool:
        """Whether members are to change nothing for now."""
        return bool(self._numbers[-1])

    def quiet(self, *, is_so: bool) -> None:
        """Have members change nothing, or go on."""
        self._numbers[-1] = is_so

    def version(self, key: int) -> int:
        """Return the true version of `key`."""
        return self._numbers[key]

    def change(self, key: int) -> int:
        """Make a new version."""
        self._numbers[key] += 1
        return self._numbers[key]

    def told(self, key: int, version: int) -> None:
        """The invalidation of everything before `version` has returned."""
        self._numbers[KEYS + key] = version

    def owed(self, key: int) -> int:
        """Return the version that a call of the member which changes `key` must not fall behind."""
        return self._numbers[KEYS + key]

    def saw(self, member: int, key: int, version: int) -> None:
        """Note what `member` got for `key`, and that it called."""
        self._numbers[KEYS * (2 + member) + key] = version
        self._numbers[KEYS * (2 + MEMBERS) + member] += 1

    def calls(self, member: int) -> int:
        """Return how often `member` has called."""
        return self._numbers[KEYS * (2 + MEMBERS) + member]

    def stands(self, member: int, *, still: int) -> None:
        """Note how many of the `member`'s loops that change keys stand still."""
        self._numbers[KEYS * (2 + MEMBERS) + MEMBERS + member] = still

    def standing(self, member: int) -> int:
        """Return how many of them do."""
        return self._numbers[KEYS * (2 + MEMBERS) + MEMBERS + member]

    def stale(self) -> list[tuple[int, int]]:
        """Return which member does not have the true version of which key."""
        return [
            (member, key)
            for member in range(MEMBERS)
            for key in range(KEYS)
            if self._numbers[KEYS * (2 + member) + key] != self._numbers[key]
        ]
