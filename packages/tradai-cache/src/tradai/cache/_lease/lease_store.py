"""Place of a lease on one Redis or Valkey server."""

import hashlib
import os
import re
from typing import Final, final

from redis.exceptions import AuthenticationError, RedisError

from tradai.cache._options.address import Address, parse_address
from tradai.cache._options.settings import CacheSettings
from tradai.cache._redis.connection_options import Answer, ConnectionOptions
from tradai.cache._redis.connections import ConnectionPool
from tradai.cache._redis.errors import ADDRESS, translated
from tradai.core import StoredObject
from tradai.core.exceptions import ConfigurationError, ConflictError, TradAIError, ValidationError

# Longer than that of the cache: a renewal may wait for a slow answer, a hit in the cache may not.
_ANSWER_S: Final = 2.0
_URI: Final = re.compile(r"(rediss?://[^/]*/[0-9]+)/([A-Za-z0-9._@:-][A-Za-z0-9._@:/-]{0,199})")
_EXPECTED: Final = (
    "redis[s]://HOST[:PORT]/DATABASE/NAME, without user or password, for example "
    "redis://127.0.0.1:6379/0/binance-1"
)
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
        address, name = _parse(uri)
        options = ConnectionOptions.from_settings(settings or CacheSettings(), address)
        options.check()
        self._options = options
        self._key = f"tradai:lease:{name}"
        self._server = f"the server of leases at {address}"
        self._pool = ConnectionPool(lambda: options.pool(answer_s=_ANSWER_S))
        self._process = os.getpid()
        self._is_checked = False

    @classmethod
    def for_uri(cls, uri: str) -> "RedisLeaseStore":
        """Return the place of the lease at `uri`.

        Raises:
            ValidationError: `uri` does not name a server, a database and a lease. It is not quoted.
            ConfigurationError: The certificate file cannot be used.
        """
        return cls(uri)

    def read(self) -> StoredObject | None:
        """Return the bytes and their tag; None before the first write."""
        data = self._execute("GET", self._key)
        return None if data is None else StoredObject(data=data, etag=_tag_of(data))

    def replace(self, data: bytes, *, expected: str | None) -> str:
        """Write `data` where the bytes with the tag `expected` are, and return the new tag."""
        if not self._execute("EVAL", _REPLACE, 1, self._key, data, expected or ""):
            message = f"cannot replace the lease in {self._server}: it has changed; read it again"
            raise ConflictError(message, operation="replace", service="redis")
        return _tag_of(data)

    def _execute(self, *command: bytes | str | int) -> Answer:
        if self._process != os.getpid():
            # The parent goes on using the connections.
            self._options.renew_lock()
            self._pool.abandon()
            self._process = os.getpid()
        if not self._is_checked:
            self._check(self._ask("INFO", "memory"))
            self._is_checked = True
        return self._ask(*command)

    def _ask(self, *command: bytes | str | int) -> Answer:
        try:
            try:
                return self._pool.execute(*command)
            except AuthenticationError:
                # The password may have been rotated.
                self._options.forget_password()
                self._pool.renew()
                return self._pool.execute(*command)
        except RedisError as exc:
            raise _lease_error(translated(exc, self._server)) from exc

    def _check(self, info: bytes) -> None:
        facts = dict(re.findall(r"^([a-z_]+):(.*)$", info.decode().replace("\r", ""), re.MULTILINE))
        policy = facts.get("maxmemory_policy", "")
        if policy.startswith("allkeys") and facts.get("maxmemory") != "0":
            message = (
                f"{self._server} may evict a lease when its memory is full (maxmemory-policy "
                f"{policy}); use noeviction or a volatile policy, or another server"
            )
            raise ConfigurationError(message, key="maxmemory-policy")


def _parse(uri: str) -> tuple[Address, str]:
    match = _URI.fullmatch(uri)
    if match is None:
        message = f"the address of a lease is not usable: expected {_EXPECTED}"
        raise ValidationError(message, field="uri", expected=_EXPECTED)
    return parse_address(match[1]), match[2]


def _lease_error(error: TradAIError) -> TradAIError:
    """Return `error`, which names the URI of the lease where that of the cache does not matter."""
    if isinstance(error, ConfigurationError) and error.key == ADDRESS:
        return ConfigurationError(str(error), key="uri")
    return error


def _tag_of(data: bytes) -> str:
    # The tag that the script computes; it tells records apart and protects nothing.
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
