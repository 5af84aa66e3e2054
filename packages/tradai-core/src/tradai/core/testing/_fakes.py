"""Fakes of the ports: they pass the suites, and a test can read and set their content."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, final

from tradai.core._documents.json_values import JsonValue
from tradai.core._fork_lock import ForkLock
from tradai.core._local.file_journal import clean_facts
from tradai.core._local.file_store import etag_of
from tradai.core._ports.protocols import Clock, JournalEntry, StoredObject
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.secret import Secret
from tradai.core._sessions.record import SESSION_NAME, SessionRecord
from tradai.core._time.clock import SystemClock
from tradai.core._time.instants import check_utc
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    TradAIError,
)

_NEW_YEAR: Final = datetime(2025, 1, 1, tzinfo=UTC)


@final
class FixedClock:
    """A clock that moves only by `advance` and `sleep`; a `WaitingClock`.

    It starts at midnight UTC of the first day of 2025.

    >>> clock = FixedClock()
    >>> clock.advance(timedelta(minutes=5))
    >>> clock.now().isoformat()
    '2025-01-01T00:05:00+00:00'
    """

    def __init__(self, at: datetime = _NEW_YEAR) -> None:
        """Start at `at`.

        Raises:
            ValidationError: `at` is naive or not in UTC.
        """
        self._at = check_utc(at)

    def now(self) -> datetime:
        """Return the instant of the clock."""
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move the clock forward by this much."""
        self._at += by

    def __call__(self) -> float:
        """Return the seconds since some instant."""
        return (self._at - _NEW_YEAR).total_seconds()

    def sleep(self, seconds: float, /) -> None:
        """Move the clock forward by `seconds`, in place of a pause."""
        self.advance(timedelta(seconds=seconds))


@final
class MemoryJournal:
    """Run journal in memory."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        """Start empty; `clock` dates the entries."""
        self._clock = clock or SystemClock()
        self._lock = ForkLock()
        self._entries: tuple[JournalEntry, ...] = ()

    def append(self, event: str, /, **facts: JsonValue) -> None:
        """Record `event`; see `RunJournal`."""
        clean = clean_facts(event, facts)
        with self._lock:
            entry = JournalEntry(
                sequence=len(self._entries) + 1,
                at=self._clock.now(),
                event=redact(event),
                facts=clean,
            )
            self._entries = (*self._entries, entry)

    def entries(self) -> Iterator[JournalEntry]:
        """Yield all entries in the order they were made."""
        return iter(self._entries)

    def close(self) -> None:
        """Do nothing."""


@final
class MemoryLeaseStore:
    """Place of a lease in memory, for the holders of one process."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = ForkLock()
        self._stored: StoredObject | None = None

    def read(self) -> StoredObject | None:
        """Return the bytes and their tag; None before the first write."""
        return self._stored

    def replace(self, data: bytes, *, expected: str | None) -> str:
        """Write `data` where the bytes with the tag `expected` are, and return the new tag."""
        with self._lock:
            present = self._stored and self._stored.etag
            if present != expected:
                message = "cannot replace the lease in memory: it has changed; read it again"
                raise ConflictError(message, operation="replace", service="memory")
            etag = etag_of(data)
            self._stored = StoredObject(data=data, etag=etag)
        return etag


@final
class MemorySessionStore:
    """Records of trading sessions in memory."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = ForkLock()
        self._records: dict[str, SessionRecord] = {}

    def read(self, session: str) -> SessionRecord | None:
        """Return the record of `session`; None before the first write."""
        return self._records.get(SESSION_NAME.check(session))

    def write(self, record: SessionRecord) -> None:
        """Write `record` over the one whose version is smaller by one; version 1 over none."""
        with self._lock:
            present = self._records.get(record.session)
            if (present.version if present else 0) != record.version - 1:
                message = "cannot write the session in memory: it has changed; read it again"
                raise ConflictError(message, operation="write", service="memory")
            self._records[record.session] = record

    def records(self) -> Iterator[SessionRecord]:
        """Yield the records of all sessions, sorted by name."""
        yield from [self._records[name] for name in sorted(self._records)]


@final
class ScriptedSecrets:
    """Secret source that answers from a script and records the references it was asked for.

    References have a scheme, such as ``script:key``. An answer is the value of a secret, or the
    error to raise instead.
    """

    def __init__(self, script: Mapping[str, str | TradAIError]) -> None:
        """Answer by `script`: reference to value or error."""
        self._script = dict(script)
        self.asked: list[str] = []

    def resolve(self, reference: str) -> Secret:
        """Return or raise the answer in the script; see `SecretSource`."""
        self.asked.append(reference)
        if ":" not in reference:
            # The reference may be the secret itself, written where its reference belongs.
            message = "a secret reference is not usable: expected a scheme and a name"
            raise ConfigurationError(message)
        if reference not in self._script:
            message = f"there is no secret {reference}; add it to the script"
            raise NotFoundError(message, kind="secret", key=reference)
        answer = self._script[reference]
        if isinstance(answer, TradAIError):
            raise answer
        if not answer.strip():
            message = f"the secret {reference} is empty; give it a value"
            raise ConfigurationError(message, source=reference)
        return Secret(answer)
