"""A server on loopback that does what a test scripts, and a clock that only waiting moves."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from tradai.mlflow import MLflowClient, MLflowSettings


class VirtualTimer:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass(frozen=True)
class Received:
    """A request as the server got it."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.body))


class Exchange:
    """One request, and the means to answer it in any way."""

    def __init__(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        self.handler = handler
        self.received = received

    def reply(
        self, status: int, body: object = "", *, headers: dict[str, str] | None = None
    ) -> None:
        """Send a whole answer: text or bytes as they are, anything else as JSON."""
        is_json = not isinstance(body, str | bytes)
        text = json.dumps(body) if is_json else body
        data = text.encode() if isinstance(text, str) else cast("bytes", text)
        content_type = "application/json" if is_json else "text/html"
        self.handler.send_response(status)
        fields = {"Content-Type": content_type, "Content-Length": str(len(data))}
        for name, value in {**fields, **(headers or {})}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def error(self, status: int, code: str, message: str) -> None:
        """Answer as MLflow does."""
        self.reply(status, {"error_code": code, "message": message})

    def drop(self) -> None:
        """Close the connection without an answer."""
        self.handler.close_connection = True

    def raw(self, data: bytes) -> None:
        """Write bytes to the wire, and close."""
        self.handler.wfile.write(data)
        self.drop()


Behaviour = Callable[[Exchange], None]


@dataclass
class ScriptedServer:
    """Answers the first request with the first behaviour, and so on; the last one is repeated."""

    behaviours: list[Behaviour] = field(default_factory=list, repr=False)
    received: list[Received] = field(default_factory=list, repr=False)
    connections: int = 0
    port: int = 0

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)
        self.received.clear()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length", 0))
        received = Received(
            handler.command,
            parts.path,
            parse_qs(parts.query),
            dict(handler.headers),
            handler.rfile.read(length),
        )
        self.received.append(received)
        behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        behaviour(Exchange(handler, received))


def _handler_of(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            server.connections += 1

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            try:
                server.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of http.server

    return Handler


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(scripted))
    http.daemon_threads = True
    scripted.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield scripted
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def timer() -> VirtualTimer:
    return VirtualTimer()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URI", "USERNAME", "PASSWORD", "TOKEN", "SERVER_CERT_PATH", "CLIENT_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)


@pytest.fixture
def client(server: ScriptedServer, timer: VirtualTimer) -> Iterator[MLflowClient]:
    with MLflowClient(MLflowSettings(uri=server.uri), timer=timer) as made:
        yield made
