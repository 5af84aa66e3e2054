"""Deadlines: the seconds that an operation may take, whatever it waits for."""

import math
import random
import time
from typing import Final, Protocol, final

from tradai.core.exceptions import ValidationError

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_FAIR_S: Final = 0.5
# With less time left, another attempt would only hide the reason of the last one.
_SHORTEST_ATTEMPT_S: Final = 0.25


class Timer(Protocol):
    """Source of time and of waiting, which tests can replace."""

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        ...


@final
class SystemTimer:
    """The clock of the system."""

    def monotonic(self) -> float:
        """Return the seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        time.sleep(seconds)


@final
class Deadline:
    """The end of an operation, a number of seconds after it began."""

    __slots__ = ("_began", "_seconds", "_timer")

    def __init__(self, seconds: float, timer: Timer) -> None:
        """Begin now, and end after `seconds`.

        Raises:
            ValidationError: `seconds` is not a finite number above 0.
        """
        if not (math.isfinite(seconds) and seconds > 0):
            expected = "a finite number of seconds above 0"
            message = f"the deadline {seconds!r} is not usable: expected {expected}"
            raise ValidationError(message, field="deadline_s", expected=expected)
        self._timer = timer
        self._began = timer.monotonic()
        self._seconds = seconds

    @property
    def elapsed_s(self) -> float:
        """Seconds since the operation began."""
        return self._timer.monotonic() - self._began

    @property
    def left_s(self) -> float:
        """Seconds until the end; negative after it."""
        return self._seconds - self.elapsed_s

    @property
    def has_fair_time(self) -> bool:
        """Whether a server that does not answer before the end is slow, and not asked too late."""
        return self.left_s >= _FAIR_S

    @property
    def is_telling(self) -> bool:
        """Whether a server that misses the deadline is at fault, and not the deadline."""
        return self._seconds >= _FAIR_S

    def back_off(self, attempts: int, at_least_s: float = 0.0) -> bool:
        """Wait before another attempt, the longer the more there were.

        Args:
            attempts: Number of attempts so far.
            at_least_s: Shortest pause, when the server named one.

        Returns:
            Whether there is time for another attempt; without it, nothing is waited for.
        """
        grown = min(_FIRST_PAUSE_S * 2 ** min(attempts - 1, 10), _LONGEST_PAUSE_S)
        # Many clients that lost the same server must not come back at the same moment.
        jittered = grown * random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it
        pause = max(jittered, at_least_s)
        if pause + _SHORTEST_ATTEMPT_S > self.left_s:
            return False
        self._timer.sleep(pause)
        return True
