"""The port of the stores that keep the records of trading sessions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tradai.core._sessions.record import SessionRecord


class SessionStore(Protocol):
    """Records of trading sessions, one for each name, replaced by comparison only.

    A session and its operators write the same record. Each write names the one it follows, so the
    next heartbeat of a session fails when an operator has asked for something, and no process
    overwrites what it has not read. A record is not deleted while its session lives.

    Every method raises `ExternalServiceError` when the store refuses or does not answer, and
    `StorageError` for a record that cannot be read.
    """

    def read(self, session: str) -> "SessionRecord | None":
        """Return the record of `session`; None before the first write.

        Raises:
            ValidationError: `session` is not a name of a session.
        """
        ...

    def write(self, record: "SessionRecord") -> None:
        """Write `record` over the one whose version is smaller by one; version 1 over none.

        A write whose answer was lost may have happened, or may happen later, as long as the
        comparison holds then.

        Raises:
            ConflictError: The store has another version, or none. Of several callers, one wins.
        """
        ...

    def records(self) -> "Iterator[SessionRecord]":
        """Yield the records of all sessions, sorted by name."""
        ...
