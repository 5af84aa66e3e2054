"""The fate of each key of a moved configuration."""

from dataclasses import dataclass
from enum import StrEnum
from typing import final


@final
class KeyStatus(StrEnum):
    """The fate of a key, in the order in which a reader needs to see it."""

    UNSUPPORTED = "not supported"
    DOUBTFUL = "in doubt"
    PARTIAL = "in part"
    PRIVATE = "secret"
    MAPPED = "mapped"
    UNNEEDED = "not needed"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MovedKey:
    """A key of Freqtrade's configuration, and its fate.

    Attributes:
        key: Its name, such as ``exchange.name``.
        status: Its fate.
        place: Its new place; empty when it has none.
        note: The reason, or further work of the reader.
    """

    key: str
    status: KeyStatus
    place: str = ""
    note: str = ""

    @property
    def needs_a_look(self) -> bool:
        """Whether a reader has to know more of it than that it is carried over or not needed."""
        is_plain = self.status is KeyStatus.MAPPED and not self.note
        return not is_plain and self.status is not KeyStatus.UNNEEDED

    def as_json(self) -> dict[str, str]:
        """Return it as JSON."""
        return {
            "key": self.key,
            "status": self.status.value,
            "place": self.place,
            "note": self.note,
        }
