"""A Redis or Valkey server that keeps records: leases and sessions, which must not be evicted."""

import os
import re
from typing import Final, final

from redis.exceptions import AuthenticationError, RedisError

from tradai.cache._options.address import Address, parse_address
from tradai.cache._options.settings import CacheSettings
from tradai.cache._redis.connection_options import Answer, ConnectionOptions
from tradai.cache._redis.connections import ConnectionPool
from tradai.cache._redis.errors import ADDRESS, translated
from tradai.core.exceptions import ConfigurationError, TradAIError, ValidationError

# Longer than that of the cache: a renewal may wait for a slow answer, a hit in the cache may not.
_ANSWER_S: Final = 2.0
_URI: Final = re.compile(r"(rediss?://[^/]*/[0-9]+)/([A-Za-z0-9._@:-][A-Za-z0-9._@:/-]{0,199})")


@final
class RecordServer:
    """One server, with user, password and certificates of `CacheSettings`.

    It connects on first use, and refuses a server that may evict keys without an expiry.
    """

    def __init__(self, address: Address, settings: CacheSettings | None, *, what: str) -> None:
        """Use the server at `address`; the address in `settings` does not matter.

        Args:
            address: Address of the server.
            settings: By default those of the environment now.
            what: Noun for the records, such as ``lease``, for messages.

        Raises:
            ConfigurationError: The certificate file cannot be used.
        """
        options = ConnectionOptions.from_settings(settings or CacheSettings(), address)
        options.check()
        self._options = options
        self._what = what
        self.name = f"the server of {what}s at {address}"
        self._pool = ConnectionPool(lambda: options.pool(answer_s=_ANSWER_S))
        self._process = os.getpid()
        self._is_checked = False

    def execute(self, *command: bytes | str | int) -> Answer:
        """Return the answer to `command`.

        Raises:
            ConfigurationError: The server refuses the user, or may evict records.
            ExternalServiceError: The server refused or did not answer.
        """
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
            raise _record_error(translated(exc, self.name)) from exc

    def _check(self, info: bytes) -> None:
        facts = dict(re.findall(r"^([a-z_]+):(.*)$", info.decode().replace("\r", ""), re.MULTILINE))
        policy = facts.get("maxmemory_policy", "")
        if policy.startswith("allkeys") and facts.get("maxmemory") != "0":
            message = (
                f"{self.name} may evict a {self._what} when its memory is full (maxmemory-policy "
                f"{policy}); use noeviction or a volatile policy, or another server"
            )
            raise ConfigurationError(message, key="maxmemory-policy")


def parse_record_uri(uri: str, *, what: str, example: str) -> tuple[Address, str]:
    """Return the server and the name in `uri`; `what` and `example` are for the message.

    Raises:
        ValidationError: `uri` does not name a server, a database and a name. It is not quoted.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        expected = (
            "redis[s]://HOST[:PORT]/DATABASE/NAME, without user or password, for example "
            f"redis://127.0.0.1:6379/0/{example}"
        )
        message = f"the address of {what} is not usable: expected {expected}"
        raise ValidationError(message, field="uri", expected=expected)
    return parse_address(match[1]), match[2]


def _record_error(error: TradAIError) -> TradAIError:
    """Return `error`, which names the URI of the record where that of the cache does not matter."""
    if isinstance(error, ConfigurationError) and error.key == ADDRESS:
        return ConfigurationError(str(error), key="uri")
    return error
