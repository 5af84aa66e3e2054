"""Records of trading sessions in an object store."""

from collections.abc import Iterator
from typing import Final, final

from tradai.core._local.file_store import stored_object
from tradai.core._ports.backends import backend_for
from tradai.core._ports.protocols import ObjectStore, StoredObject
from tradai.core._sessions.record import SESSION_NAME, SessionRecord
from tradai.core.exceptions import ConflictError

_SUFFIX: Final = ".json"


@final
class ObjectSessionStore:
    """Records of trading sessions in an object store whose conditional writes are atomic.

    Each session has an object of its name below one URI.
    """

    def __init__(self, store: ObjectStore, uri: str) -> None:
        """Use the objects below `uri` in `store`."""
        self._store = store
        self._uri = uri.rstrip("/")

    @classmethod
    def for_uri(cls, uri: str) -> "ObjectSessionStore":
        """Return the records below `uri`, in the object store that serves it.

        A ``memory:`` store is new and empty each time.

        Raises:
            ConfigurationError: No installed distribution serves the URI.
            ValidationError: The object store does not serve such a URI.
        """
        return cls(backend_for("tradai.stores", uri), uri)

    def read(self, session: str) -> SessionRecord | None:
        """Return the record of `session`; None before the first write."""
        uri = self._uri_of(session)
        stored = stored_object(self._store, uri)
        return stored and SessionRecord.from_bytes(stored.data, place=uri)

    def write(self, record: SessionRecord) -> None:
        """Write `record` over the one whose version is smaller by one; version 1 over none."""
        uri = self._uri_of(record.session)
        if record.version == 1:
            self._store.write(uri, record.to_bytes(), if_absent=True)
            return
        stored = stored_object(self._store, uri)
        if stored is None or _version(stored, uri) != record.version - 1:
            raise _conflict(uri)
        self._store.write(uri, record.to_bytes(), if_match=stored.etag)

    def records(self) -> Iterator[SessionRecord]:
        """Yield the records of all sessions, sorted by name."""
        uris = [info.uri for info in self._store.list(f"{self._uri}/")]
        found = [(uri, stored_object(self._store, uri)) for uri in uris if uri.endswith(_SUFFIX)]
        records = [SessionRecord.from_bytes(one.data, place=uri) for uri, one in found if one]
        yield from sorted(records, key=lambda record: record.session)

    def _uri_of(self, session: str) -> str:
        return f"{self._uri}/{SESSION_NAME.check(session)}{_SUFFIX}"


def _version(stored: StoredObject, uri: str) -> int:
    return SessionRecord.from_bytes(stored.data, place=uri).version


def _conflict(uri: str) -> ConflictError:
    message = f"cannot write the session at {uri}: it has changed or is gone; read it again"
    return ConflictError(message, operation="write", service="sessions")
