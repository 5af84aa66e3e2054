"""Send calls to one server: attempts, pauses between them, and the circuit breaker."""

import hashlib
from collections.abc import Callable
from typing import BinaryIO, Final, TypeAlias, TypeVar, final

import requests
from urllib3.exceptions import HTTPError

from tradai.mlflow._http.answers import not_json, refusal, too_large
from tradai.mlflow._http.attempt import CURRENT, Attempt
from tradai.mlflow._http.body import AnswerTooLargeError, content, parsed
from tradai.mlflow._http.circuit_breaker import CircuitBreaker
from tradai.mlflow._http.deadline import Deadline
from tradai.mlflow._http.errors import CircuitOpenError
from tradai.mlflow._http.failures import Failure
from tradai.mlflow._http.request import Answer, Repeat, Request
from tradai.mlflow._http.session import Connections
from tradai.mlflow._http.transport_errors import transport_failure

T = TypeVar("T")
Reader: TypeAlias = Callable[[Request, requests.Response], T | Failure]

_BLOCK: Final = 256 * 1024


@final
class Transport:
    """Calls to one server, from any thread and after a fork."""

    def __init__(self, connections: Connections, breaker: CircuitBreaker) -> None:
        """Send through `connections`, while `breaker` allows it."""
        self._connections = connections
        self._breaker = breaker

    def call(self, request: Request, deadline: Deadline) -> Answer:
        """Return the JSON that the server answers to `request`.

        Raises:
            MLflowError: The server refused, or could not be asked before the deadline.
        """
        return self._perform(request, deadline, _json)

    def acknowledge(self, request: Request, deadline: Deadline) -> None:
        """Send `request`, whose success has no content: nothing, or an empty JSON object."""
        self._perform(request, deadline, _no_content)

    def text(self, request: Request, deadline: Deadline) -> str:
        """Return the text that the server answers to `request`."""
        return self._perform(request, deadline, _text)

    def download(self, request: Request, file: BinaryIO, deadline: Deadline) -> str:
        """Write the body of the answer to `file`, from its start, and return its SHA-256."""

        def copy(_: Request, response: requests.Response) -> str:
            file.seek(0)
            file.truncate()
            digest = hashlib.sha256()
            while block := response.raw.read(_BLOCK, decode_content=True):
                file.write(block)
                digest.update(block)
            return digest.hexdigest()

        return self._perform(request, deadline, copy)

    def _perform(self, request: Request, deadline: Deadline, read: Reader[T]) -> T:
        self._check_breaker(request, deadline)
        attempts = 0
        earlier: Failure | None = None
        while True:
            attempts += 1
            had_time = deadline.has_fair_time
            outcome = self._attempt(request, deadline, read)
            if not isinstance(outcome, Failure):
                self._breaker.record_answer()
                return outcome
            if earlier is not None and not had_time:
                outcome = outcome.after(earlier)
            may_repeat = outcome.is_transient and _may_repeat(outcome, request)
            if may_repeat and deadline.back_off(attempts, outcome.retry_after_s or 0.0):
                earlier = outcome
                continue
            self._record(outcome, deadline, was_repeated=may_repeat)
            raise outcome.error(request, attempts=attempts, elapsed_s=deadline.elapsed_s)

    def _check_breaker(self, request: Request, deadline: Deadline) -> None:
        left = self._breaker.refused_s()
        if left > 0:
            reason = (
                f"not sent, because a call failed a moment ago: {self._breaker.reason}; "
                f"the server is asked again in {left:.1f} s"
            )
            failure = Failure(kind=CircuitOpenError, reason=reason, retry_after_s=left)
            raise failure.error(request, attempts=0, elapsed_s=deadline.elapsed_s)

    def _record(self, failure: Failure, deadline: Deadline, *, was_repeated: bool) -> None:
        if not failure.is_transient:
            self._breaker.record_answer()
        # A single request may fail by chance, and a server need not keep a very short deadline.
        elif (was_repeated or deadline.left_s <= 0) and deadline.is_telling:
            self._breaker.record_failure(failure.reason, failure.retry_after_s)

    def _attempt(self, request: Request, deadline: Deadline, read: Reader[T]) -> T | Failure:
        attempt = Attempt(deadline, may_run_twice=request.may_run_twice)
        token = CURRENT.set(attempt)
        try:
            with self._connections.send(request, attempt) as response:
                return refusal(request, response) or read(request, response)
        except AnswerTooLargeError:
            return too_large(request)
        # They hold the request with its login, so none of them becomes the cause of our error.
        except (requests.exceptions.RequestException, HTTPError, TimeoutError) as exc:
            return transport_failure(exc, attempt, self._connections.uri)
        finally:
            CURRENT.reset(token)


def _json(request: Request, response: requests.Response) -> Answer | Failure:
    text = content(response)
    answer = parsed(text)
    return not_json(request, response.status_code, text) if answer is None else answer


def _no_content(request: Request, response: requests.Response) -> Failure | bool:
    text = content(response)
    return text.strip() in {"", "{}"} or not_json(request, response.status_code, text)


def _text(_: Request, response: requests.Response) -> str:
    return content(response)


def _may_repeat(failure: Failure, request: Request) -> bool:
    return request.repeat is Repeat.FREELY or not failure.may_have_run
