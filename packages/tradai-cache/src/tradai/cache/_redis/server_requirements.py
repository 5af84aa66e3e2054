"""Requirements on the server: version and mode by its HELLO, and TLS or not as configured."""

import socket
import ssl
from collections.abc import Mapping
from typing import Final

from tradai.cache._options.address import Address
from tradai.core.exceptions import ConfigurationError

# The first version with script flags, which let a full server still run invalidations.
_OLDEST: Final = (7, 0)


def check_greeting(greeting: Mapping[bytes, object], server: str) -> None:
    """Reject a server that lacks what is needed, by its answer to HELLO.

    Raises:
        ConfigurationError: The server is too old, part of a cluster, or a sentinel.
    """
    version, mode = (_text(greeting.get(name)) for name in (b"version", b"mode"))
    if _numbers(version) < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        message = f"the cache at {server} is Redis {version}; expected {wanted} or later, or Valkey"
        raise ConfigurationError(message, key="TRADAI_CACHE_URL")
    if mode != "standalone":
        message = (
            f"the cache at {server} runs as {mode}, which is not supported yet; use one server"
        )
        raise ConfigurationError(message, key="TRADAI_CACHE_URL")


def tls_mismatch(address: Address, *, answer_s: float) -> ConfigurationError | None:
    """Return the error when only one side uses TLS; None when that is not why it does not answer.

    The probe sends nothing secret, and waits at most `answer_s` for each answer.
    """
    if address.is_encrypted:
        return _mismatch(address, "plain text", "redis") if _is_plain(address, answer_s) else None
    return _mismatch(address, "TLS", "rediss") if _is_encrypted(address, answer_s) else None


def _mismatch(address: Address, protocol: str, scheme: str) -> ConfigurationError:
    message = f"the server of the cache at {address} speaks {protocol}; use {scheme}:// instead"
    return ConfigurationError(message, key="TRADAI_CACHE_URL")


def _is_plain(address: Address, answer_s: float) -> bool:
    try:
        with socket.create_connection((address.host, address.port), answer_s) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(1) in {b"+", b"-"}
    except OSError:
        return False


def _is_encrypted(address: Address, answer_s: float) -> bool:
    # No certificate is checked, because nothing is sent.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address.host, address.port), answer_s) as connection,
            context.wrap_socket(connection),
        ):
            return True
    except OSError:
        return False


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
