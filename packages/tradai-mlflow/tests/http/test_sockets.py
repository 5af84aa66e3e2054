"""Every step on the wire ends with the deadline, also when bytes arrive one by one."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest

from tradai.mlflow import (
    DeadlineExceededError,
    ExperimentRun,
    HostNotFoundError,
    LoginRefusedError,
    MLflowClient,
    MLflowError,
    MLflowSettings,
)
from tradai.mlflow._http.attempt import CURRENT, Attempt
from tradai.mlflow._http.deadline import Deadline
from tradai.mlflow._http.sockets import DeadlineSocket, open_socket

# The classes of these fixtures are in conftest, which tests cannot import.
Server: TypeAlias = Any
Timer: TypeAlias = Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
# Real seconds: in which a busy machine connects and sends its request.
DEADLINE_S = 1.5


@contextmanager
def _attempt(timer: Timer, seconds: float, *, may_run_twice: bool = True) -> Iterator[Attempt]:
    """Make an attempt: these sockets live inside urllib3, and only the client makes one."""
    attempt = Attempt(Deadline(seconds, timer), may_run_twice=may_run_twice)
    token = CURRENT.set(attempt)
    try:
        yield attempt
    finally:
        CURRENT.reset(token)


def test_a_peer_that_drips_bytes_is_left_at_the_deadline(timer: Timer) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, _attempt(timer, 10), DeadlineSocket(ours).makefile("rb") as reader:
        for _ in range(9):
            theirs.sendall(b"x")
            timer.sleep(1.0)
            assert reader.read1(1) == b"x"

        timer.sleep(1.0)
        theirs.sendall(b"x")
        with pytest.raises(TimeoutError):
            reader.read1(1)


def test_the_wait_for_each_step_is_what_the_deadline_leaves(timer: Timer) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, _attempt(timer, 10) as attempt:
        wire = DeadlineSocket(ours)

        timer.sleep(4.0)
        wire.sendall(b"x")

        assert ours.gettimeout() == pytest.approx(6.0)
        assert attempt.was_sent
        timer.sleep(6.0)
        with pytest.raises(TimeoutError):
            wire.sendall(b"x")


@pytest.mark.parametrize(
    ("may_run_twice", "wait_s"), [(True, 30.0), (False, 118.0)], ids=["read", "create"]
)
def test_a_silent_server_is_waited_for_longer_when_the_request_must_not_be_sent_twice(
    *, may_run_twice: bool, wait_s: float, timer: Timer
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, _attempt(timer, 240, may_run_twice=may_run_twice):
        wire = DeadlineSocket(ours)
        wire.sendall(b"x")
        assert ours.gettimeout() == pytest.approx(30.0)

        theirs.sendall(b"y")
        timer.sleep(4.0)
        wire.makefile("rb").read1(1)

        assert ours.gettimeout() == pytest.approx(wait_s)


def test_only_a_request_that_creates_something_is_waited_for_longer(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Attempt] = []

    def noted(deadline: Deadline, *, may_run_twice: bool) -> Attempt:
        made.append(Attempt(deadline, may_run_twice=may_run_twice))
        return made[-1]

    monkeypatch.setattr("tradai.mlflow._http.transport.Attempt", noted)
    run = {"run": {"info": {"run_id": "r1", "experiment_id": "1"}}}
    server.script(lambda exchange: exchange.reply(200, run))
    proxied = ExperimentRun(
        run_id="r1", experiment_id="1", artifact_uri="mlflow-artifacts:/1/r1/artifacts"
    )
    with MLflowClient(uri=server.uri) as client:
        client.get_run("r1")
        client.create_run("1", name="trend")
        client.delete_run("r1")
        # It is sent once, and again after a look at the list of files.
        client.download_artifact(proxied, "report.bin", tmp_path / "copy.bin")

    assert [each.may_run_twice for each in made] == [True, False, True, True]


def test_a_request_counts_as_unsent_when_the_deadline_was_over_before(timer: Timer) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, _attempt(timer, 10) as attempt:
        timer.sleep(11.0)

        with pytest.raises(TimeoutError):
            DeadlineSocket(ours).sendall(b"x")

        assert not attempt.was_sent


def test_a_name_server_that_does_not_answer_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        release.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    with pytest.raises(DeadlineExceededError, match="was not made in time"):
        MLflowClient(uri="http://mlflow.invalid", deadline_s=0.2).get_run("r1")

    release.set()


def test_the_next_address_of_a_host_is_tried(timer: Timer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", place.getsockname())
            for place in (closed, listener)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)

        with _attempt(timer, 10), open_socket("two.invalid", 80) as wire:
            assert wire.getpeername() == listener.getsockname()


def test_a_host_without_any_address_is_an_error(
    timer: Timer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])

    with _attempt(timer, 10), pytest.raises(OSError, match="no address"):
        open_socket("none.invalid", 80)


def _drip(prefix: bytes, left: threading.Event) -> Callable[[Server], None]:
    """Return a behaviour that sends a byte now and then, until the client leaves."""

    def behave(exchange: Server) -> None:
        exchange.handler.wfile.write(prefix)
        try:
            # Far longer than any machine needs to leave.
            while not left.wait(0.02):
                exchange.handler.wfile.write(b"x")
        except OSError:
            left.set()
        exchange.drop()

    return behave


@pytest.mark.parametrize("prefix", [HEAD, b""], ids=["in the body", "in the head"])
def test_a_server_that_drips_bytes_is_left_at_the_deadline(prefix: bytes, server: Server) -> None:
    left = threading.Event()
    server.script(_drip(prefix, left))

    with MLflowClient(uri=server.uri) as client, pytest.raises(DeadlineExceededError) as caught:
        client.get_run("r1", deadline_s=DEADLINE_S)

    assert left.wait(60)
    assert caught.value.may_have_run


def test_a_server_that_never_answers_is_left_at_the_deadline(server: Server) -> None:
    release = threading.Event()
    server.script(lambda _: release.wait() and None)

    with MLflowClient(uri=server.uri) as client, pytest.raises(DeadlineExceededError):
        client.get_run("r1", deadline_s=DEADLINE_S)

    release.set()


def test_a_peer_that_takes_a_piece_now_and_then_is_left_at_the_deadline(timer: Timer) -> None:
    sent: list[int] = []

    class Slow:
        """A wire that needs a second for each piece."""

        def settimeout(self, _: float) -> None: ...

        def sendall(self, data: memoryview) -> None:
            sent.append(len(data))
            timer.sleep(1.0)

    with _attempt(timer, 10), pytest.raises(TimeoutError):
        DeadlineSocket(cast("socket.socket", Slow())).sendall(bytes(1_000_000))

    assert sent == [16_384] * 10


def _proxied(answer: Callable[[socket.socket], None], timeout_s: float) -> Exception:
    """Return the error of a call through a proxy that does `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                wire, _ = listener.accept()
                with wire:
                    wire.recv(1_000)
                    answer(wire)

        threading.Thread(target=serve, daemon=True).start()
        settings = MLflowSettings.model_validate(
            {
                "uri": "https://mlflow.invalid",
                "TRADAI_MLFLOW_PROXY": f"http://127.0.0.1:{listener.getsockname()[1]}",
            }
        )
        with pytest.raises(MLflowError) as caught:
            MLflowClient(settings, deadline_s=timeout_s).get_run("r1")
        return caught.value


def test_a_proxy_that_drips_bytes_is_left_at_the_deadline() -> None:
    def drip(wire: socket.socket) -> None:
        wire.sendall(b"HTTP/1.1 200 Slow\r\nX: ")
        for _ in range(60):
            wire.sendall(b"x")
            threading.Event().wait(0.02)
        wire.sendall(b"\r\n\r\n")

    assert isinstance(_proxied(drip, 0.3), DeadlineExceededError)


def test_a_proxy_that_wants_a_login_before_it_gives_a_way_says_so() -> None:
    def refuse(wire: socket.socket) -> None:
        wire.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    error = _proxied(refuse, 60)

    assert isinstance(error, LoginRefusedError)
    assert "TRADAI_MLFLOW_PROXY" in str(error)


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 70}.example"])
def test_a_name_that_is_none_has_no_address(host: str, timer: Timer) -> None:
    with pytest.raises(HostNotFoundError):
        MLflowClient(uri=f"http://{host}", deadline_s=5, timer=timer).get_run("r1")
