"""Requests that an exchange refused: whether a later one may be answered, and what to do."""

from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlsplit

# "Too many requests", and the ban that follows it.
_SLOW_DOWN: Final = (418, 429)
# "Forbidden", and "unavailable for legal reasons".
_BLOCKED: Final = (403, 451)
_SERVER_ERRORS: Final = 500


def may_pass(refusal: HTTPError) -> bool:
    """Return whether the same request may be answered later."""
    return refusal.code in _SLOW_DOWN or refusal.code >= _SERVER_ERRORS


def next_step(refusal: HTTPError) -> str:
    """Return what to do now, as the end of a sentence."""
    if refusal.code in _BLOCKED:
        return "the exchange may not serve this country or network: use another one"
    if refusal.code in _SLOW_DOWN:
        wait = str(refusal.headers.get("Retry-After", ""))
        return f"wait {f'{wait} s' if wait.isdecimal() else 'some minutes'}, and try again"
    host = urlsplit(refusal.headers.get("Location") or "").hostname
    if host is not None:
        return f"it leads to {host}, which is not followed: try again from another network"
    if may_pass(refusal):
        return "try again later"
    return "it will not be answered later either: upgrade tradai-entrypoint or the engine"
