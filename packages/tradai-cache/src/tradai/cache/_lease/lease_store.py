"""Place of a lease on one Redis or Valkey server."""

import hashlib
from typing import Final, final

from tradai.cache._lease.record_server import RecordServer, parse_record_uri
from tradai.cache._options.settings import CacheSettings
from tradai.core import StoredObject
from tradai.core.exceptions import ConflictError

# KEYS: the lease. ARGV: the bytes, and SHA-1 of those to replace, empty for none. A full server
# takes it too, and as it has no expiry, only an allkeys policy evicts it.
_REPLACE: Final = """#!lua flags=allow-oom
local found = redis.call('GET', KEYS[1])
local tag = found and redis.sha1hex(found) or ''
if tag ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""


@final
class RedisLeaseStore:
    """Place of a lease under one key of a server, which compares and writes in one script.

    The key has no expiry: nothing about a lease depends on the clock of the server. User, password
    and certificates are those of `CacheSettings`.
    """

    def __init__(self, uri: str, settings: CacheSettings | None = None) -> None:
        """Use the lease at `uri`, with `settings`, by default those of the environment now.

        It connects on first use. The address in `settings` does not matter.

        Raises:
            ValidationError: `uri` does not name a server, a database and a lease. It is not quoted.
            ConfigurationError: The certificate file cannot be used.
        """
        address, name = parse_record_uri(uri, what="a lease", example="binance-1")
        self._key = f"tradai:lease:{name}"
        self._server = RecordServer(address, settings, what="lease")

    def read(self) -> StoredObject | None:
        """Return the bytes and their tag; None before the first write."""
        data = self._server.execute("GET", self._key)
        return None if data is None else StoredObject(data=data, etag=_tag_of(data))

    def replace(self, data: bytes, *, expected: str | None) -> str:
        """Write `data` where the bytes with the tag `expected` are, and return the new tag."""
        if not self._server.execute("EVAL", _REPLACE, 1, self._key, data, expected or ""):
            name = self._server.name
            message = f"cannot replace the lease in {name}: it has changed; read it again"
            raise ConflictError(message, operation="replace", service="redis")
        return _tag_of(data)


def _tag_of(data: bytes) -> str:
    # The tag that the script computes; it tells records apart and protects nothing.
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
