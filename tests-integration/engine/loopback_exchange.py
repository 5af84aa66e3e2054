"""A stand-in for Binance spot on loopback: market data, one account, orders, scripted faults.

Run it as ``python -m engine.loopback_exchange`` in the folder of the integration tests. No order
moves money. `engine.venue.control` is a test's way to script it and to read what it saw.
"""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from engine.venue.exchange import Exchange, Request
from engine.venue.faults import Fault, Rule, refusal_of, unknown_outcome
from engine.venue.refusals import RefusedError

_CONTROL: Final = "/loopback/"


class Handler(BaseHTTPRequestHandler):
    """Answers requests to the exchange, and those of a test to its controls."""

    protocol_version = "HTTP/1.1"
    exchange: ClassVar[Exchange]

    def do_GET(self) -> None:
        """Answer a request without a body."""
        self._answer(b"")

    def do_DELETE(self) -> None:
        """Answer a request without a body."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer a request with a body."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _answer(self, body: bytes) -> None:
        target = urlsplit(self.path)
        if target.path.startswith(_CONTROL):
            given = json.loads(body) if body else None
            self._control(target.path.removeprefix(_CONTROL), given)
            return
        if self.exchange.is_down:
            self.close_connection = True
            return
        request = Request(
            endpoint=f"{self.command} {target.path}",
            parts=(target.query, body.decode()),
            key=self.headers.get("X-MBX-APIKEY"),
        )
        self.exchange.count(request)
        try:
            self._serve(request)
        except RefusedError as refusal:
            self._refuse(refusal)

    def _control(self, what: str, given: Any) -> None:
        if what == "reset":
            type(self).exchange = Exchange()
            self._send({})
            return
        self._send(self.exchange.control(what, given))

    def _serve(self, request: Request) -> None:
        used = self.exchange.weights.add(self.exchange.cost(request))
        rule = self.exchange.faults.next(request.endpoint)
        if rule is not None and rule.fault is Fault.LATE:
            time.sleep(rule.late_s)
            rule = None
        if rule is None:
            self._send(self.exchange.serve(request), used=used)
            return
        if rule.fault.is_served:
            self.exchange.serve(request)
        self._fail(rule)

    def _fail(self, rule: Rule) -> None:
        """Break the answer as the script says."""
        refusal = refusal_of(rule)
        if refusal is not None:
            raise refusal
        if rule.fault is Fault.UNKNOWN:
            raise unknown_outcome()
        if rule.fault is Fault.GARBLED:
            self._send_text(200, b"<html>")
            return
        if rule.fault.is_silent:
            # Until the client has had enough and closes its end.
            self.rfile.read(1)
        self.close_connection = True

    def _refuse(self, refusal: RefusedError) -> None:
        headers = {}
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(refusal.retry_after_s)
        body = json.dumps({"code": refusal.code, "msg": str(refusal)}).encode()
        self._send_text(refusal.status, body, **headers)

    def _send(self, answer: Any, *, used: int | None = None) -> None:
        headers = {} if used is None else {"X-MBX-USED-WEIGHT-1M": str(used)}
        self._send_text(200, json.dumps(answer).encode(), **headers)

    def _send_text(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve on a free port of loopback, and print the address; run until killed."""
    Handler.exchange = Exchange()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
