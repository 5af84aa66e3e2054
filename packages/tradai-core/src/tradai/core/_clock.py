"""The wall clock; durations come from `time.monotonic()` instead."""

from datetime import UTC, datetime
from typing import final

__all__ = ["SystemClock", "utc_now"]


def utc_now() -> datetime:
    """Return the present instant as an aware UTC datetime."""
    return datetime.now(UTC)


@final
class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present instant as an aware UTC datetime."""
        return utc_now()
