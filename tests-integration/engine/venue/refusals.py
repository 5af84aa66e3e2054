"""Errors in Binance's own words: HTTP status, code and message."""

from http import HTTPStatus
from typing import Final


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        retry_after_s: int | None = None,
    ) -> None:
        """Hold the parts of the answer."""
        super().__init__(message)
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s


def bad_symbol() -> RefusedError:
    """Refuse a symbol that is not listed."""
    return RefusedError(-1121, "Invalid symbol.")


def missing(name: str) -> RefusedError:
    """Refuse a request without a parameter."""
    return RefusedError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def filtered(name: str) -> RefusedError:
    """Refuse an order that a market rule forbids."""
    return RefusedError(-1013, f"Filter failure: {name}")


def rejected(message: str) -> RefusedError:
    """Refuse an order as the matching engine does."""
    return RefusedError(-2010, message)


def not_cancelled(message: str = "Unknown order sent.") -> RefusedError:
    """Refuse a cancel."""
    return RefusedError(-2011, message)


def no_order() -> RefusedError:
    """Refuse a question about an order that does not exist."""
    return RefusedError(-2013, "Order does not exist.")


def too_many(*, retry_after_s: int, is_banned: bool = False) -> RefusedError:
    """Refuse a request over the limit, or one during the ban that follows."""
    if is_banned:
        text = "Way too much request weight used; IP banned until 1. Please use WebSocket Streams"
        return RefusedError(
            -1003,
            f"{text} for live updates to avoid bans.",
            status=418,
            retry_after_s=retry_after_s,
        )
    text = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
    return RefusedError(
        -1003, text, status=HTTPStatus.TOO_MANY_REQUESTS, retry_after_s=retry_after_s
    )


def bad_key_format() -> RefusedError:
    """Refuse a request without a key, or whose key has another form."""
    return RefusedError(-2014, "API-key format invalid.", status=HTTPStatus.UNAUTHORIZED)


def bad_key() -> RefusedError:
    """Refuse a key that is not known, or may not do this."""
    return RefusedError(
        -2015,
        "Invalid API-key, IP, or permissions for action.",
        status=HTTPStatus.UNAUTHORIZED,
    )


BAD_SIGNATURE: Final = (-1022, "Signature for this request is not valid.")
LATE: Final = (-1021, "Timestamp for this request is outside of the recvWindow.")
EARLY: Final = (-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
