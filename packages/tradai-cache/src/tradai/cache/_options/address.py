"""Cache addresses: parse ``memory:`` and ``redis[s]://`` URIs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from tradai.core.exceptions import ValidationError

_EXPECTED: Final = (
    "memory: or redis[s]://HOST[:PORT][/DATABASE], without user or password, "
    "for example redis://127.0.0.1:6379/0"
)
_SERVER: Final = re.compile(
    r"(?P<scheme>rediss?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?:/(?P<database>[0-9]{1,4})?)?",
    re.ASCII,
)
_NO_CLUSTER: Final = "Redis Cluster is not supported yet, name one server"
# Each names the unsupported feature. None shows the address: it may contain a password.
_UNSUPPORTED: Final[Mapping[str, str]] = {
    r"[a-z+-]*://[^/]*@.*": (
        "an address is logged, a password must not be: set TRADAI_CACHE_USERNAME, and "
        "TRADAI_CACHE_PASSWORD to the reference of a secret"
    ),
    r"(?:rediss?[+-]cluster|cluster)[:+].*": _NO_CLUSTER,
    r"(?:rediss?[+-]sentinel|sentinel)[:+].*": "Redis Sentinel is not supported yet, name a server",
    r"(?:redis[+-](?:socket|unix)|unix):.*": "Unix sockets are not supported, name a host",
    r"rediss?://[^/]*,.*": _NO_CLUSTER,
    r"rediss?://[^?#]*[?#].*": "an address takes no options, leave out the text after ? or #",
}
_LAST_PORT: Final = 65_535


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A cache: in the process, or one server and database.

    Attributes:
        host: The server; empty for a cache inside the process.
        port: Its port.
        database: Number of the database on it.
        is_encrypted: Whether the connection uses TLS.
    """

    host: str = ""
    port: int = 6379
    database: int = 0
    is_encrypted: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether other processes can use it."""
        return bool(self.host)

    def __str__(self) -> str:
        """Return the URI with its defaults filled in."""
        if not self.is_shared:
            return "memory:"
        scheme = "rediss" if self.is_encrypted else "redis"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/{self.database}"


def parse_address(url: str) -> Address:
    """Return the address that `url` names.

    Raises:
        ValidationError: `url` is not an address, or not a supported one. It is not quoted.
    """
    if url == "memory:":
        return Address()
    for pattern, reason in _UNSUPPORTED.items():
        if re.fullmatch(pattern, url, re.DOTALL):
            raise _invalid(reason)
    match = _SERVER.fullmatch(url)
    if match is None:
        raise _invalid()
    port = int(match["port"] or 6379)
    if not 0 < port <= _LAST_PORT:
        raise _invalid(f"a port is 1 to {_LAST_PORT}")
    return Address(
        host=match["host"].strip("[]"),
        port=port,
        database=int(match["database"] or 0),
        is_encrypted=match["scheme"] == "rediss",
    )


def _invalid(reason: str = "") -> ValidationError:
    expected = f"{_EXPECTED}; {reason}" if reason else _EXPECTED
    return ValidationError(
        f"a cache address is not usable: expected {expected}", field="url", expected=expected
    )
