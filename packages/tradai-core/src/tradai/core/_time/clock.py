"""The clocks of this machine: one for the time of day, one for durations."""

import time
from datetime import UTC, datetime
from typing import Final, final

from tradai.core._time.instants import Utc

# Linux's other clocks stand still while the machine is suspended; that of macOS goes on.
_DURATIONS: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def utc_now() -> Utc:
    """Return the present instant as an aware UTC datetime."""
    return datetime.now(UTC)


@final
class SystemClock:
    """The clock of this machine."""

    def now(self) -> Utc:
        """Return the present instant as an aware UTC datetime."""
        return utc_now()

    def __call__(self) -> float:
        """Return the seconds since the machine was started, also those in which it slept."""
        return time.clock_gettime(_DURATIONS)

    def sleep(self, seconds: float, /) -> None:
        """Pause for `seconds`."""
        time.sleep(seconds)
