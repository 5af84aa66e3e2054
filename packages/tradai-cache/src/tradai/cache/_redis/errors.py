"""Translation of redis-py errors into `TradAIError`s, and the classes of failures."""

import ssl
from collections.abc import Callable
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)

from tradai.core import ErrorTable
from tradai.core.exceptions import ConfigurationError, ExternalServiceError, TradAIError

# Key of the errors that another address would mend.
ADDRESS: Final = "TRADAI_CACHE_URL"
_GUIDE: Final = "docs/how-to/cache-redis.md"


def translated(error: Exception, server: str) -> TradAIError:
    """Return `error` of the server as our own; the message contains no value.

    A `ConfigurationError` names the setting to change; any other error is an outage. `server` is
    the subject of the sentence, such as ``the cache at redis://127.0.0.1:6379/0``.
    """
    return _TABLE.ours(error, server) or _outage(f"unexpected {type(error).__name__}", server)


def outage_reason(error: Exception, server: str) -> str:
    """Return why the cache at `server` cannot be used, for log lines and `TierDown`."""
    if isinstance(error, RedisError):
        error = translated(error, server)
    if isinstance(error, TradAIError):
        return str(error)
    return f"{server} cannot be used: {error}"


def is_full(error: Exception) -> bool:
    """Tell whether only new values are rejected: stored ones can still be read and removed."""
    return isinstance(error, OutOfMemoryError)


def is_other_kind(error: Exception) -> bool:
    """Tell whether the key is a list, a set or the like, which is not the fault of the server."""
    return isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE")


def is_error_reply(error: Exception) -> bool:
    """Tell whether Redis itself answered with an error, so that asking again is of no use."""
    return isinstance(error, ResponseError | AuthenticationError | BusyLoadingError)


def is_disconnect(error: Exception) -> bool:
    """Tell whether the connection was cut, as one that was idle for long may be."""
    return isinstance(error, RedisConnectionError) and not is_error_reply(error)


def _outage(reason: str, server: str) -> ExternalServiceError:
    message = f"{server} cannot be used: {reason}"
    return ExternalServiceError(message, service="redis", operation="cache", retryable=True)


def _outage_of(reason: str) -> Callable[[Exception, str], TradAIError]:
    return lambda _, server: _outage(reason, server)


def _unauthenticated(_: Exception, server: str) -> TradAIError:
    return ConfigurationError(
        f"{server} refused user or password; check TRADAI_CACHE_USERNAME, and the "
        "secret that TRADAI_CACHE_PASSWORD refers to",
        key="TRADAI_CACHE_PASSWORD",
    )


def _forbidden(_: Exception, server: str) -> TradAIError:
    return ConfigurationError(
        f"{server} forbids its user a command, a key or a channel; grant it what {_GUIDE} lists",
        key="TRADAI_CACHE_USERNAME",
    )


def _not_redis(_: Exception, server: str) -> TradAIError:
    return ConfigurationError(
        f"{server} is neither Redis 7.0 or later nor Valkey; name another server",
        key=ADDRESS,
    )


def _command_missing(_: Exception, server: str) -> TradAIError:
    return ConfigurationError(
        f"{server} does not know a command that is needed: it is neither Redis "
        f"7.0 or later nor Valkey, or has turned off what {_GUIDE} lists; name another server",
        key=ADDRESS,
    )


def _no_database(_: Exception, server: str) -> TradAIError:
    return ConfigurationError(
        f"{server} has no database of that number; name another, such as 0",
        key=ADDRESS,
    )


def _refused(error: ResponseError, server: str) -> TradAIError:
    text = str(error)
    # A script without permission has no code of its own: texts of Redis 7, and of later ones.
    if "can't run this command" in text or "ACL failure" in text:
        return _forbidden(error, server)
    if "unknown command" in text:
        return _command_missing(error, server)
    if "DB index is out of range" in text:
        return _no_database(error, server)
    code = text.partition(" ")[0]
    return _outage(f"it refused ({code if code.isupper() else 'ERR'})", server)


def _unreachable(error: RedisConnectionError, server: str) -> TradAIError:
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"the certificate of {server} is not trusted ({cause.verify_message}); "
            "set TRADAI_CACHE_CA_FILE, or name the host as the certificate does",
            key="TRADAI_CACHE_CA_FILE",
        )
    return _outage("it cannot be reached, or cut the connection", server)


_TABLE: Final[ErrorTable[[str]]] = ErrorTable(
    {
        "redis.exceptions.AuthenticationError": _unauthenticated,
        "redis.exceptions.BusyLoadingError": _outage_of("it is loading its data"),
        "redis.exceptions.ConnectionError": _unreachable,
        "redis.exceptions.InvalidResponse": _not_redis,
        "redis.exceptions.NoPermissionError": _forbidden,
        "redis.exceptions.OutOfMemoryError": _outage_of("its memory is full"),
        "redis.exceptions.ReadOnlyError": _outage_of("it is a read-only replica"),
        "redis.exceptions.ResponseError": _refused,
        "redis.exceptions.TimeoutError": _outage_of("it did not answer in time"),
    }
)
