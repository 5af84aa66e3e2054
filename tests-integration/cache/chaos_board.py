"""What processes of the chaos tests know of each other: numbers in a file that all have mapped."""

import mmap
import random
import time
from pathlib import Path
from typing import Final

KEYS: Final = 24
# How many changes of a key are remembered: those of more than the allowance.
_CHANGES: Final = 256
# Between telling a change and everybody knowing: 50 ms is promised for 99 of 100, and one second
# after Redis was lost. Twice that, as other programs run here as well.
_ALLOWANCE_S: Final = 2.0


def dice_of(seed: int) -> random.Random:
    """Return dice that always fall alike."""
    # Nothing secret hangs on them.
    return random.Random(seed)  # noqa: S311


class Board:
    """For each key its version, the last that was told, and when each was; and how Redis is.

    Every number is eight bytes and is written by one process only, so none is seen half written.
    """

    def __init__(self, file: Path) -> None:
        """Map `file`, which is made if it is not there."""
        size = 8 * (KEYS * (2 + _CHANGES) + 1)
        with file.open("ab") as output:
            output.truncate(size)
        with file.open("r+b") as opened:
            self._numbers = memoryview(mmap.mmap(opened.fileno(), size)).cast("d")

    @property
    def well_since(self) -> float:
        """Since when nothing was done to Redis; 0 while something is."""
        return self._numbers[-1]

    def well(self) -> None:
        """Nothing more is done to Redis."""
        self._numbers[-1] = time.monotonic()

    def unwell(self) -> None:
        """Something is done to Redis now."""
        self._numbers[-1] = 0.0

    def version(self, key: int) -> int:
        """Return the true version of `key`."""
        return int(self._numbers[key])

    def change(self, key: int) -> int:
        """Make a new version."""
        self._numbers[key] += 1
        return int(self._numbers[key])

    def told(self, key: int, version: int) -> None:
        """The invalidation of everything before `version` has returned."""
        self._numbers[self._when(key, version)] = time.monotonic()
        self._numbers[KEYS + key] = version

    def owed(self, key: int, *, is_own: bool) -> int:
        """Return the version that a call which begins now must not fall behind."""
        known_at = time.monotonic() - _ALLOWANCE_S
        version = int(self._numbers[KEYS + key])
        if is_own:
            return version
        if not 0 < self.well_since < known_at:
            return 0
        oldest = max(0, version - _CHANGES // 2)
        while version > oldest and self._numbers[self._when(key, version)] > known_at:
            version -= 1
        return version if version > oldest else 0

    def _when(self, key: int, version: int) -> int:
        return KEYS * 2 + key * _CHANGES + version % _CHANGES
