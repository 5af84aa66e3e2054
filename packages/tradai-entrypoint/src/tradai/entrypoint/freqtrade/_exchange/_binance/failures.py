"""Binance's refusals as typed errors, one for each next step of the caller."""

from http import HTTPStatus
from typing import Final

import pydantic

from tradai.core import redact
from tradai.core.exceptions import ExternalServiceError, NotFoundError, TradAIError
from tradai.entrypoint._live._account.account_errors import (
    ExchangeRateLimitedError,
    KeyRefusedError,
    OrderRefusedError,
    OutcomeUnknownError,
)
from tradai.entrypoint.freqtrade._exchange._binance.answers import ErrorAnswer
from tradai.entrypoint.freqtrade._exchange._binance.http_request import HttpAnswer

SERVICE: Final = "binance"
TOO_MANY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT)
LATE: Final = -1021
# Not authorized, wrong signature, wrong form of the key, wrong key or missing right.
_KEY_CODES: Final = (-1002, -1022, -2014, -2015)
# Internal errors, and requests that went on to the matching engine without an answer of it.
_UNKNOWN_CODES: Final = (-1000, -1001, -1006, -1007)
_NO_ORDER: Final = -2013
_NOT_CANCELLED: Final = -2011
_NO_OPEN_ORDER: Final = "Unknown order sent."
_LONGEST_TEXT: Final = 200


def refusal_in(answer: HttpAnswer) -> ErrorAnswer:
    """Return the refusal; code 0 stands for an answer in another form."""
    try:
        return ErrorAnswer.model_validate_json(answer.body)
    except pydantic.ValidationError:
        return ErrorAnswer(code=0, msg="")


def refused(operation: str, answer: HttpAnswer, *, order: str | None) -> TradAIError:
    """Return the error for an answer that is a refusal.

    Args:
        operation: The endpoint.
        answer: The answer; its status is not one of success, and not one of `TOO_MANY`.
        order: Client's id of the order that the request would change; None for a read.
    """
    refusal = refusal_in(answer)
    words = _words(answer, refusal)
    if refusal.code in _KEY_CODES or answer.status == HTTPStatus.UNAUTHORIZED:
        return KeyRefusedError(
            f"{SERVICE} refuses the API key for {operation}: {words}; check the key, its secret, "
            "its rights and the addresses it is bound to",
            key="exchange key",
        )
    if _is_absent(refusal):
        return NotFoundError(
            f"{SERVICE} has no such order: {words}; read the open orders again",
            kind="order",
            key=order or operation,
        )
    is_unclear = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or refusal.code in _UNKNOWN_CODES
    if order is not None and is_unclear:
        return outcome_unknown(operation, words, order=order)
    if order is not None and refusal.code and refusal.code != LATE:
        message = f"{SERVICE} refused {operation} of order {order}: {words}"
        return OrderRefusedError(
            message, service=SERVICE, operation=operation, reason=str(refusal.code)
        )
    return failed(operation, words, retryable=is_unclear or refusal.code == LATE)


def rate_limited(operation: str, wait_s: float) -> ExchangeRateLimitedError:
    """Return the error for a request that must wait."""
    message = (
        f"{SERVICE} allows no {operation} for {wait_s:.0f} s: too many requests came from this "
        "address; try again then"
    )
    return ExchangeRateLimitedError(
        message, service=SERVICE, operation=operation, retry_after_s=wait_s
    )


def outcome_unknown(operation: str, why: str, *, order: str) -> OutcomeUnknownError:
    """Return the error for a change that may have happened."""
    message = (
        f"the outcome of {operation} of order {order} at {SERVICE} is unknown: {redact(why)}; "
        "read the order before anything else is done"
    )
    return OutcomeUnknownError(message, service=SERVICE, operation=operation, client_order_id=order)


def failed(operation: str, why: str, *, retryable: bool) -> ExternalServiceError:
    """Return the error for a request without effect."""
    advice = "try again later" if retryable else "trying again does not help"
    return ExternalServiceError(
        f"{SERVICE} did not serve {operation}: {redact(why)}; {advice}",
        service=SERVICE,
        operation=operation,
        retryable=retryable,
    )


def _is_absent(refusal: ErrorAnswer) -> bool:
    is_not_open = refusal.code == _NOT_CANCELLED and refusal.msg == _NO_OPEN_ORDER
    return refusal.code == _NO_ORDER or is_not_open


def _words(answer: HttpAnswer, refusal: ErrorAnswer) -> str:
    if not refusal.code:
        return f"HTTP status {answer.status}"
    return f"{redact(refusal.msg)[:_LONGEST_TEXT]} ({refusal.code})"
