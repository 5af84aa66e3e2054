"""The log and the webhook as channels of alerts, the latter against a server on loopback."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tradai.core import SecretReference, backend_for
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    ValidationError,
)
from tradai.core.live import Alert, AlertChannel
from tradai.core.testing import AlertChannelContract
from tradai.entrypoint import WebhookChannel
from tradai.entrypoint._alerts.alerts import alerts_for

ALERT = Alert(
    kind="halt",
    sentence="the drawdown is 12 %",
    facts={"halt": 3},
    at=datetime(2025, 1, 1, tzinfo=UTC),
)


class TestLogAlerts(AlertChannelContract):
    @pytest.fixture
    def channel(self) -> AlertChannel:
        return backend_for("tradai.alerts", "log:")

    @pytest.fixture
    def received(self, caplog: pytest.LogCaptureFixture) -> Callable[[int], list[str]]:
        def received(number: int) -> list[str]:
            records = [record for record in caplog.records if record.name == "tradai.alerts"]
            assert len(records) == number
            return [str(vars(record)) for record in records]

        return received


class Hook:
    """A web server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.targets: list[str] = []
        self.status = 204
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                hook.bodies.append(self.rfile.read(length).decode())
                hook.targets.append(self.path)
                self.send_response(hook.status)
                self.send_header("Location", f"{hook.url}/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    hook = Hook()
    monkeypatch.setenv("ALERT_URL", f"{hook.url}/services/not-a-real-token?thread=1")
    # Proxies of the environment must not be used.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    thread = threading.Thread(target=hook.server.serve_forever, args=(0.01,))
    thread.start()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()
    thread.join()


@pytest.fixture
def webhook() -> AlertChannel:
    return backend_for("tradai.alerts", "webhook:env:ALERT_URL")


class TestWebhookAlerts(AlertChannelContract):
    @pytest.fixture
    def channel(self, webhook: AlertChannel) -> AlertChannel:
        return webhook

    @pytest.fixture
    def received(self, hook: Hook) -> Callable[[int], list[str]]:
        def received(number: int) -> list[str]:
            assert len(hook.bodies) == number
            return hook.bodies

        return received


def test_a_post_is_json_at_the_path_of_the_secret(hook: Hook, webhook: AlertChannel) -> None:
    webhook.send(ALERT)

    assert json.loads(hook.bodies[0]) == {
        "text": "halt: the drawdown is 12 %",
        "kind": "halt",
        "sentence": "the drawdown is 12 %",
        "facts": {"halt": 3},
        "at": "2025-01-01T00:00:00+00:00",
        "repeats": 0,
    }
    assert hook.targets == ["/services/not-a-real-token?thread=1"]


@pytest.mark.parametrize("status", [302, 307, 403, 500])
def test_another_answer_than_success_is_an_error_without_the_address(
    status: int, hook: Hook, webhook: AlertChannel
) -> None:
    hook.status = status

    with pytest.raises(ExternalServiceError, match=f"env:ALERT_URL answered {status}") as caught:
        webhook.send(ALERT)

    assert "not-a-real-token" not in str(caught.value)
    assert len(hook.targets) == 1


def test_a_rotated_address_is_used_by_the_next_alert(
    hook: Hook, webhook: AlertChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.send(ALERT)
    monkeypatch.setenv("ALERT_URL", f"{hook.url}/services/another")

    webhook.send(ALERT)

    assert hook.targets[1] == "/services/another"


@pytest.mark.parametrize(
    "url",
    [
        "http://alerts.example.com/token-1",
        "http://192.0.2.1/token-1",
        "http://localhost:8080/token-1",
        "http://127.0.0.1:0/token-1",
        "http://[::1/token-1",
        "https:///token-1",
        "https://alerts.example.com:port/token-1",
        "ftp://127.0.0.1/token-1",
        "token-1",
    ],
)
def test_another_address_than_https_or_loopback_is_refused_and_not_shown(
    url: str, webhook: AlertChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_URL", url)

    with pytest.raises(ConfigurationError, match="env:ALERT_URL is not usable") as caught:
        webhook.send(ALERT)

    assert "token-1" not in str(caught.value)


def test_a_file_that_is_no_address_is_refused_before_an_alert(
    tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "users"
    secret.write_text("ada:x:1000")
    secret.chmod(0o600)
    uris = [f"webhook:file:{secret}", "webhook:env:ALERT_URL", "log:"]
    monkeypatch.setenv("ALERT_URL", f"{hook.url}/services/one")

    with pytest.raises(ConfigurationError, match="is not usable: expected https"):
        alerts_for(uris, facts={}).check()

    alerts_for(uris[1:], facts={}).check()
    assert hook.targets == []


def test_a_path_that_http_cannot_carry_is_an_error_and_not_shown(
    hook: Hook, webhook: AlertChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("token 1", "token-ł"):
        monkeypatch.setenv("ALERT_URL", f"{hook.url}/{path}")

        with pytest.raises(ExternalServiceError) as caught:
            webhook.send(ALERT)

        assert "token" not in str(caught.value)


def test_a_missing_secret_is_an_error(webhook: AlertChannel) -> None:
    with pytest.raises(NotFoundError, match="ALERT_URL"):
        webhook.send(ALERT)


def test_a_server_that_is_gone_is_an_error(
    webhook: AlertChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as line:
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{line.getsockname()[1]}/")

    with pytest.raises(ExternalServiceError, match="did not answer"):
        webhook.send(ALERT)


def test_a_server_that_answers_byte_by_byte_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_left = threading.Event()

    def drip(line: socket.socket) -> None:
        connection, _ = line.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not is_left.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as line:
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{line.getsockname()[1]}/")
        thread = threading.Thread(target=drip, args=(line,))
        thread.start()
        channel = WebhookChannel(SecretReference("env:ALERT_URL"), deadline_s=0.5)

        with pytest.raises(ExternalServiceError, match="env:ALERT_URL did not answer"):
            channel.send(ALERT)

        is_left.set()
        thread.join(60)


@pytest.mark.parametrize("uri", ["webhook:", "webhook:https://hooks.example.com/token-1"])
def test_an_address_in_place_of_its_reference_is_refused_and_not_shown(uri: str) -> None:
    with pytest.raises(ValidationError, match="webhook:env:NAME") as caught:
        backend_for("tradai.alerts", uri)

    assert "token-1" not in str(caught.value)


def test_facts_never_hide_the_fields_of_a_log_record(caplog: pytest.LogCaptureFixture) -> None:
    channel = backend_for("tradai.alerts", "log:")
    facts = {"message": "x", "name": "y", "args": "z"}
    with caplog.at_level(logging.WARNING):
        channel.send(Alert(kind="halt", sentence="a", facts=facts, at=ALERT.at))

    (record,) = caplog.records
    assert (record.message, record.name) == ("halt: a", "tradai.alerts")
