"""Failures on the way to the server or back, from the errors of requests."""

from collections.abc import Iterator
from typing import Final, TypeAlias

import requests
import urllib3
from urllib3.exceptions import NameResolutionError, NewConnectionError

from tradai.mlflow._http.attempt import Attempt
from tradai.mlflow._http.errors import (
    CertificateError,
    ConnectionLostError,
    DeadlineExceededError,
    HostNotFoundError,
    LoginRefusedError,
    MLflowError,
    ServerNotListeningError,
)
from tradai.mlflow._http.failures import Failure

Verdict: TypeAlias = tuple[type[MLflowError], str]

_NO_LOGIN: Final[Verdict] = (
    LoginRefusedError,
    "the proxy refused the login; check TRADAI_MLFLOW_PROXY",
)
_NO_PROXY: Final[Verdict] = (
    ServerNotListeningError,
    "the proxy gives no connection to {uri}; check TRADAI_MLFLOW_PROXY, and the proxy",
)
# The only trace that http.client leaves of the status that a proxy answers.
_PROXY_LOGIN: Final = "Tunnel connection failed: 407"

_LATE: Final = (TimeoutError, urllib3.exceptions.TimeoutError, requests.exceptions.Timeout)

_NO_HOST: Final[Verdict] = (
    HostNotFoundError,
    "the host of {uri} has no address; check MLFLOW_TRACKING_URI and the name service",
)
_NO_TLS: Final[Verdict] = (
    CertificateError,
    (
        "no TLS connection to {uri}: its certificate is not trusted, or not its own; set "
        "MLFLOW_TRACKING_SERVER_CERT_PATH to the authority that signed it"
    ),
)
_NO_ANSWER: Final[Verdict] = (DeadlineExceededError, "the answer of {uri} did not end in time")
_NO_CONNECTION: Final[Verdict] = (
    DeadlineExceededError,
    "the connection to {uri} was not made in time; check the network and the address",
)
_BROKEN: Final[Verdict] = (
    ConnectionLostError,
    "the connection to {uri} broke before the whole answer was there; try again later",
)
_NOT_LISTENING: Final[Verdict] = (
    ServerNotListeningError,
    "nothing listens at {uri}; start the server, or correct MLFLOW_TRACKING_URI",
)


def transport_failure(error: Exception, attempt: Attempt, uri: str) -> Failure:
    """Return the failure that `error` of requests means; no text of it is used."""
    kind, reason = _verdict(error, attempt)
    return Failure(kind=kind, reason=reason.format(uri=uri), may_have_run=attempt.was_sent)


def _verdict(error: Exception, attempt: Attempt) -> Verdict:
    causes = list(_causes(error))
    if isinstance(error, requests.exceptions.ProxyError) and not any(map(_is_late, causes)):
        return _NO_LOGIN if _PROXY_LOGIN in str(error) else _NO_PROXY
    if any(isinstance(cause, NameResolutionError) for cause in causes):
        return _NO_HOST
    if isinstance(error, requests.exceptions.SSLError):
        return _NO_TLS
    is_late = any(map(_is_late, causes))
    if attempt.was_sent:
        return _NO_ANSWER if is_late else _BROKEN
    return _NO_CONNECTION if is_late else _NOT_LISTENING


def _is_late(cause: BaseException) -> bool:
    # urllib3 derives a refused connection from a late one.
    return isinstance(cause, _LATE) and not isinstance(cause, NewConnectionError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and the errors it was made of; requests and urllib3 pass them as arguments."""
    yield error
    for part in (*error.args, getattr(error, "reason", None)):
        if isinstance(part, BaseException):
            yield from _causes(part)
