"""Sighting of another holder's record: since when this process knows it unchanged."""

from typing import final

from tradai.core._lease.record import LeaseRecord
from tradai.core._ports.protocols import WaitingClock


@final
class Sighting:
    """The record that was seen last, and the time since it was first seen.

    Times of day are not compared: they differ between machines. So a process has to watch a record
    for its whole time to live before it may conclude that the holder is gone.
    """

    def __init__(self, clock: WaitingClock) -> None:
        """Count by `clock`; nothing was seen yet."""
        self._clock = clock
        self._etag: str | None = None
        self._since_s = 0.0

    def note(self, etag: str) -> None:
        """Note that the record with the tag `etag` has just arrived."""
        if etag != self._etag:
            # Counted from its arrival: the record is at least as old as that.
            self._etag, self._since_s = etag, self._clock()

    def left_s(self, record: LeaseRecord) -> float:
        """Return the seconds for which `record`, the last one seen, binds this process."""
        return max(0.0, self._since_s + record.ttl_s - self._clock())
