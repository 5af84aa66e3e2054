"""Pace of calls: the clock of this machine, pauses with jitter, and a limit that threads share."""

import time
from typing import Final, final

from tradai.aws._client.random_pauses import RandomPauses
from tradai.core import ForkLock, Utc, WaitingClock, utc_now

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 20.0


@final
class RealClock:
    """The machine's clock."""

    def __call__(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    def now(self) -> Utc:
        """Return the present instant."""
        return utc_now()

    def sleep(self, seconds: float, /) -> None:
        """Pause for `seconds`."""
        time.sleep(seconds)


@final
class Backoff:
    """Random pauses before further attempts, within a budget of time."""

    def __init__(self, clock: WaitingClock, *, budget_s: float) -> None:
        """Count `budget_s` seconds from now."""
        self._clock = clock
        self._deadline_s = clock() + budget_s
        self._pauses = RandomPauses(first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S)

    def pause(self) -> bool:
        """Pause and return True; return False when the budget does not last as long."""
        pause_s = self._pauses.next_s()
        if self._clock() + pause_s > self._deadline_s:
            return False
        self._clock.sleep(pause_s)
        return True


@final
class RateLimit:
    """Spread calls of all threads evenly, so many a second at most."""

    def __init__(self, clock: WaitingClock, *, per_s: float) -> None:
        """Allow `per_s` calls a second."""
        self._clock = clock
        self._gap_s = 1.0 / per_s
        self._free_s = clock()
        self._lock = ForkLock()

    def acquire(self) -> None:
        """Wait for the caller's turn."""
        with self._lock:
            turn_s = max(self._clock(), self._free_s)
            self._free_s = turn_s + self._gap_s
        if (left_s := turn_s - self._clock()) > 0:
            self._clock.sleep(left_s)
