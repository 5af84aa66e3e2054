"""Answer of a web service for an error: HTTP status and problem document (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, final

from tradai.core._documents.json_values import JsonValue
from tradai.core._secrets.redaction import redact, redact_value
from tradai.core.exceptions import (
    ConflictError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
    TradingError,
    ValidationError,
)

_CONFLICT: Final = 409
_SERVER_ERROR: Final = 500
_BAD_GATEWAY: Final = 502
_UNAVAILABLE: Final = 503
# The errors that the client of a service can act on; of any other it learns the kind only.
_CLIENT_ERRORS: Final[tuple[tuple[type[TradAIError], int, str], ...]] = (
    (ValidationError, 422, "A value is not usable"),
    (NotFoundError, 404, "Not found"),
    (ConflictError, _CONFLICT, "Another writer was first"),
    (TradingError, _CONFLICT, "Trading must not start or go on"),
)
_FACTS: Final = ("field", "expected", "kind", "key", "reason")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProblem:
    """HTTP status and problem document of an error.

    Attributes:
        status: Status of the response.
        document: Body of the response, as JSON.
        media_type: Its content type.
    """

    media_type: ClassVar[str] = "application/problem+json"

    status: int
    document: Mapping[str, JsonValue]


def http_problem(error: BaseException, *, instance: str | None = None) -> HttpProblem:
    """Return the answer of a web service whose work ended with `error`.

    An error that the client can act on is described by its message and facts, secrets masked: a
    `ValidationError` (422), `NotFoundError` (404), `ConflictError` or `TradingError` (409). Of any
    other, which may name hosts, files and variables, only the kind is shown: an
    `ExternalServiceError` is 503 when it is retryable and 502 otherwise, and all else is 500, a
    secret that is missing too. Log those.

    Args:
        error: One of ours, or any other.
        instance: URI of this occurrence, such as the id of the request.

    >>> problem = http_problem(ValidationError("limit must be positive", field="limit"))
    >>> problem.status, problem.document["type"], problem.document["field"]
    (422, 'urn:tradai:error:validation', 'limit')
    """
    status, title, facts = _answer(error)
    code = error.code if isinstance(error, TradAIError) else "internal"
    document: dict[str, JsonValue] = {
        "type": f"urn:tradai:error:{code}",
        "title": title,
        "status": status,
        **facts,
        "code": code,
        "retryable": isinstance(error, TradAIError) and error.retryable,
    }
    if instance is not None:
        document["instance"] = redact(instance)
    return HttpProblem(status=status, document=document)


def _answer(error: BaseException) -> tuple[int, str, dict[str, JsonValue]]:
    # A client did not ask for a secret, and its message says where secrets are kept.
    is_secret = isinstance(error, NotFoundError) and error.kind == "secret"
    for kind, status, title in _CLIENT_ERRORS if not is_secret else ():
        if isinstance(error, kind):
            return status, title, _facts(error)
    if not isinstance(error, ExternalServiceError):
        return _SERVER_ERROR, "Internal error", {}
    if error.retryable:
        return _UNAVAILABLE, "A service is unavailable, try again later", {}
    return _BAD_GATEWAY, "A service failed", {}


def _facts(error: TradAIError) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {"detail": redact(str(error))}
    for name in _FACTS:
        value = getattr(error, name, None)
        if isinstance(value, str):
            facts[name] = redact_value(value)
    return facts
