"""An alert of a trading session, and the port of the channels that bring it to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, final

from tradai.core._documents.json_values import JsonValue, thaw
from tradai.core._time.instants import Utc


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A sentence for people about a live session; secrets in it are masked already.

    Attributes:
        kind: Kind in a word, such as ``halt``.
        sentence: What happened.
        facts: Facts about it, by name.
        at: Instant of the alert.
        repeats: Number of alerts of the same cause since the last one that was sent.
    """

    kind: str
    sentence: str
    facts: Mapping[str, JsonValue]
    at: Utc
    repeats: int = 0

    @property
    def text(self) -> str:
        """The kind, the sentence, and the number of repeats, on one line.

        >>> from datetime import UTC, datetime
        >>> at = datetime(2025, 1, 1, tzinfo=UTC)
        >>> Alert(kind="halt", sentence="the drawdown is 12 %", facts={}, at=at, repeats=2).text
        'halt: the drawdown is 12 % (2 more of this cause)'
        """
        more = f" ({self.repeats} more of this cause)" if self.repeats else ""
        return f"{self.kind}: {' '.join(self.sentence.split())}{more}"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the fields and the text, which chat services show."""
        return {
            "text": self.text,
            "kind": self.kind,
            "sentence": self.sentence,
            "facts": thaw(self.facts),
            "at": self.at.isoformat(),
            "repeats": self.repeats,
        }


class AlertChannel(Protocol):
    """A way to people: a log, a web address, a topic."""

    def send(self, alert: Alert) -> None:
        """Deliver `alert`, or raise, within some ten seconds.

        The caller has a thread for it, logs its errors and goes on.

        Raises:
            ConfigurationError: The channel cannot work as it is configured.
            NotFoundError: A secret or a topic does not exist.
            ExternalServiceError: The alert was refused, or may not have arrived.
        """
        ...
