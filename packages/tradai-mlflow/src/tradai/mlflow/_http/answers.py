"""Read an answer of the server: JSON, or the failure that it means.

MLflow's own codes say little: an unknown alias is INVALID_PARAMETER_VALUE with status 400 or
RESOURCE_DOES_NOT_EXIST with 404, by version and backend. So status, text and endpoint decide.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, final

import requests

from tradai.mlflow._http.body import MOST_BYTES, content, parsed
from tradai.mlflow._http.errors import (
    AccessDeniedError,
    AliasNotFoundError,
    AlreadyExistsError,
    HostRejectedError,
    InvalidRequestError,
    LimitExceededError,
    LoginRefusedError,
    MLflowError,
    ModelNotFoundError,
    NotAnMLflowServerError,
    ParameterConflictError,
    RateLimitedError,
    ServerFaultError,
    UnsupportedEndpointError,
)
from tradai.mlflow._http.failures import Failure, readable
from tradai.mlflow._http.request import Repeat, Request

_FIRST_REDIRECT: Final = 300
_FIRST_REFUSAL: Final = 400
_FIRST_FAULT: Final = 500
_ERROR_CODE: Final = re.compile(r"[A-Z][A-Z_]{3,60}")
_LOST_TAG: Final = re.compile(r"<[^>]*>")

# Two clients that write one row at the same moment: the database refuses the later one.
_COLLISION: Final = re.compile(r"UNIQUE constraint|duplicate (?:key|entry)", re.IGNORECASE)
# The server calls its own lack of connections to the database a bad request.
_OVERLOAD: Final = re.compile(r"QueuePool limit")
_TAKEN: Final = re.compile(r"already exist", re.IGNORECASE)

# Text of the server's words -> the error, in the order of their look-up.
_BY_WORDS: Final[tuple[tuple[re.Pattern[str], type[MLflowError], str], ...]] = (
    (
        re.compile(r"alias .*not found", re.IGNORECASE),
        AliasNotFoundError,
        "the model has no such alias, or does not exist; list the models with their aliases",
    ),
    (
        re.compile(r"registered model with name=\S.* not found", re.IGNORECASE),
        ModelNotFoundError,
        "the registered model does not exist; check the name",
    ),
    (_TAKEN, AlreadyExistsError, "the name is taken"),
    (
        re.compile(r"changing param values is not allowed", re.IGNORECASE),
        ParameterConflictError,
        (
            "a parameter has another value already; parameters are written once, so log it under "
            "another name, or in another run"
        ),
    ),
    (
        re.compile(
            r"exceed(?:s|ed)|too long|had length|at most \d+|payload too large|more than \d+",
            re.IGNORECASE,
        ),
        LimitExceededError,
        "a value is larger than the server accepts; shorten it, or log it as an artifact",
    ),
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """An answer with an error: its status, MLflow's code, and the words."""

    request: Request
    status: int
    code: str
    words: str
    is_json: bool
    headers: "requests.structures.CaseInsensitiveDict[str]"


def refusal(request: Request, response: requests.Response) -> Failure | None:
    """Return the failure that `response` means; None for a success."""
    status = response.status_code
    if status < _FIRST_REDIRECT:
        return None
    refused = _read(request, response)
    if status < _FIRST_REFUSAL:
        return _failure(
            refused,
            NotAnMLflowServerError,
            "the server redirects to another address; set MLFLOW_TRACKING_URI to that one",
        )
    default = _fault if status >= _FIRST_FAULT else _by_words
    return _RULES.get(status, default)(refused)


def not_json(request: Request, status: int, text: str) -> Failure:
    """Return the failure for a success whose `text` is not JSON."""
    return Failure(
        kind=NotAnMLflowServerError,
        reason=_NO_MLFLOW,
        status=status,
        words=readable(_plain(text)),
        may_have_run=request.method != "GET",
    )


def too_large(request: Request) -> Failure:
    """Return the failure for an answer that is larger than we read."""
    return Failure(
        kind=NotAnMLflowServerError,
        reason=f"the answer has more than {MOST_BYTES:,} bytes; {_NO_MLFLOW}",
        may_have_run=request.method != "GET",
    )


_NO_MLFLOW: Final = (
    "something that is not MLflow answers there; check MLFLOW_TRACKING_URI, and its path when the "
    "server has a prefix"
)


def _read(request: Request, response: requests.Response) -> _Refusal:
    text = content(response)
    answer = parsed(text) or {}
    is_json = "error_code" in answer
    return _Refusal(
        request=request,
        status=response.status_code,
        code=str(answer["error_code"]) if is_json else "",
        words=str(answer.get("message", "")) if is_json else _plain(text),
        is_json=is_json,
        headers=response.headers,
    )


def _plain(text: str) -> str:
    return _LOST_TAG.sub(" ", text[:4_000])


def _failure(refused: _Refusal, kind: type[MLflowError], reason: str) -> Failure:
    return Failure(kind=kind, reason=reason, status=refused.status, words=readable(refused.words))


def _unauthorized(refused: _Refusal) -> Failure:
    return _failure(
        refused,
        LoginRefusedError,
        "the server refused the login; check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        ", or MLFLOW_TRACKING_TOKEN",
    )


def _proxy_login(refused: _Refusal) -> Failure:
    return _failure(
        refused, LoginRefusedError, "the proxy refused the login; check TRADAI_MLFLOW_PROXY"
    )


def _forbidden(refused: _Refusal) -> Failure:
    if not refused.is_json and re.search(r"\bhost\b", refused.words, re.IGNORECASE):
        return _failure(
            refused,
            HostRejectedError,
            "the server does not accept the host name of MLFLOW_TRACKING_URI; start it with "
            "--allowed-hosts and that name, or use a name it accepts",
        )
    return _failure(
        refused, AccessDeniedError, "the user has no permission; have it granted on the server"
    )


def _not_found(refused: _Refusal) -> Failure:
    if not refused.is_json:
        return _failure(refused, NotAnMLflowServerError, _NO_MLFLOW)
    if refused.code == "ENDPOINT_NOT_FOUND":
        return _failure(
            refused,
            UnsupportedEndpointError,
            "this version of MLflow does not offer it; update the server",
        )
    by_words = _by_words(refused)
    if by_words.kind is not InvalidRequestError:
        return by_words
    missing = refused.request.subject.missing
    return _failure(
        refused, missing, f"the {missing.kind} does not exist; check the name or the id"
    )


def _too_large(refused: _Refusal) -> Failure:
    return _failure(
        refused, LimitExceededError, "the server, or a proxy before it, accepts no request so large"
    )


def _rate_limited(refused: _Refusal) -> Failure:
    return Failure(
        kind=RateLimitedError,
        reason="the server asks to slow down; try again later",
        status=refused.status,
        words=readable(refused.words),
        retry_after_s=_retry_after_s(refused),
    )


def _by_words(refused: _Refusal) -> Failure:
    if refused.is_json and _COLLISION.search(refused.words):
        return _collision(refused)
    if refused.is_json and _OVERLOAD.search(refused.words):
        return _fault(refused)
    for words, kind, reason in _BY_WORDS:
        if words.search(refused.words):
            return _failure(refused, kind, reason)
    return _failure(
        refused, InvalidRequestError, f"the server refused a value ({refused.code or 'no code'})"
    )


def _collision(refused: _Refusal) -> Failure:
    if refused.request.repeat is Repeat.FREELY:
        return _failure(refused, ServerFaultError, "another client wrote the same; try again")
    return _failure(refused, AlreadyExistsError, "another client created it")


def _fault(refused: _Refusal) -> Failure:
    if refused.is_json and _COLLISION.search(refused.words):
        return _collision(refused)
    return Failure(
        kind=ServerFaultError,
        reason=f"the server, or a proxy before it, failed with {refused.status}; see its log",
        status=refused.status,
        words=readable(refused.words),
        may_have_run=True,
        retry_after_s=_retry_after_s(refused),
    )


def _retry_after_s(refused: _Refusal) -> float | None:
    """Return the pause that the server asks for, as seconds or as a date."""
    text = refused.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        at_s = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at_s - time.time())


_RULES: Final[dict[int, Callable[[_Refusal], Failure]]] = {
    401: _unauthorized,
    403: _forbidden,
    404: _not_found,
    405: _not_found,
    407: _proxy_login,
    408: _fault,
    413: _too_large,
    429: _rate_limited,
}
