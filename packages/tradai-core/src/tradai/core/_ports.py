"""Ports: what tradai asks of stores, secret sources, journals, handlers and clocks.

An adapter needs no base class: it has these methods. The suites in `tradai.core.testing` tell
whether it keeps the promises written here too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, Protocol, final

from tradai.core._json import JsonValue
from tradai.core._redaction import MASK, register_secret
from tradai.core.exceptions import ValidationError

__all__ = [
    "Clock",
    "JournalEntry",
    "ModeHandler",
    "ObjectInfo",
    "ObjectStore",
    "RunJournal",
    "Secret",
    "SecretSource",
    "StoredObject",
]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """The bytes of an object, and the tag of exactly these bytes in this place."""

    data: bytes
    etag: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What is known of an object without reading it: size in bytes, last change in UTC."""

    uri: str
    size: int
    modified: datetime


class ObjectStore(Protocol):
    """Whole objects under URIs; a reader never sees half a write.

    Every method raises `NotFoundError` for an object that is not there (`delete` does not),
    `ValidationError` for a URI the store does not serve, and `ExternalServiceError` (a
    `StorageError`, on a disk) when the store refuses.
    """

    def read(self, uri: str) -> StoredObject:
        """Return the object at `uri`."""
        ...

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        """Replace the object at `uri` and return its new tag.

        Args:
            uri: Where to write; folders on the way come into being.
            data: The whole new content.
            if_match: Write only over the object with this tag.
            if_absent: Write only where there is no object.

        Raises:
            ConflictError: The condition does not hold. Of several callers, one wins.
            ValidationError: Both conditions are given.
        """
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose URI starts with `prefix`, sorted by URI; none is no error."""
        ...

    def delete(self, uri: str) -> None:
        """Remove the object at `uri`; nothing there is no error."""
        ...

    def stat(self, uri: str) -> ObjectInfo:
        """Describe the object at `uri`."""
        ...

    def copy(self, source: str, target: str) -> str:
        """Write the object at `source` to `target` as well, and return the tag there."""
        ...


@final
class Secret:
    """A value that shows itself only when asked by name: `reveal`.

    Printing, formatting and logging it give a mask. It cannot be pickled, and `json` does not
    know it. Making one registers the value, so `redact` masks it wherever else it turns up.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str, /) -> None:
        """Hold and register `value`.

        Raises:
            ValidationError: `value` is empty or blank.
        """
        if not value.strip():
            expected = "text that is not blank"
            message = f"a secret is empty: expected {expected}"
            raise ValidationError(message, expected=expected)
        register_secret(value)
        self._value = value

    def reveal(self) -> str:
        """Return the value itself; keep it out of messages, logs and files."""
        return self._value

    def __repr__(self) -> str:
        """Show that it is a secret."""
        return f"Secret({MASK})"

    def __str__(self) -> str:
        """Show the mask."""
        return MASK

    def __format__(self, spec: str) -> str:
        """Show the mask, whatever `spec` asks for."""
        return MASK

    def __eq__(self, other: object) -> bool:
        """Equal a secret with the same value."""
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        """Hash by value."""
        return hash((Secret, self._value))

    def __copy__(self) -> "Secret":
        """Return itself: it never changes."""
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        """Return itself: it never changes."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled.

        Raises:
            TypeError: Always; hand over the reference and resolve it on the other side.
        """
        message = "a Secret cannot be pickled; hand over its reference instead"
        raise TypeError(message)


class SecretSource(Protocol):
    """Turns references, which may be written down, into secrets, which may not."""

    def resolve(self, reference: str) -> Secret:
        """Return the secret that `reference` names.

        Raises:
            NotFoundError: There is no such secret.
            ConfigurationError: It is empty or kept carelessly, or the reference is malformed.
            ExternalServiceError: The source refused or cannot be reached.
        """
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One thing that happened in a run; `sequence` counts from 1, `at` is UTC."""

    sequence: int
    at: datetime
    event: str
    facts: Mapping[str, JsonValue]


class RunJournal(Protocol):
    """What happened in a run, in order; entries are added and never changed."""

    def append(self, event: str, /, **facts: JsonValue) -> None:
        """Record `event`; once this returns, the entry is kept. Secrets are masked.

        Raises:
            ValidationError: A fact is not JSON, or is NaN or infinite.
            ExternalServiceError: The entry could not be kept.
        """
        ...

    def entries(self) -> Iterator[JournalEntry]:
        """Yield all entries in the order they were made."""
        ...

    def close(self) -> None:
        """Let go of the journal's resources; closing twice is no error."""
        ...


class ModeHandler(Protocol):
    """What runs a strategy in one mode."""

    def run(self) -> int:
        """Do the work and return the exit code."""
        ...


class Clock(Protocol):
    """Tells the time, so that tests can tell it instead."""

    def now(self) -> datetime:
        """Return the present instant as an aware UTC datetime."""
        ...
