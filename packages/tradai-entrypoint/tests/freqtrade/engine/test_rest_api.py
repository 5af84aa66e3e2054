"""Requests to the engine's REST API on loopback."""

import base64
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tradai.core import redact
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl

# Of no engine but those made here.
PASSWORD = "obviously-fake"  # noqa: S105

Serve = Callable[[bytes], EngineControl]


@pytest.fixture
def requests() -> list[bytes]:
    """Requests that the engine received."""
    return []


@pytest.fixture
def engine_that_answers(requests: list[bytes]) -> Iterator[Serve]:
    """Make an engine that answers its one request with the given bytes, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = []

        def serve(answer: bytes) -> None:
            client, _ = listener.accept()
            with client:
                requests.append(client.recv(65536))
                client.sendall(answer)

        def make(answer: bytes) -> EngineControl:
            threads.append(threading.Thread(target=serve, args=[answer], daemon=True))
            threads[-1].start()
            control = EngineControl(port=listener.getsockname()[1], password=PASSWORD)
            control.open()
            return control

        yield make
        for thread in threads:
            thread.join()


def config() -> dict[str, Any]:
    with EngineControl.reserved() as control:
        return dict(control.config())


def http(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def test_a_stop_of_trading_is_asked_for_with_the_password(
    engine_that_answers: Serve, requests: list[bytes]
) -> None:
    agreed = engine_that_answers(http(b'{"status": "stopping trader ..."}')).stop_trading()

    (request,) = requests
    token = base64.b64encode(f"tradai:{PASSWORD}".encode())
    assert agreed
    assert request.startswith(b"POST /api/v1/stop HTTP/1.1\r\n")
    assert b"Authorization: Basic " + token + b"\r\n" in request


def test_a_pause_of_entries_is_asked_for(engine_that_answers: Serve, requests: list[bytes]) -> None:
    assert engine_that_answers(http(b'{"status": "paused, no more entries"}')).pause_entries()

    (request,) = requests
    assert request.startswith(b"POST /api/v1/pause HTTP/1.1\r\n")


@pytest.mark.usefixtures("proxy")
def test_no_proxy_hears_the_password(engine_that_answers: Serve) -> None:
    assert engine_that_answers(http(b'{"status": "stopping trader ..."}')).stop_trading()


@pytest.mark.parametrize(
    "answer",
    [
        http(b'{"detail": "Unauthorized"}', "401 Unauthorized"),
        http(b'{"detail": "oops"}', "500 Internal Server Error"),
        http(b'{"detail": "other"}'),
        http(b"[]"),
        http(b"1"),
        http(b"not JSON"),
        http(b'{"status"')[:-4],
        b"not HTTP\r\n\r\n",
        b"",
    ],
)
def test_any_other_answer_is_not_an_agreement(engine_that_answers: Serve, answer: bytes) -> None:
    assert engine_that_answers(answer).stop_trading() is False


@pytest.mark.parametrize("answer", [http(b"[]"), b""])
def test_any_other_answer_to_a_pause_is_not_an_agreement(
    engine_that_answers: Serve, answer: bytes
) -> None:
    assert engine_that_answers(answer).pause_entries() is False


def test_an_engine_that_does_not_listen_does_not_agree() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        control = EngineControl(port=unused.getsockname()[1], password=PASSWORD)
        control.open()

        assert control.stop_trading() is False


def test_a_program_that_has_the_port_before_the_engine_gets_no_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        control = EngineControl(port=listener.getsockname()[1], password=PASSWORD)

        assert control.last_loop_s() is None
        assert control.pause_entries() is False
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a port for another process")
def test_the_port_is_kept_for_the_engine_and_for_no_other_program() -> None:
    with EngineControl.reserved() as control:
        port = int(control.url.rpartition(":")[2])
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)) as engine:
            assert engine.getsockname()[1] == port


def test_the_time_of_the_last_loop_is_asked_for(
    engine_that_answers: Serve, requests: list[bytes]
) -> None:
    control = engine_that_answers(http(b'{"last_process_ts": 1767225600}'))

    assert control.last_loop_s() == 1767225600
    assert requests[0].startswith(b"GET /api/v1/health HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (http(b'{"profit_all_coin": -12.5}'), Decimal("-12.5")),
        (http(b'{"profit_all_coin": 0}'), Decimal(0)),
        # So the engine says that a position has no price.
        (http(b'{"profit_all_coin": null}'), None),
        (http(b"{}"), None),
    ],
)
def test_a_profit_that_is_not_known_is_not_zero(
    engine_that_answers: Serve, requests: list[bytes], answer: bytes, expected: Decimal | None
) -> None:
    assert engine_that_answers(answer).total_profit() == expected
    assert requests[0].startswith(b"GET /api/v1/profit HTTP/1.1\r\n")


def test_the_newest_candle_is_asked_for_alone(
    engine_that_answers: Serve, requests: list[bytes]
) -> None:
    control = engine_that_answers(http(b'{"data_stop_ts": 1767225600000}'))

    assert control.newest_candle_s("BTC/USDT", "5m") == 1767225600
    path = b"/api/v1/pair_candles?pair=BTC%2FUSDT&timeframe=5m&limit=1 "
    assert requests[0].startswith(b"GET " + path)


def test_the_time_of_an_analysis_is_asked_for_without_any_candles(
    engine_that_answers: Serve, requests: list[bytes]
) -> None:
    control = engine_that_answers(http(b'{"last_analyzed_ts": 1767225600}'))

    assert control.last_analysis_s("BTC/USDT", "5m") == 1767225600
    path = b"/api/v1/pair_candles?pair=BTC%2FUSDT&timeframe=5m&limit=-"
    assert requests[0].startswith(b"GET " + path)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (http(b'{"last_process_ts": null}'), 0.0),
        (http(b'{"detail": "Unauthorized"}', "401 Unauthorized"), None),
        (http(b"[]"), None),
        (b"", None),
    ],
    ids=["never", "refused", "other", "hangs up"],
)
def test_never_differs_from_no_answer(
    engine_that_answers: Serve, answer: bytes, expected: float | None
) -> None:
    assert engine_that_answers(answer).last_loop_s() == expected


def test_every_engine_has_a_port_and_a_password_of_its_own_that_is_never_shown() -> None:
    one, other = config()["api_server"], config()["api_server"]

    settings: Any = one
    assert isinstance(other, dict)
    assert settings["listen_ip_address"] == "127.0.0.1"
    assert settings["enable_openapi"] is False
    assert settings["password"] != other["password"]
    kept = [settings[name] for name in ("jwt_secret_key", "ws_token", "password")]
    assert len(set(kept)) == 3
    assert all(len(each) >= 32 for each in kept)
    assert settings["password"] not in redact(f"it is {settings['password']}")
