"""How we talk to Redis: the one place that makes redis-py's connections."""

import inspect
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias, cast, final

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection

from tradai.cache._address import Address
from tradai.core import Secret
from tradai.core.exceptions import ConfigurationError

__all__ = ["ANSWER_S", "FIRST_S", "Answer", "Connection", "Profile"]

# What Redis answers depends on the command: who asks knows.
Answer: TypeAlias = Any

# Longer than any answer takes in a healthy network, short enough for a caller who waits.
ANSWER_S: Final = 0.25
# When the first answers do not come in that time. They tell whether the settings are right, and a
# machine that is busy must not make a wrong password look like an outage.
FIRST_S: Final = 5.0
# What a connection says of itself, left out: later releases of redis-py take the first, earlier
# ones the others, and warn of what they do not want.
_UNNAMED: Final[Mapping[str, None]] = (
    {"driver_info": None}
    if "driver_info" in inspect.signature(AbstractConnection.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)


class Connection(Protocol):
    """A connection of redis-py, which has no types for what is used of it."""

    def send_command(self, *command: bytes | str | int) -> None:
        """Connect unless connected, and send."""
        ...

    def read_response(self) -> Answer:
        """Wait for the answer."""
        ...

    def can_read(self, timeout: float) -> bool:
        """Wait for the beginning of an answer."""
        ...

    def disconnect(self) -> None:
        """Close the line."""
        ...


@final
@dataclass(kw_only=True)
class Profile:
    """A server, as whom, and how: no retries, short waits, and no word more than needed.

    The protocol is named because redis-py's default changed with 8.0; 2 needs no greeting.
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

    def connection(
        self, *, protocol: Literal[2, 3] | None = None, answer_s: float | None = None
    ) -> Connection:
        """Return a connection that connects when it is first used.

        Args:
            protocol: Another than that of the profile.
            answer_s: How long to wait for an answer, if not as long as the profile says.
        """
        kind = redis.SSLConnection if self.address.is_encrypted else redis.Connection
        retry = redis.retry.Retry(NoBackoff(), 0)
        options = self._options(retry, protocol or self.protocol, answer_s or self.answer_s)
        return cast("Connection", kind(**options))

    def connection_async(self) -> "redis.asyncio.Connection":
        """Return a connection for the running loop; who uses it limits the wait for an answer."""
        encrypted, plain = redis.asyncio.SSLConnection, redis.asyncio.Connection
        retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
        kind = encrypted if self.address.is_encrypted else plain
        options = self._options(retry, self.protocol, self.answer_s) | {"socket_timeout": None}
        return kind(**options)

    def forget_password(self) -> None:
        """Ask for the password again before the next connection: it may have been rotated."""
        with self._lock:
            self._known = None

    def renew_lock(self) -> None:
        """Begin anew in a forked process: a thread that is gone may have held the lock."""
        self._lock = threading.Lock()

    # The parameters of redis-py have no common type.
    def _options(self, retry: object, protocol: int, answer_s: float) -> dict[str, Any]:
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
            **_UNNAMED,
            **self._encryption(),
        }

    def _encryption(self) -> dict[str, Any]:
        if not self.address.is_encrypted:
            return {}
        return {
            "ssl_cert_reqs": "required",
            # Off unless asked for, before redis-py 6.
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
        """Say at once what no server needs to be asked for.

        Raises:
            ConfigurationError: The file of certificates cannot be used.
        """
        if self.ca_file is None:
            return
        try:
            ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as exc:
            message = f"{self.ca_file}: no certificates can be read there; expected a PEM file"
            raise ConfigurationError(message, key="TRADAI_CACHE_CA_FILE") from exc
