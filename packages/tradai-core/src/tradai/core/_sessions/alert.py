"""Alert of a trading session, for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

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
