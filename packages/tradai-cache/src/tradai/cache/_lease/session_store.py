"""Records of trading sessions on one Redis or Valkey server."""

from collections.abc import Iterator
from typing import Final, final

from tradai.cache._lease.record_server import RecordServer, parse_record_uri
from tradai.cache._options.settings import CacheSettings
from tradai.core.exceptions import ConflictError
from tradai.core.live import SessionRecord, check_session_name

# KEYS: the hash of all sessions. ARGV: the session, its new record, and the version to replace, 0
# for none. A write whose answer was lost may be sent again: the same record is no conflict. A full
# server takes it too, and as it has no expiry, only an allkeys policy evicts it.
_WRITE: Final = """#!lua flags=allow-oom
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found == ARGV[2] then return 1 end
local is_json, record = true, {version = 0}
if found then is_json, record = pcall(cjson.decode, found) end
if not is_json or record.version ~= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""


@final
class RedisSessionStore:
    """Records of sessions in one hash of a server, which compares and writes in one script.

    The hash has no expiry. User, password and certificates are those of `CacheSettings`.
    """

    def __init__(self, uri: str, settings: CacheSettings | None = None) -> None:
        """Use the records at `uri`, with `settings`, by default those of the environment now.

        It connects on first use. The address in `settings` does not matter.

        Raises:
            ValidationError: `uri` does not name a server, a database and a hash. It is not quoted.
            ConfigurationError: The certificate file cannot be used.
        """
        address, name = parse_record_uri(uri, what="sessions", example="sessions")
        self._key = f"tradai:sessions:{name}"
        self._server = RecordServer(address, settings, what="session")

    def read(self, session: str) -> SessionRecord | None:
        """Return the record of `session`; None before the first write."""
        data = self._server.execute("HGET", self._key, check_session_name(session))
        return None if data is None else self._record(data)

    def write(self, record: SessionRecord) -> None:
        """Write `record` over the one whose version is smaller by one; version 1 over none."""
        data, before = record.to_bytes(), record.version - 1
        if not self._server.execute("EVAL", _WRITE, 1, self._key, record.session, data, before):
            name = self._server.name
            message = (
                f"cannot write the session {record.session} to {name}: it has changed or is gone; "
                "read it again"
            )
            raise ConflictError(message, operation="write", service="redis")

    def records(self) -> Iterator[SessionRecord]:
        """Yield the records of all sessions, sorted by name."""
        found = [self._record(data) for data in self._server.execute("HVALS", self._key)]
        yield from sorted(found, key=lambda record: record.session)

    def _record(self, data: bytes) -> SessionRecord:
        return SessionRecord.from_bytes(data, place=f"{self._key} in {self._server.name}")
