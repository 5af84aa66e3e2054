"""Connection options: address, user, TLS and time limits of every redis-py connection."""

import inspect
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self, TypeAlias, cast, final

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection

from tradai.cache._options.address import Address
from tradai.cache._options.settings import CacheSettings
from tradai.core import Secret, resolve_secret
from tradai.core.exceptions import ConfigurationError

# The type of an answer depends on the command.
Answer: TypeAlias = Any

# Longer than any answer takes in a healthy network, short enough for a caller that waits.
ANSWER_S: Final = 0.25
# The limit when the first answers do not come in that time. They show whether the settings are
# right, and a busy machine must not make a wrong password look like an outage.
FIRST_S: Final = 5.0
# Leaves out the client name and version: newer releases of redis-py take the first parameter, older
# ones the others, and each warns about the wrong ones.
_NO_CLIENT_INFO: Final[Mapping[str, None]] = (
    {"driver_info": None}
    if "driver_info" in inspect.signature(AbstractConnection.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)


class Connection(Protocol):
    """The used part of a redis-py connection, which is not typed there."""

    def send_command(self, *command: bytes | str | int) -> None:
        """Connect unless connected, and send."""

    def read_response(self) -> Answer:
        """Wait for the answer."""

    def can_read(self, timeout: float) -> bool:
        """Wait for the beginning of an answer."""

    def disconnect(self) -> None:
        """Close the connection."""


@final
@dataclass(kw_only=True)
class ConnectionOptions:
    """Server, user and limits: no retries, short waits, no optional commands.

    The protocol is set because redis-py's default changed with 8.0; 2 needs no HELLO.

    Attributes:
        answer_s: Limit for one answer.
        first_s: Limit for the first answers, and for callers that wait until all have come.
    """

    address: Address
    username: str | None = None
    password: Callable[[], Secret] | None = None
    ca_file: Path | None = None
    protocol: Literal[2, 3] = 2
    answer_s: float = ANSWER_S
    first_s: float = FIRST_S
    _known: Secret | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @classmethod
    def from_settings(cls, settings: CacheSettings, address: Address) -> Self:
        """Return the options for `address` with the credentials of `settings`."""
        reference = settings.password
        return cls(
            address=address,
            username=settings.username,
            password=None if reference is None else lambda: resolve_secret(reference),
            ca_file=settings.ca_file,
        )

    def connection(
        self, *, protocol: Literal[2, 3] | None = None, answer_s: float | None = None
    ) -> Connection:
        """Return a connection that connects when it is first used.

        Args:
            protocol: Overrides the protocol of the options.
            answer_s: Overrides their limit for one answer.
        """
        cls = redis.SSLConnection if self.address.is_encrypted else redis.Connection
        retry = redis.retry.Retry(NoBackoff(), 0)
        parameters = self._parameters(retry, protocol or self.protocol, answer_s or self.answer_s)
        return cast("Connection", cls(**parameters))

    def pool(self, *, answer_s: float) -> redis.ConnectionPool:
        """Return a pool of connections for threads, with the password that holds now."""
        cls = redis.SSLConnection if self.address.is_encrypted else redis.Connection
        retry = redis.retry.Retry(NoBackoff(), 0)
        parameters = self._parameters(retry, self.protocol, answer_s)
        if self.address.is_encrypted:
            parameters["redis_connect_func"] = _connect_and_ping
        return redis.ConnectionPool(connection_class=cls, **parameters)

    def async_pool(self) -> redis.asyncio.ConnectionPool:
        """Return a pool for one event loop; its user must limit each wait."""
        encrypted, plain = redis.asyncio.SSLConnection, redis.asyncio.Connection
        cls: Any = encrypted if self.address.is_encrypted else plain
        retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
        parameters = self._parameters(retry, self.protocol, self.answer_s)
        parameters |= {"socket_timeout": None, "socket_connect_timeout": None}
        return redis.asyncio.ConnectionPool(connection_class=cls, **parameters)

    def forget_password(self) -> None:
        """Resolve the password again for the next connection: it may have been rotated."""
        with self._lock:
            self._known = None

    def renew_lock(self) -> None:
        """Replace the lock in a forked process: a thread of the parent may have held it."""
        self._lock = threading.Lock()

    # The parameters of redis-py have no common type.
    def _parameters(self, retry: object, protocol: int, answer_s: float) -> dict[str, Any]:
        return {
            "host": self.address.host,
            "port": self.address.port,
            "db": self.address.database,
            "username": self.username,
            "password": self._revealed(),
            "socket_timeout": answer_s,
            "socket_connect_timeout": answer_s,
            "socket_keepalive": True,
            "health_check_interval": 0,
            "retry": retry,
            "protocol": protocol,
            **_NO_CLIENT_INFO,
            **self._encryption(),
        }

    def _encryption(self) -> dict[str, Any]:
        if not self.address.is_encrypted:
            return {}
        return {
            "ssl_cert_reqs": "required",
            # Off by default before redis-py 6.
            "ssl_check_hostname": True,
            "ssl_ca_certs": None if self.ca_file is None else str(self.ca_file),
        }

    def _revealed(self) -> str | None:
        if self.password is None:
            return None
        with self._lock:
            if self._known is None:
                self._known = self.password()
            return self._known.reveal()

    def check(self) -> None:
        """Check what can be checked without a server.

        Raises:
            ConfigurationError: The certificate file cannot be used.
        """
        if self.ca_file is None:
            return
        try:
            ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as exc:
            message = f"{self.ca_file}: no certificates can be read there; expected a PEM file"
            raise ConfigurationError(message, key="TRADAI_CACHE_CA_FILE") from exc


# The connection is not typed in redis-py.
def _connect_and_ping(connection: Any) -> None:  # noqa: ANN401
    """Sign in, and read an answer: with it, the tickets that a TLS server sends are read.

    The pool takes a connection that has something to read for a broken one.
    """
    connection.on_connect()
    connection.send_command("PING", check_health=False)
    connection.read_response()
