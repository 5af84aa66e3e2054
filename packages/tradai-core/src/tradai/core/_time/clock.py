"""The wall clock; durations come from `time.monotonic()` instead."""

from datetime import UTC, datetime
from typing import final

from tradai.core._time.instants import Utc


def utc_now() -> Utc:
    """Return the present instant as an aware UTC datetime."""
    return datetime.now(UTC)


@final
class SystemClock:
    """The clock of this machine."""

    def now(self) -> Utc:
        """Return the present instant as an aware UTC datetime."""
        return utc_now()
