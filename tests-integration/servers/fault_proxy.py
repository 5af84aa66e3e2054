"""A proxy on loopback in front of an HTTP server, which plants faults in requests and answers."""

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "content-length", "expect", "keep-alive", "transfer-encoding"}


@dataclass(kw_only=True)
class Fault:
    """A fault for the next `times` requests whose ``METHOD path target`` matches.

    ``answer`` replies with `status` in place of the server, ``replace`` after the server has
    handled the request; ``drop`` closes the connection before the server sees the request,
    ``lose`` after the server has handled it; ``cut`` ends the body after `keep` bytes; ``delay``
    waits `seconds` first; ``drip`` sends one byte of the body each `seconds`; ``hold`` answers
    nothing until the client closes the connection; ``garble`` changes the last byte of the answer,
    ``garble_request`` that of the request.
    """

    match: str
    action: Literal[
        "answer",
        "cut",
        "delay",
        "drip",
        "drop",
        "garble",
        "garble_request",
        "hold",
        "lose",
        "replace",
    ]
    times: int = 1
    status: int = 503
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: int = 0
    seconds: float = 0


class FaultProxy:
    """The proxy; `seen` lists the requests so far, each as ``METHOD path target``."""

    def __init__(self, upstream: str, *, prefix: str = "", host: str = "") -> None:
        """Make a proxy in front of the server at `upstream`.

        Args:
            upstream: Address of the server.
            prefix: Path below which the proxy serves, which the server does not see.
            host: Name in the header ``Host`` that the server sees; by default that of the client.
        """
        self.upstream = urlsplit(upstream).netloc
        self.prefix = prefix
        self.host = host
        self.seen: list[str] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{prefix}"
        # The argument is the longest time that ending it takes.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def plan(self, *faults: Fault) -> None:
        """Replace the planned faults by `faults`, whose first match counts, and clear `seen`."""
        with self._lock:
            self._faults = list(faults)
            self.seen.clear()

    def fault_for(self, request: str) -> Fault | None:
        """Record `request`, and take the fault that is planned for it."""
        with self._lock:
            self.seen.append(request)
            for fault in self._faults:
                if fault.times and re.search(fault.match, request):
                    fault.times -= 1
                    return fault
        return None

    def count(self, match: str) -> int:
        """Return how many requests matched so far."""
        return sum(re.search(match, request) is not None for request in self.seen)


class _Server(ThreadingHTTPServer):
    """The listening side of `proxy`."""

    daemon_threads = True

    def __init__(self, proxy: FaultProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.proxy = proxy

    def handle_error(self, *_: object) -> None:
        """Print nothing: the faults close connections all the time."""


class _Relay(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        return True

    def relay(self) -> None:
        """Pass one request on and its answer back, unless a fault is planned for it."""
        body = self._body()
        request = f"{self.command} {self.path} {self.headers.get('x-amz-target', '')}".strip()
        fault = self.server.proxy.fault_for(request) or Fault(match="", action="delay")
        if not self.path.startswith(self.server.proxy.prefix):
            self._reply(404, {}, b"not found")
        elif fault.action == "answer":
            self._reply(fault.status, fault.headers, fault.body)
        elif fault.action == "hold":
            self.connection.recv(1)
        elif fault.action != "drop":
            time.sleep(fault.seconds if fault.action == "delay" else 0)
            sent = _garbled(body) if fault.action == "garble_request" else body
            self._answer(self._ask(sent), fault)
        if fault.action in {"cut", "drop", "hold", "lose"}:
            self._hang_up()

    def _answer(self, answer: tuple[int, Mapping[str, str], bytes], fault: Fault) -> None:
        status, headers, data = answer
        if fault.action == "lose":
            return
        if fault.action == "replace":
            status, headers, data = fault.status, fault.headers, fault.body
        kept = fault.keep if fault.action == "cut" else None
        shown = _garbled(data) if fault.action == "garble" else data
        pause_s = fault.seconds if fault.action == "drip" else 0
        self._reply(status, headers, shown, keep=kept, pause_s=pause_s)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = relay  # noqa: N815 - names of the library

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _ask(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = _end_to_end(self.headers.items())
        if body or self.headers.get("content-length") is not None:
            headers["content-length"] = str(len(body))
        headers |= {"host": self.server.proxy.host} if self.server.proxy.host else {}
        path = self.path.removeprefix(self.server.proxy.prefix)
        upstream = http.client.HTTPConnection(self.server.proxy.upstream, timeout=300)
        with contextlib.closing(upstream):
            upstream.request(self.command, path, body or None, headers)
            answer = upstream.getresponse()
            kept = _end_to_end(answer.getheaders())
            if self.command == "HEAD":
                kept["content-length"] = answer.getheader("content-length") or "0"
            return answer.status, kept, answer.read()

    def _reply(
        self,
        status: int,
        headers: Mapping[str, str],
        data: bytes,
        *,
        keep: int | None = None,
        pause_s: float = 0,
    ) -> None:
        self.send_response_only(status)
        for name, text in ({"content-length": str(len(data))} | dict(headers)).items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self._send(data[:keep], pause_s)

    def _send(self, data: bytes, pause_s: float) -> None:
        if not pause_s:
            self.wfile.write(data)
            return
        for byte in data:
            self.wfile.write(bytes([byte]))
            time.sleep(pause_s)

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _garbled(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1]) if data else data


def _end_to_end(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): text for name, text in headers if name.lower() not in _HOP_BY_HOP}
