"""Pauses between two looks at something that changes by itself."""

import time
from typing import final


@final
class Pause:
    """Pauses, each twice as long as the one before, up to a bound."""

    def __init__(self, *, first_s: float = 0.005, longest_s: float = 0.1) -> None:
        """Start with a pause of `first_s` seconds; none is longer than `longest_s`."""
        self._next_s = first_s
        self._longest_s = longest_s

    def sleep(self, deadline: float | None = None) -> None:
        """Sleep for the next pause, at most until `deadline` on the monotonic clock."""
        left_s = self._next_s if deadline is None else max(0.0, deadline - time.monotonic())
        time.sleep(min(self._next_s, left_s))
        self._next_s = min(2 * self._next_s, self._longest_s)
