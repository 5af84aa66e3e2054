"""The exchange's time, which this machine's wall clock need not agree with."""

import time
from collections.abc import Callable
from typing import final

from tradai.core import Clock, SystemClock


@final
class ServerClock:
    """The exchange's time, measured once and carried on by a clock that does not jump."""

    def __init__(
        self,
        fetch_ms: Callable[[], int],
        *,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Measure nothing yet.

        Args:
            fetch_ms: Asks the exchange for its time in milliseconds.
            clock: The wall clock that is compared with it; None is that of this machine.
            monotonic: Seconds that never go back.
        """
        self._fetch_ms = fetch_ms
        self._clock = clock or SystemClock()
        self._monotonic = monotonic
        self._offset_s: float | None = None

    def measure(self) -> float:
        """Ask for the time, and return by how many seconds the wall clock is behind it."""
        before_s = self._monotonic()
        server_s = self._fetch_ms() / 1000
        after_s, wall_s = self._monotonic(), self._clock.now().timestamp()
        # The answer was made somewhere between; half of that time is the largest error.
        middle_s = (before_s + after_s) / 2
        self._offset_s = server_s - middle_s
        return server_s + (after_s - middle_s) - wall_s

    def now_ms(self) -> int:
        """Return the exchange's time; the first call asks for it."""
        if self._offset_s is None:
            self.measure()
        return int((self._monotonic() + (self._offset_s or 0.0)) * 1000)
