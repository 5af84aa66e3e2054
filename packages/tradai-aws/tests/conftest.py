"""Fixtures of tradai.aws: no AWS of the machine, a fake of Secrets Manager, its endpoint."""

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.loaders
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from tradai.aws import SecretsManager, SecretsPolicy
from tradai.aws.testing import FakeSecretsClient

# Registered secrets stay until the process ends; nothing public removes them.
from tradai.core._secrets.registry import SecretRegistry


@pytest.fixture(autouse=True)
def _no_aws_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "TRADAI_")):
            monkeypatch.delenv(name)
    # No configuration files, and no metadata service of a machine in the cloud.
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fake-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake-key")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="session", autouse=True)
def _models_read_once() -> Iterator[None]:
    """Have all clients share the descriptions of AWS's services, megabytes of JSON each."""
    loader = botocore.loaders.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.loaders, "create_loader", lambda _path=None: loader)
        yield


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mask the secrets of a test in that test only."""
    monkeypatch.setattr("tradai.core._secrets.redaction._REGISTRY", SecretRegistry())


@pytest.fixture
def aws() -> FakeSecretsClient:
    fake = FakeSecretsClient()
    # An instant is then no duration since the start, and neither is taken for the other.
    fake.clock.advance(1_000_000)
    return fake


@pytest.fixture
def secrets(aws: FakeSecretsClient) -> SecretsManager:
    """Fresh for 300 seconds, usable for 900, for 3,600 in an outage; asked again after 5."""
    return SecretsManager(client=aws, clock=aws.clock, policy=SecretsPolicy())


@pytest.fixture
def endpoint(aws: FakeSecretsClient) -> Iterator[str]:
    """Address on loopback where `aws` serves boto3's own client."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            operation = xform_name(self.headers["X-Amz-Target"].rpartition(".")[2])
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = _answered(getattr(aws, operation), asked)
            # Bytes are sent unchanged.
            body = (
                answer if isinstance(answer, bytes) else json.dumps(answer, default=_text).encode()
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _answered(
    operation: Callable[..., dict[str, Any] | bytes], asked: dict[str, Any]
) -> tuple[int, dict[str, Any] | bytes]:
    asked.pop("ClientRequestToken", None)
    try:
        return 200, operation(**asked)
    except ClientError as exc:
        error = exc.response["Error"]
        status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
        return status, {"__type": error["Code"], "message": error["Message"]}


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if isinstance(value, datetime) else value


@pytest.fixture
def finish_refreshes() -> Callable[[], None]:
    """Wait until no refresh is running."""

    def join() -> None:
        for thread in threading.enumerate():
            if thread.name == "tradai-secret":
                thread.join()

    return join
