"""Log lines of tradai without the requests and answers that libraries log at DEBUG.

A secret in an answer is not registered yet when botocore logs the answer, so masking cannot hide
it: only leaving such lines out can.
"""

import http.server
import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tradai.core import configure_logging, redact, register_secret

# Not every environment that runs these tests has boto3.
boto3 = pytest.importorskip("boto3", reason="boto3 comes with tradai-aws")

PLANTED = {
    "request": "obviously-fake-request-secret",
    "answer": "obviously-fake-answer-secret",
    "header": "obviously-fake-header-secret",
    "access key": "obviously-fake-access-key",
    "session": "obviously-fake-session-token",
}


class Secrets(http.server.BaseHTTPRequestHandler):
    """Answers every request with a secret in the body and a secret in a header."""

    def do_POST(self) -> None:
        """Send the answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"Name": "prod/db", "SecretString": PLANTED["answer"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"session={PLANTED['header']}")
        self.end_headers()
        self.wfile.write(body)

    # The standard library calls this method by its name.
    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Raw(logging.Handler):
    """Collects messages without masking them."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the message to `text`."""
        self.text += f"{record.getMessage()}\n"


@pytest.fixture
def endpoint() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Secrets) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Yield the root logger, and undo the changes of the test."""
    root, logger_class = logging.getLogger(), logging.getLoggerClass()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLoggerClass(logger_class)


@pytest.fixture
def client(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    return boto3.client(
        "secretsmanager",
        region_name="eu-central-1",
        endpoint_url=endpoint,
        aws_access_key_id="AKIA" + "FAKEFAKEFAKEFAKE",
        aws_secret_access_key=PLANTED["access key"],
        aws_session_token=PLANTED["session"],
    )


@pytest.mark.parametrize("form", ["json", "console"])
def test_botocore_at_debug_prints_no_secret(root: logging.Logger, client: Any, form: Any) -> None:
    lines, raw = io.StringIO(), Raw()
    configure_logging(format=form, level="DEBUG", stream=lines)
    root.addHandler(raw)

    client.put_secret_value(SecretId="prod/db", SecretString=PLANTED["request"])
    client.get_secret_value(SecretId="prod/db")

    root.info("done")
    printed = [name for name, value in PLANTED.items() if value in raw.text]
    assert {"request", "answer", "header", "session"} <= set(
        printed
    )  # otherwise the next line proves nothing
    assert [name for name, value in PLANTED.items() if value in lines.getvalue()] == []
    assert "done" in lines.getvalue()


def test_botocore_output_is_masked_after_its_values_are_registered(
    root: logging.Logger, client: Any
) -> None:
    raw = Raw()
    root.addHandler(raw)
    root.setLevel(logging.DEBUG)
    for value in PLANTED.values():
        register_secret(value)

    client.put_secret_value(SecretId="prod/db", SecretString=PLANTED["request"])
    client.get_secret_value(SecretId="prod/db")

    masked = redact(raw.text)
    assert [name for name, value in PLANTED.items() if value in masked] == []
    assert "AKIA" + "FAKE" not in masked
