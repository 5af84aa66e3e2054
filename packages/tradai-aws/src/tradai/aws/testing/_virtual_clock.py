"""A clock that only a test moves."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final, final

from tradai.core import Utc

_START: Final = datetime(2025, 1, 1, tzinfo=UTC)


@final
class VirtualClock:
    """Clock that stands still until `advance` or `sleep` is called, by any thread.

    >>> clock = VirtualClock()
    >>> clock.sleep(90)
    >>> clock(), clock.now().isoformat()
    (90.0, '2025-01-01T00:01:30+00:00')
    """

    def __init__(self) -> None:
        """Start at zero, which is the first instant of 2025."""
        self.now_s = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the seconds since the start."""
        return self.now_s

    def now(self) -> Utc:
        """Return the instant in UTC."""
        return instant_of(self.now_s)

    def advance(self, by_s: float) -> None:
        """Move forward by `by_s` seconds."""
        with self._lock:
            self.now_s += by_s

    def sleep(self, seconds: float) -> None:
        """Move forward by `seconds`, in place of a pause."""
        self.advance(seconds)
        # Threads that pause in turn must not starve the one that they wait for.
        time.sleep(0)


def instant_of(seconds: float) -> Utc:
    """Return the instant in UTC at which every such clock shows `seconds`."""
    return _START + timedelta(seconds=seconds)
