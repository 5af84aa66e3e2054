"""Circuit breaker for Redis: opens after failures that callers report.

Loss that the listener notices: `outage.py`.
"""

import threading
from collections.abc import Callable
from typing import Final, final

_MAX_FAILURES: Final = 3


@final
class CircuitBreaker:
    """Whether callers may send commands to Redis.

    It begins open, and the listener closes it when it has found Redis. From then on failures count:
    the third in a row opens it; an error reply, which repeats, opens it at once.

    Attributes:
        is_open: Whether no caller may ask.
        reason: The reason for people.
        cycle: Grows each time it is closed; a failure counts only in the cycle it began in.
    """

    def __init__(self, on_open: Callable[[str], None]) -> None:
        """Call `on_open` with the reason whenever it opens."""
        self.is_open = True
        self.reason = "it was not asked yet"
        self.cycle = 0
        self._on_open = on_open
        self._failures = 0
        self._lock = threading.Lock()

    def record_success(self) -> None:
        """Forget failures; costs nothing when there are none."""
        if self._failures:
            self._failures = 0

    def record_failure(self, reason: str, *, cycle: int, opens_at_once: bool) -> None:
        """Count a failure of the given cycle, and open after enough of them."""
        with self._lock:
            if cycle != self.cycle:
                return
            self._failures += 1
            is_enough = opens_at_once or self._failures >= _MAX_FAILURES
        if is_enough:
            self.open(reason)

    def open(self, reason: str) -> None:
        """Let no caller ask any more; when it is open already, only the reason changes."""
        with self._lock:
            self.reason = reason
            if self.is_open:
                return
            self.is_open = True
        self._on_open(reason)

    def close(self) -> None:
        """Let callers ask."""
        with self._lock:
            self._failures = 0
            self.cycle += 1
            self.is_open = False
