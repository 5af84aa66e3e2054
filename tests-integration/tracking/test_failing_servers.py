"""Servers that are dead, silent, slow, busy or broken: each ends within the deadline.

The bounds in seconds are there so that a test that would take minutes fails: the rules about time
are tested on a virtual clock.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from servers.fault_proxy import Fault, FaultProxy
from servers.process import free_port

from tradai.mlflow import (
    CircuitOpenError,
    DeadlineExceededError,
    HostNotFoundError,
    MLflowClient,
    MLflowError,
    RateLimitedError,
    ServerFaultError,
    ServerNotListeningError,
    ServerUnavailableError,
)

DEADLINE_S: Final = 1.0
# For servers that answer, again and again: a busy machine must see two of their answers.
ANSWERS_S: Final = 4.0
SLACK_S: Final = 30.0

NewClient = Callable[..., MLflowClient]


@contextmanager
def _fails(kind: type[ServerUnavailableError]) -> Iterator[None]:
    """Expect the error `kind`, soon."""
    begun = time.monotonic()
    with pytest.raises(kind) as caught:
        yield
    assert time.monotonic() - begun < DEADLINE_S + SLACK_S
    assert caught.type is kind
    assert caught.value.retryable


def test_a_dead_server(new_client: NewClient) -> None:
    client = new_client(f"http://127.0.0.1:{free_port()}", deadline_s=DEADLINE_S)

    with _fails(ServerNotListeningError):
        client.get_experiment("momentum")


def test_a_host_without_an_address(new_client: NewClient) -> None:
    client = new_client("http://mlflow.invalid:5000", deadline_s=DEADLINE_S)

    with _fails(HostNotFoundError):
        client.get_experiment("momentum")


def test_a_server_that_accepts_and_never_answers(new_client: NewClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = new_client(f"http://127.0.0.1:{listening.getsockname()[1]}", deadline_s=DEADLINE_S)

        with _fails(DeadlineExceededError):
            client.get_experiment("momentum")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        pytest.param(Fault(match=".", action="hold"), DeadlineExceededError, id="holds"),
        pytest.param(
            Fault(match=".", action="drip", seconds=0.25), DeadlineExceededError, id="drips"
        ),
        pytest.param(Fault(match=".", action="answer", status=429), RateLimitedError, id="busy"),
        pytest.param(
            Fault(match=".", action="answer", status=429, headers={"retry-after": "3600"}),
            RateLimitedError,
            id="busy-for-an-hour",
        ),
        pytest.param(Fault(match=".", action="answer", status=500), ServerFaultError, id="500"),
        pytest.param(
            Fault(match=".", action="answer", status=502, body=b"<html>Bad Gateway</html>"),
            ServerFaultError,
            id="502",
        ),
        pytest.param(Fault(match=".", action="answer", status=503), ServerFaultError, id="503"),
    ],
)
@pytest.mark.parametrize("release", ["3.17"])
def test_a_server_that_fails(
    proxy: FaultProxy, new_client: NewClient, fault: Fault, kind: type[ServerUnavailableError]
) -> None:
    deadline_s = ANSWERS_S if fault.action == "answer" else DEADLINE_S
    client = new_client(proxy.url, deadline_s=deadline_s)
    fault.times = 1_000
    proxy.plan(fault)

    with _fails(kind):
        client.get_experiment("Default")

    asked = len(proxy.seen)
    with pytest.raises(CircuitOpenError) as caught:
        client.get_experiment("Default")
    assert len(proxy.seen) == asked
    assert caught.value.retry_after_s is not None


@pytest.mark.parametrize("release", ["3.17"])
def test_a_server_that_comes_back_is_used_again(faulty: MLflowClient, proxy: FaultProxy) -> None:
    proxy.plan(Fault(match=".", action="answer", status=503, times=3))

    assert faulty.get_experiment("Default").name == "Default"
    assert proxy.count(".") == 4


def test_an_error_says_its_operation_status_attempts_time_and_the_words_of_the_server(
    proxy: FaultProxy, new_client: NewClient
) -> None:
    words = b'{"error_code": "INTERNAL_ERROR", "message": "the disk is full"}'
    proxy.plan(Fault(match=".", action="answer", status=500, body=words, times=1_000))

    with pytest.raises(MLflowError) as caught:
        new_client(proxy.url, deadline_s=ANSWERS_S).get_experiment("momentum")

    error = caught.value
    assert (error.operation, error.status) == ("experiments/get-by-name", 500)
    assert error.attempts == proxy.count(".") > 1
    assert error.elapsed_s > 0
    assert error.server_message == "the disk is full"
    assert "the disk is full" in str(error)
