"""When to stop asking: after three failures in a row, or one that leaves a doubt."""

import threading
from collections.abc import Callable
from typing import Final, final

__all__ = ["CircuitBreaker"]

_PATIENCE: Final = 3


@final
class CircuitBreaker:
    """Whether Redis may be asked now.

    It begins open and is closed by whoever has found Redis well. Then failures count: the third
    in a row opens it, a single one that is final does so at once.

    Attributes:
        is_open: Whether nobody may ask.
        reason: Why, for people.
        turn: Grows each time it is closed; a failure counts in the turn it was begun in.
    """

    def __init__(self, opened: Callable[[str], None]) -> None:
        """Call `opened` with the reason whenever it opens, before anybody is told."""
        self.is_open = True
        self.reason = "it was not asked yet"
        self.cycle = 0
        self._opened = opened
        self._failures = 0
        self._lock = threading.Lock()

    def succeeded(self) -> None:
        """Forget failures; costs nothing when there are none."""
        if self._failures:
            self._failures = 0

    def failed(self, reason: str, *, cycle: int, is_final: bool) -> None:
        """Count a failure."""
        with self._lock:
            if cycle != self.cycle:
                return
            self._failures += 1
            is_enough = is_final or self._failures >= _PATIENCE
        if is_enough:
            self.open(reason)

    def open(self, reason: str) -> None:
        """Let nobody ask any more; already open, only the reason may change."""
        with self._lock:
            self.reason = reason
            if self.is_open:
                return
            self.is_open = True
        self._opened(reason)

    def close(self) -> None:
        """Let everybody ask."""
        with self._lock:
            self._failures = 0
            self.cycle += 1
            self.is_open = False
