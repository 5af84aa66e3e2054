"""Whether a server will do, and what it is when it does not answer as Redis would."""

import socket
import ssl
from collections.abc import Mapping
from typing import Final

from tradai.cache._address import Address
from tradai.core.exceptions import ConfigurationError

__all__ = ["check_greeting", "speaks_otherwise"]

# The first with flags for scripts, which let a full server still be told to forget.
_OLDEST: Final = (7, 0)


def check_greeting(greeting: Mapping[bytes, object], place: str) -> None:
    """Refuse a server that cannot do what is needed, by its answer to HELLO.

    Raises:
        ConfigurationError: It is too old, or part of a cluster, or a sentinel.
    """
    version, mode = (_text(greeting.get(name)) for name in (b"version", b"mode"))
    if _numbers(version) < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        message = f"the cache at {place} is Redis {version}; expected {wanted} or later, or Valkey"
        raise ConfigurationError(message, key="TRADAI_CACHE_URL")
    if mode != "standalone":
        message = f"the cache at {place} runs as {mode}, which is not supported yet; use one server"
        raise ConfigurationError(message, key="TRADAI_CACHE_URL")


def speaks_otherwise(address: Address, *, answer_s: float) -> ConfigurationError | None:
    """Return what is wrong when a server that does not answer speaks TLS and we do not, or we do.

    Nothing secret is said to find out, and each answer is waited for `answer_s` at most.
    """
    if address.is_encrypted:
        return _mismatch(address, "plain text", "redis") if _is_plain(address, answer_s) else None
    return _mismatch(address, "TLS", "rediss") if _is_encrypted(address, answer_s) else None


def _mismatch(address: Address, spoken: str, scheme: str) -> ConfigurationError:
    message = f"the server of the cache at {address} speaks {spoken}; use {scheme}:// instead"
    return ConfigurationError(message, key="TRADAI_CACHE_URL")


def _is_plain(address: Address, answer_s: float) -> bool:
    try:
        with socket.create_connection((address.host, address.port), answer_s) as line:
            line.sendall(b"PING\r\n")
            return line.recv(1) in {b"+", b"-"}
    except OSError:
        return False


def _is_encrypted(address: Address, answer_s: float) -> bool:
    # Whose certificate it is does not matter: nothing is said.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address.host, address.port), answer_s) as line,
            context.wrap_socket(line),
        ):
            return True
    except OSError:
        return False


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
