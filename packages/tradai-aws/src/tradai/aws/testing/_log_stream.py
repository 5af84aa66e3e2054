"""One log stream of the fake: events become visible after a while, and are read page by page."""

import bisect
import heapq
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

# Events are ordered by timestamp, and by arrival within a millisecond.
Key: TypeAlias = tuple[int, int]

# Size of a page and of a batch, and what each event counts for besides its text:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
MOST_BYTES: Final = 1_048_576
EVENT_BYTES: Final = 26

_FIRST: Final[Key] = (0, 0)
_LAST: Final[Key] = (2**62, 0)
_TOKEN: Final = re.compile(r"([fb])/([0-9]{20})([0-9]{12})/([0-9]+)-[0-9]+")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """An event as CloudWatch keeps it; instants are milliseconds since 1970."""

    timestamp: int
    number: int
    ingestion: int
    message: str

    @property
    def key(self) -> Key:
        """Position in the stream."""
        return (self.timestamp, self.number)

    @property
    def size(self) -> int:
        """Bytes that the event counts for."""
        return len(self.message.encode()) + EVENT_BYTES

    def to_response(self) -> dict[str, Any]:
        """Return the event as GetLogEvents does: without an id."""
        return {
            "timestamp": self.timestamp,
            "ingestionTime": self.ingestion,
            "message": self.message,
        }


@final
class LogStream:
    """Events of one stream, those included that are still on their way."""

    def __init__(self, *, is_created: bool = False) -> None:
        """Hold nothing; a stream that was not created appears with its first event."""
        self._is_created = is_created
        self._pending: list[tuple[int, Key, LogEvent]] = []
        self._visible: list[LogEvent] = []
        self._count = 0

    def add(self, message: str, *, timestamp: int, visible: int) -> None:
        """Take an event that can be read from the instant `visible` on."""
        self._count += 1
        event = LogEvent(
            timestamp=timestamp, number=self._count, ingestion=visible, message=message
        )
        heapq.heappush(self._pending, (visible, event.key, event))

    def exists(self, now: int) -> bool:
        """Tell whether the stream is there at `now`."""
        return self._is_created or bool(self.visible(now))

    def visible(self, now: int) -> list[LogEvent]:
        """Return the events that can be read at `now`, in order."""
        while self._pending and self._pending[0][0] <= now:
            bisect.insort(self._visible, heapq.heappop(self._pending)[2], key=_key)
        return self._visible


@final
@dataclass(frozen=True, slots=True)
class Cursor:
    """Position between two events, and the direction to read in."""

    is_forward: bool
    key: Key

    @classmethod
    def at_edge(cls, parameters: dict[str, Any]) -> "Cursor":
        """Return the position that a request without a token starts at."""
        is_forward = parameters.get("startFromHead", False)
        return cls(is_forward, _FIRST if is_forward else _LAST)

    def token(self, *, issued: int, nonce: int) -> str:
        """Return the position as a token, which tells when it was issued."""
        direction = "f" if self.is_forward else "b"
        return f"{direction}/{self.key[0]:020d}{self.key[1]:012d}/{issued}-{nonce}"

    def page(self, events: list[LogEvent], *, longest: int) -> list[LogEvent]:
        """Return the next events in this direction, at most `longest` and at most 1 MB."""
        place = bisect.bisect_right(events, self.key, key=_key)
        if self.is_forward:
            return _fitting(events[place : place + longest])
        before = bisect.bisect_left(events, self.key, key=_key)
        return _fitting(events[max(0, before - longest) : before][::-1])[::-1]


def parse_token(token: str) -> tuple[Cursor, int] | None:
    """Return the position of a token and when it was issued; None for a token of another make."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None
    return Cursor(match[1] == "f", (int(match[2]), int(match[3]))), int(match[4])


def in_range(events: list[LogEvent], parameters: dict[str, Any]) -> list[LogEvent]:
    """Return the events of the request's time range; its end is outside of it."""
    key: Callable[[LogEvent], int] = _timestamp
    first = bisect.bisect_left(events, parameters.get("startTime", 0), key=key)
    last = bisect.bisect_left(events, parameters.get("endTime", _LAST[0]), key=key)
    return events[first:last]


def _fitting(events: list[LogEvent]) -> list[LogEvent]:
    size = 0
    for index, event in enumerate(events):
        size += event.size
        if size > MOST_BYTES:
            return events[:index]
    return events


def _key(event: LogEvent) -> Key:
    return event.key


def _timestamp(event: LogEvent) -> int:
    return event.timestamp
