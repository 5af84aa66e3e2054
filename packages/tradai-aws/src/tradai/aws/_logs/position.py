"""Position of a reader in the log of a job, from which another process goes on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self, final

from tradai.aws._logs.stream_reader import Identity, Place
from tradai.core import JobLog
from tradai.core.exceptions import ValidationError

_EXPECTED: Final = "JSON of a LogPosition"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LogPosition:
    """Position after a line of a job's log.

    It stays good for as long as the log is kept, as it has no token of CloudWatch's, which would
    expire after a day.

    Attributes:
        number: Number of the last line that was taken.
        at_ms: Time stamp of that line, in milliseconds since 1970.
        taken: Lines of that very millisecond: time of arrival, text and count; only of a log that
            is not numbered.
        is_numbered: Whether the log is numbered; None when no line was read.
        stream_id: Id of a numbered log.
        gaps: First and last number of missing lines before this one.
    """

    number: int = 0
    at_ms: int = 0
    taken: tuple[tuple[int, str, int], ...] = field(default=(), repr=False)
    is_numbered: bool | None = None
    stream_id: str = ""
    gaps: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> str:
        """Return the position as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the position that `to_json` returned as `text`.

        Raises:
            ValidationError: `text` is not the JSON of a position.
        """
        try:
            values: Any = json.loads(text)
            taken = tuple((int(at), str(line), int(n)) for at, line, n in values.pop("taken"))
            gaps = tuple((int(first), int(last)) for first, last in values.pop("gaps"))
            return cls(**values, taken=taken, gaps=gaps)
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            message = f"a position in a log is not usable: expected {_EXPECTED}"
            raise ValidationError(message, expected=_EXPECTED) from exc

    def log(self) -> JobLog:
        """Return a log that goes on after this position."""
        return JobLog(
            is_numbered=self.is_numbered,
            stream_id=self.stream_id,
            after=self.number,
            given_up=self.gaps,
        )

    def place(self) -> Place:
        """Return the place in the stream."""
        return Place(
            self.at_ms, {(self.at_ms, arrived, text): n for arrived, text, n in self.taken}
        )


def taken_at(place: Place) -> tuple[tuple[int, str, int], ...]:
    """Return the events of the last instant of `place`, as a position holds them."""
    taken: Mapping[Identity, int] = place.taken
    return tuple((arrived, text, n) for (_, arrived, text), n in taken.items())
