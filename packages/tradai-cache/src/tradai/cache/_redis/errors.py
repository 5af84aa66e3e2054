"""How Redis's refusals become ours: one table, used wherever Redis is asked."""

import ssl
from collections.abc import Callable
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    OutOfMemoryError,
    ResponseError,
)

from tradai.core import ErrorTable
from tradai.core.exceptions import ConfigurationError, ExternalServiceError, TradAIError

__all__ = ["is_disconnect", "is_error_reply", "is_full", "translated"]

_GUIDE: Final = "docs/how-to/cache-redis.md"


def translated(error: Exception, server: str) -> TradAIError:
    """Return what `error` of the server at `server` is to us; its message has no value in it.

    A `ConfigurationError` names what the operator must change, anything else is an outage.
    """
    return _TABLE.ours(error, server) or _outage(f"unexpected {type(error).__name__}", server)


def is_full(error: Exception) -> bool:
    """Tell whether only new values are refused: what is kept can still be read and removed."""
    return isinstance(error, OutOfMemoryError)


def is_error_reply(error: Exception) -> bool:
    """Tell whether Redis itself said no, so that asking it twice more would tell nothing new."""
    return isinstance(error, ResponseError | AuthenticationError | BusyLoadingError)


def is_disconnect(error: Exception) -> bool:
    """Tell whether the line was cut, as one that was idle for long may be."""
    return isinstance(error, RedisConnectionError) and not is_error_reply(error)


def _outage(what: str, server: str) -> ExternalServiceError:
    message = f"the cache at {server} cannot be used: {what}"
    return ExternalServiceError(message, service="redis", operation="cache", retryable=True)


def _outage_of(what: str) -> Callable[[Exception, str], TradAIError]:
    return lambda _, server: _outage(what, server)


def _unauthenticated(_: Exception, server: str) -> TradAIError:
    return ConfigurationError(
        f"the cache at {server} refused user or password; check TRADAI_CACHE_USERNAME, and the "
        "secret that TRADAI_CACHE_PASSWORD refers to",
        key="TRADAI_CACHE_PASSWORD",
    )


def _forbidden(_: Exception, server: str) -> TradAIError:
    return ConfigurationError(
        f"the cache at {server} forbids its user a command, a key or a channel; grant it what "
        f"{_GUIDE} lists",
        key="TRADAI_CACHE_USERNAME",
    )


def _no_redis(_: Exception, server: str) -> TradAIError:
    return ConfigurationError(
        f"the cache at {server} is no Redis 7.0 or later, and no Valkey; name another server",
        key="TRADAI_CACHE_URL",
    )


def _refused(error: ResponseError, server: str) -> TradAIError:
    text = str(error)
    # What a script may not do has no code of its own: Redis 7, then Valkey and later Redis.
    if "can't run this command" in text or "ACL failure" in text:
        return _forbidden(error, server)
    if "unknown command" in text:
        return _no_redis(error, server)
    code = text.partition(" ")[0]
    return _outage(f"it refused ({code if code.isupper() else 'ERR'})", server)


def _unreachable(error: RedisConnectionError, server: str) -> TradAIError:
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"the certificate of the cache at {server} is not trusted ({cause.verify_message}); "
            "set TRADAI_CACHE_CA_FILE, or name the host as the certificate does",
            key="TRADAI_CACHE_CA_FILE",
        )
    return _outage("it cannot be reached, or cut the line", server)


_TABLE: Final[ErrorTable[[str]]] = ErrorTable(
    {
        "redis.exceptions.AuthenticationError": _unauthenticated,
        "redis.exceptions.BusyLoadingError": _outage_of("it is loading its data"),
        "redis.exceptions.ConnectionError": _unreachable,
        "redis.exceptions.InvalidResponse": _no_redis,
        "redis.exceptions.NoPermissionError": _forbidden,
        "redis.exceptions.OutOfMemoryError": _outage_of("its memory is full"),
        "redis.exceptions.ReadOnlyError": _outage_of("it is a read-only replica"),
        "redis.exceptions.ResponseError": _refused,
        "redis.exceptions.TimeoutError": _outage_of("it did not answer in time"),
    }
)
