"""Deadlines: the seconds that an operation may take, whatever it waits for."""

import math
import time
from typing import Protocol, final

from tradai.core.exceptions import ValidationError


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

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`, at most until the end."""
        self._timer.sleep(max(0.0, min(seconds, self.left_s)))
