"""Faults of a server and of the way to it, on a clock that only pauses move."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import pytest

from tradai.core.exceptions import TradAIError
from tradai.mlflow import (
    AccessDeniedError,
    AliasNotFoundError,
    AlreadyExistsError,
    CircuitOpenError,
    ConnectionLostError,
    DeadlineExceededError,
    HostNotFoundError,
    HostRejectedError,
    InvalidRequestError,
    LimitExceededError,
    LoginRefusedError,
    MLflowClient,
    MLflowError,
    ModelNotFoundError,
    NotAnMLflowServerError,
    ParameterConflictError,
    RateLimitedError,
    RunNotFoundError,
    ServerFaultError,
    ServerNotListeningError,
    ServerUnavailableError,
    UnsupportedEndpointError,
)

# The classes of these fixtures are in conftest, which tests cannot import.
Server: TypeAlias = Any
Timer: TypeAlias = Any

RUN = {"run": {"info": {"run_id": "r1", "experiment_id": "1"}}}


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _error(code: str, message: str) -> dict[str, str]:
    return {"error_code": code, "message": message}


HOST_TEXT = "Invalid Host header - possible DNS rebinding attack detected"
HTML = "<html><title>404 Not Found</title></html>"
ANSWERS: list[tuple[int, object, type[MLflowError], str]] = [
    (401, "<p>You are not authenticated</p>", LoginRefusedError, "MLFLOW_TRACKING_PASSWORD"),
    (403, HOST_TEXT, HostRejectedError, "--allowed-hosts"),
    (403, _error("PERMISSION_DENIED", "Permission denied"), AccessDeniedError, "permission"),
    (404, _error("RESOURCE_DOES_NOT_EXIST", "Run with id=r1 not found"), RunNotFoundError, "run"),
    (404, _error("ENDPOINT_NOT_FOUND", "none"), UnsupportedEndpointError, "version of MLflow"),
    (404, HTML, NotAnMLflowServerError, "prefix"),
    (405, HTML, NotAnMLflowServerError, "prefix"),
    (407, HTML, LoginRefusedError, "TRADAI_MLFLOW_PROXY"),
    (302, "", NotAnMLflowServerError, "redirects"),
    (200, HTML, NotAnMLflowServerError, "MLFLOW_TRACKING_URI"),
    (200, ["a", "list"], NotAnMLflowServerError, "MLFLOW_TRACKING_URI"),
    (
        404,
        _error("RESOURCE_DOES_NOT_EXIST", "Registered Model with name=m not found"),
        ModelNotFoundError,
        "registered model",
    ),
    (
        400,
        _error("INVALID_PARAMETER_VALUE", "Registered model alias a not found."),
        AliasNotFoundError,
        "alias",
    ),
    (
        404,
        _error("RESOURCE_DOES_NOT_EXIST", "Registered model alias a not found."),
        AliasNotFoundError,
        "alias",
    ),
    (400, _error("RESOURCE_ALREADY_EXISTS", "X already exists"), AlreadyExistsError, "taken"),
    (
        400,
        _error("INVALID_PARAMETER_VALUE", "Changing param values is not allowed. Params were"),
        ParameterConflictError,
        "another value",
    ),
    (
        400,
        _error("INVALID_PARAMETER_VALUE", "Param value 'x' had length 9, which exceeded length"),
        LimitExceededError,
        "larger",
    ),
    (413, HTML, LimitExceededError, "so large"),
    (400, _error("INVALID_PARAMETER_VALUE", "Invalid attribute"), InvalidRequestError, "refused"),
]


@pytest.mark.parametrize(("status", "body", "kind", "hint"), ANSWERS)
def test_an_answer_that_another_attempt_cannot_change_is_one_typed_error(
    status: int,
    body: object,
    kind: type[MLflowError],
    hint: str,
    server: Server,
    client: MLflowClient,
) -> None:
    server.script(lambda exchange: exchange.reply(status, body))

    with pytest.raises(MLflowError) as caught:
        client.get_run("r1")

    error = caught.value
    assert type(error) is kind
    assert hint in str(error)
    assert (error.operation, error.status, error.attempts) == ("runs/get", status, 1)
    assert len(server.received) == 1


def test_at_least_twelve_conditions_have_types_of_their_own() -> None:
    kinds = {kind for _, _, kind, _ in ANSWERS} | {
        ServerFaultError,
        RateLimitedError,
        ConnectionLostError,
        DeadlineExceededError,
        ServerNotListeningError,
        HostNotFoundError,
        CircuitOpenError,
    }

    assert len(kinds) >= 12
    assert all(issubclass(kind, TradAIError) for kind in kinds)


@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (lambda exchange: exchange.reply(500, "boom"), ServerFaultError),
        (
            lambda exchange: exchange.reply(502, "<html>time limit exceeded</html>"),
            ServerFaultError,
        ),
        (lambda exchange: exchange.reply(503, ""), ServerFaultError),
        (lambda exchange: exchange.reply(504, ""), ServerFaultError),
        (lambda exchange: exchange.reply(408, ""), ServerFaultError),
        (lambda exchange: exchange.reply(429, "slow"), RateLimitedError),
        (lambda exchange: exchange.drop(), ConnectionLostError),
        (
            lambda exchange: exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
            ConnectionLostError,
        ),
        (lambda exchange: exchange.raw(b"no HTTP at all\r\n\r\n"), ConnectionLostError),
    ],
    ids=["500", "502", "503", "504", "408", "429", "dropped", "cut", "garbage"],
)
def test_a_server_that_keeps_failing_is_asked_until_the_deadline_and_never_after(
    behave: Callable[[Server], None],
    kind: type[MLflowError],
    server: Server,
    client: MLflowClient,
    timer: Timer,
) -> None:
    server.script(behave)
    began = timer.now

    with pytest.raises(ServerUnavailableError) as caught:
        client.get_run("r1", deadline_s=10)

    error = caught.value
    assert type(error) is kind
    assert error.retryable
    assert 5 <= timer.now - began <= 10
    assert error.attempts == len(server.received) >= 5
    assert error.elapsed_s == pytest.approx(timer.now - began)


@pytest.fixture
def hang(timer: Timer) -> Iterator[Callable[[Server], None]]:
    """Let the time of a request pass, and answer nothing."""
    is_over = threading.Event()

    def wait(_: Server) -> None:
        timer.sleep(10)
        is_over.wait(300)

    yield wait
    is_over.set()


def test_a_last_attempt_without_time_does_not_hide_why_the_one_before_it_failed(
    server: Server, client: MLflowClient, timer: Timer, hang: Callable[[Server], None]
) -> None:
    def answer(exchange: Server) -> None:
        # A busy machine has 30 real seconds for the first attempt. The pause after it leaves the
        # second less than half a second.
        timer.sleep(29.46)
        exchange.error(429, "REQUEST_LIMIT_EXCEEDED", "wait")

    server.script(answer, hang)

    with pytest.raises(RateLimitedError, match="the server says: wait") as caught:
        client.get_run("r1", deadline_s=30)

    assert (caught.value.status, caught.value.attempts) == (429, 2)
    # Unlike the first request, the second may be carried out still.
    assert caught.value.may_have_run


def test_a_server_that_stops_answering_is_too_slow_whatever_it_answered_before(
    server: Server, client: MLflowClient, timer: Timer, hang: Callable[[Server], None]
) -> None:
    def answer(exchange: Server) -> None:
        timer.sleep(29.3)
        exchange.reply(503, "")

    server.script(answer, hang)

    with pytest.raises(DeadlineExceededError):
        client.get_run("r1", deadline_s=30)


def test_a_server_that_recovers_is_asked_again(server: Server, client: MLflowClient) -> None:
    server.script(
        lambda exchange: exchange.reply(503, ""),
        lambda exchange: exchange.drop(),
        lambda exchange: exchange.reply(200, RUN),
    )

    assert client.get_run("r1").run_id == "r1"
    assert len(server.received) == 3


def test_a_pause_that_the_server_names_is_kept(
    server: Server, client: MLflowClient, timer: Timer
) -> None:
    server.script(
        lambda exchange: exchange.reply(429, "", headers={"Retry-After": "4"}),
        lambda exchange: exchange.reply(200, RUN),
    )

    client.get_run("r1")

    assert timer.sleeps == [4.0]


@pytest.mark.parametrize(
    "pause", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT", "9999999999999999999999"]
)
def test_a_pause_beyond_the_deadline_is_not_waited_for(
    pause: str, server: Server, client: MLflowClient, timer: Timer
) -> None:
    server.script(lambda exchange: exchange.reply(429, "", headers={"Retry-After": pause}))

    with pytest.raises(RateLimitedError) as caught:
        client.get_run("r1")

    assert timer.sleeps == []
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 3000


@pytest.mark.parametrize("pause", ["soon", "-1", "", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_a_pause_that_makes_no_sense_is_ignored(
    pause: str, server: Server, client: MLflowClient
) -> None:
    server.script(
        lambda exchange: exchange.reply(503, "", headers={"Retry-After": pause}),
        lambda exchange: exchange.reply(200, RUN),
    )

    assert client.get_run("r1").run_id == "r1"


def test_a_port_that_nothing_listens_at_is_named_as_such(timer: Timer) -> None:
    client = MLflowClient(uri=f"http://127.0.0.1:{_unused_port()}", timer=timer)

    with pytest.raises(ServerNotListeningError, match="nothing listens") as caught:
        client.get_run("r1")

    assert caught.value.attempts >= 5
    assert not caught.value.may_have_run


def test_a_host_without_an_address_is_named_as_such(
    timer: Timer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # A name server must not be asked by a test.
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    client = MLflowClient(uri="http://mlflow.invalid", timer=timer)

    with pytest.raises(HostNotFoundError, match="has no address"):
        client.get_run("r1")


def test_the_breaker_answers_without_a_connection_until_the_cool_down_is_over(
    server: Server, client: MLflowClient, timer: Timer
) -> None:
    server.script(lambda exchange: exchange.reply(503, ""))
    with pytest.raises(ServerFaultError):
        client.get_run("r1")
    asked = len(server.received)
    began = timer.now

    with pytest.raises(CircuitOpenError, match=r"asked again in 5\.0 s") as caught:
        client.get_run("r1")
    assert (len(server.received), timer.now) == (asked, began)
    assert caught.value.retry_after_s == pytest.approx(5.0)

    server.script(lambda exchange: exchange.reply(200, RUN))
    timer.sleep(5.0)
    assert client.get_run("r1").run_id == "r1"
    assert client.get_run("r1").run_id == "r1"


@pytest.mark.parametrize("status", [400, 500])
def test_a_write_that_meets_that_of_another_client_is_repeated(
    status: int, server: Server, client: MLflowClient
) -> None:
    words = "(psycopg2.errors.UniqueViolation) duplicate key value"
    server.script(
        lambda exchange: exchange.error(status, "BAD_REQUEST", words),
        lambda exchange: exchange.reply(200, {}),
    )

    client.log_batch("r1", tags={"a": "b"})

    assert len(server.received) == 2


def test_a_server_that_has_no_free_connection_to_its_database_is_asked_again(
    server: Server, client: MLflowClient
) -> None:
    words = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"
    server.script(
        lambda exchange: exchange.error(400, "BAD_REQUEST", words),
        lambda exchange: exchange.reply(200, RUN),
    )

    assert client.get_run("r1").run_id == "r1"
    assert len(server.received) == 2


def test_a_creation_that_meets_that_of_another_client_finds_its_result(
    server: Server, client: MLflowClient
) -> None:
    found = {"experiment": {"experiment_id": "7", "name": "e"}}
    server.script(
        lambda exchange: exchange.error(404, "RESOURCE_DOES_NOT_EXIST", "none"),
        lambda exchange: exchange.error(500, "BAD_REQUEST", "UNIQUE constraint failed: name"),
        lambda exchange: exchange.reply(200, found),
    )

    assert client.experiment("e").experiment_id == "7"


def test_a_refusal_does_not_open_the_breaker(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(401, ""))

    for _ in range(5):
        with pytest.raises(LoginRefusedError):
            client.get_run("r1")

    assert len(server.received) == 5


def test_an_error_keeps_the_words_of_the_server_on_one_line(
    server: Server, client: MLflowClient
) -> None:
    words = "a\nlong\ttext " + "x" * 2_000
    server.script(lambda exchange: exchange.error(400, "INVALID_PARAMETER_VALUE", words))

    with pytest.raises(InvalidRequestError) as caught:
        client.get_run("r1")

    assert caught.value.server_message.startswith("a long text xxx")
    assert len(caught.value.server_message) <= 500
    assert "\n" not in str(caught.value)


def test_one_call_tries_a_server_that_failed_while_the_others_are_refused(
    server: Server, client: MLflowClient, timer: Timer
) -> None:
    server.script(lambda exchange: exchange.reply(503, ""))
    with pytest.raises(ServerFaultError):
        client.get_run("r1")
    asked, release = threading.Event(), threading.Event()

    def hold(exchange: Server) -> None:
        asked.set()
        release.wait()
        exchange.reply(200, RUN)

    server.script(hold)
    timer.sleep(5.0)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get_run, "r1")
        asked.wait()
        with pytest.raises(CircuitOpenError):
            client.get_run("r1")
        release.set()
        assert first.result().run_id == "r1"

    assert len(server.received) == 1
    assert client.get_run("r1").run_id == "r1"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("[" * 100_000, {}),
        ('{"run": {"info": ' * 50_000, {}),
        (b"\xff\xfe\x00", {"Content-Type": "text/html; charset=idna"}),
        (b"\xff\xfe\x00", {"Content-Type": "text/html; charset=undefined"}),
    ],
    ids=["deep list", "deep object", "odd encoding", "no encoding"],
)
@pytest.mark.parametrize("status", [200, 404])
def test_a_body_that_cannot_be_read_is_not_that_of_mlflow(
    status: int, body: object, headers: dict[str, str], server: Server, client: MLflowClient
) -> None:
    server.script(lambda exchange: exchange.reply(status, body, headers=headers))

    with pytest.raises(NotAnMLflowServerError):
        client.get_run("r1")


def test_a_body_that_grows_beyond_all_bounds_is_left(
    server: Server, client: MLflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradai.mlflow._http.body.MOST_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(50_000_000))
    server.script(lambda exchange: exchange.reply(200, bomb, headers={"Content-Encoding": "gzip"}))

    with pytest.raises(NotAnMLflowServerError, match="bytes"):
        client.get_run("r1")


def test_a_redirect_to_nowhere_is_a_redirect(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(302, headers={"Location": "http://["}))

    with pytest.raises(NotAnMLflowServerError, match="redirects"):
        client.get_run("r1")


@pytest.mark.parametrize(
    "wanted",
    [
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +9999",
        "Fri, 31 Dec 9999 23:59:59 -0000",
    ],
)
def test_a_pause_until_no_possible_time_is_ignored(
    wanted: str, server: Server, client: MLflowClient
) -> None:
    server.script(lambda exchange: exchange.reply(429, headers={"Retry-After": wanted}))

    with pytest.raises(RateLimitedError):
        client.get_run("r1")


@pytest.mark.parametrize("runs", [["a"], [{"info": {}}], [None], "text", 7])
def test_a_list_of_something_else_is_not_that_of_mlflow(
    runs: object, server: Server, client: MLflowClient
) -> None:
    server.script(lambda exchange: exchange.reply(200, {"runs": runs}))

    with pytest.raises(NotAnMLflowServerError):
        list(client.search_runs(["1"]))


def test_the_refusal_of_a_page_is_not_an_odd_entry(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.error(400, "INVALID_PARAMETER_VALUE", "Invalid filter"))

    with pytest.raises(InvalidRequestError, match="Invalid filter"):
        list(client.search_runs(["1"], filter="odd"))
