"""Pauses between two looks at a container."""

import time
from typing import Final, final

_FIRST_S: Final = 0.01
_LONGEST_S: Final = 0.25


@final
class Pause:
    """Pauses, each longer than the one before, up to a quarter of a second."""

    def __init__(self) -> None:
        """Start with the shortest pause."""
        self._next_s = _FIRST_S

    def sleep(self, deadline: float | None = None) -> None:
        """Sleep for the next pause, at most until `deadline` on the monotonic clock."""
        left = self._next_s if deadline is None else max(0.0, deadline - time.monotonic())
        time.sleep(min(self._next_s, left))
        self._next_s = min(2 * self._next_s, _LONGEST_S)
