"""Instants that tell equal points apart, because a server keeps equal points once."""

from datetime import datetime
from typing import Final, final

from tradai.core import MetricPoint, to_epoch_ms

_US_PER_MS: Final = 1000


@final
class PointTimes:
    """Milliseconds for points that say none; not for two threads at once."""

    def __init__(self) -> None:
        """Start without points."""
        self._taken: set[tuple[str, int, float, int]] = set()
        self._last_ms = 0

    def place(self, point: MetricPoint, now_ms: int) -> int:
        """Return the millisecond of `point`: now, or soon after when an equal point is there."""
        if point.at is not None:
            return floor_ms(point.at)
        if now_ms > self._last_ms:
            self._taken.clear()
        # Where the clock goes back, the instants that were taken there are not known any more.
        at_ms = max(now_ms, self._last_ms)
        while (place := (point.key, point.step, point.value, at_ms)) in self._taken:
            at_ms += 1
        self._taken.add(place)
        self._last_ms = max(self._last_ms, at_ms)
        return at_ms


def floor_ms(at: datetime) -> int:
    """Return `at` as milliseconds since 1970, without the rest of a millisecond."""
    rest_us = at.microsecond % _US_PER_MS
    return to_epoch_ms(at.replace(microsecond=at.microsecond - rest_us))
