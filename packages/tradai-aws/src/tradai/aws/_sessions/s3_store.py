"""Records of trading sessions in objects on S3."""

from collections.abc import Iterator
from typing import final

from tradai.aws._client.settings import AwsSettings, impatient
from tradai.aws._s3.conditions import prove_conditions
from tradai.aws._s3.store import S3Store
from tradai.core.live import ObjectSessionStore, SessionRecord


@final
class S3SessionStore:
    """Records of sessions, an object each, which conditional writes replace.

    Some servers that speak S3's protocol ignore conditions. So the first write of a process is
    followed by two that must be refused.
    """

    def __init__(self, uri: str, settings: AwsSettings | None = None) -> None:
        """Use the objects below `uri`, with `settings`, by default those of the environment now.

        Timeouts and attempts are those of `settings`, but at most 2 seconds and 2 attempts.
        """
        self._uri = uri.rstrip("/")
        self._store = S3Store(impatient(settings or AwsSettings()))
        self._sessions = ObjectSessionStore(self._store, uri)
        self._is_proven = False

    @classmethod
    def for_uri(cls, uri: str) -> "S3SessionStore":
        """Return the records below `uri`."""
        return cls(uri)

    def read(self, session: str) -> SessionRecord | None:
        """Return the record of `session`; None before the first write."""
        return self._sessions.read(session)

    def write(self, record: SessionRecord) -> None:
        """Write `record` over the one whose version is smaller by one; version 1 over none.

        Raises:
            ConflictError: The store has another version, or none.
            ConfigurationError: The server ignores the conditions of writes.
            AwsError: S3 refused or did not answer.
        """
        self._sessions.write(record)
        if not self._is_proven:
            uri = f"{self._uri}/{record.session}.json"
            prove_conditions(self._store, uri, record.to_bytes(), what="session")
            self._is_proven = True

    def records(self) -> Iterator[SessionRecord]:
        """Yield the records of all sessions, sorted by name."""
        return self._sessions.records()
