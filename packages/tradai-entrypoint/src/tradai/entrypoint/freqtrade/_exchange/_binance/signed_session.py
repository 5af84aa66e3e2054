"""Send signed requests for one account: clock, weights, deadline, and one meaning per failure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar, final
from urllib.parse import urlencode

import pydantic
from pydantic import TypeAdapter

from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint.freqtrade._exchange._binance import failures
from tradai.entrypoint.freqtrade._exchange._binance.answers import TimeAnswer
from tradai.entrypoint.freqtrade._exchange._binance.http_request import (
    HttpAnswer,
    HttpHost,
    NoAnswerError,
    NotSentError,
)
from tradai.entrypoint.freqtrade._exchange._binance.server_clock import ServerClock
from tradai.entrypoint.freqtrade._exchange._binance.signing import signed_query
from tradai.entrypoint.freqtrade._exchange._binance.weights import RequestWeights

T = TypeVar("T")
# Sent as a header, so that nothing but a key may be in it.
_KEY: Final = re.compile(r"[!-~]+", re.ASCII)
# The exchange refuses a request that comes later than this after it was signed. It is its own
# default; that of the engine's client is twice as long.
WINDOW_S: Final = 5.0
_TIME: Final = TypeAdapter(TimeAnswer)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, and what it costs.

    Attributes:
        order: Client's id of the order that it changes; None for a read.
    """

    method: str
    path: str
    weight: int
    parameters: Mapping[str, str]
    order: str | None = None

    @property
    def name(self) -> str:
        """The endpoint."""
        return f"{self.method} {self.path}"


@final
class SignedSession:
    """Requests to one exchange, signed with one key."""

    def __init__(self, host: HttpHost, keys: ApiKeys) -> None:
        """Send nothing yet.

        Raises:
            ConfigurationError: The key has characters that no key has.
        """
        if not _KEY.fullmatch(keys.key.reveal()):
            raise ConfigurationError(
                "the API key of the exchange has blanks or other characters that no key has: "
                "store it again",
                key="exchange key",
            )
        self._host = host
        self._keys = keys
        self._weights = RequestWeights()
        self.clock = ServerClock(self._fetch_time_ms)

    def send(self, request: Request, form: TypeAdapter[T]) -> T:
        """Sign and send `request`, and return the answer in its `form`.

        A request that comes too late or too early by the exchange's clock is sent once more, after
        that clock has been read again: the exchange did nothing.
        """
        answer = self._exchange(request)
        if _is_late(answer):
            self.clock.measure()
            answer = self._exchange(request)
        return _read(request, answer, form)

    def _exchange(self, request: Request) -> HttpAnswer:
        stamped = {
            **request.parameters,
            # The exchange itself refuses a request that comes when no time is left for it.
            "recvWindow": str(max(1, int(1_000 * min(WINDOW_S, self._host.limit_s)))),
            "timestamp": str(self.clock.now_ms()),
        }
        query = signed_query(stamped, self._keys.secret)
        return self._send(request, query, {"X-MBX-APIKEY": self._keys.key.reveal()})

    def _fetch_time_ms(self) -> int:
        request = Request(method="GET", path="/api/v3/time", weight=1, parameters={})
        answer = self._send(request, urlencode(request.parameters), {})
        return _read(request, answer, _TIME).server_time

    def _send(self, request: Request, query: str, headers: Mapping[str, str]) -> HttpAnswer:
        is_change = request.order is not None
        wait_s = self._weights.wait_s(request.weight, is_change=is_change)
        if wait_s:
            raise failures.rate_limited(request.name, wait_s)
        failure: TradAIError
        try:
            answer = self._host.send(request.method, f"{request.path}?{query}", headers)
        except NotSentError as exc:
            failure = failures.failed(request.name, str(exc), retryable=True)
        except NoAnswerError as exc:
            failure = _unanswered(request, str(exc))
        else:
            self._weights.observe(answer.headers)
            if answer.status in failures.TOO_MANY:
                is_ban = answer.status == HTTPStatus.IM_A_TEAPOT
                raise failures.rate_limited(
                    request.name, self._weights.pause(answer.headers, is_ban=is_ban)
                )
            return answer
        # Outside of the handlers: the text of their error may hold the signed address.
        raise failure


def _unanswered(request: Request, why: str) -> TradAIError:
    if request.order is None:
        return failures.failed(request.name, why, retryable=True)
    return failures.outcome_unknown(request.name, why, order=request.order)


def _is_late(answer: HttpAnswer) -> bool:
    is_refusal = answer.status == HTTPStatus.BAD_REQUEST
    return is_refusal and failures.refusal_in(answer).code == failures.LATE


def _read(request: Request, answer: HttpAnswer, form: TypeAdapter[T]) -> T:
    if answer.status != HTTPStatus.OK:
        raise failures.refused(request.name, answer, order=request.order)
    try:
        return form.validate_json(answer.body)
    except pydantic.ValidationError:
        why = "the answer is not in a known form"
    if request.order is None:
        raise failures.failed(request.name, why, retryable=False)
    raise failures.outcome_unknown(request.name, why, order=request.order)
