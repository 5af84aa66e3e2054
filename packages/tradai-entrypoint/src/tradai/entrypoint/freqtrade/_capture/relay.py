"""A loopback server between the engine's client and an exchange, which records the answers."""

import hmac
import json
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from threading import Thread
from types import TracebackType
from typing import Final, Protocol, Self, final
from urllib.parse import urlsplit

from tradai.core import register_secret
from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint.freqtrade._exchange._recorded.answers import RecordedAnswer
from tradai.entrypoint.freqtrade._exchange._recorded.exchange import RecordedExchange

_LARGEST_BODY: Final = 64 * 1024
_POLL_S: Final = 0.05
_OK: Final = 200
_NOT_FOUND: Final = 404
_BAD_GATEWAY: Final = 502


class Fetcher(Protocol):
    """Fetches public answers of an exchange; see `Upstream.fetch`."""

    def fetch(self, url: str, body: str = "", *, agent: str = ...) -> str: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A request that hangs must not hold up the end.
    block_on_close = False

    def handle_error(
        self, request: socket | tuple[bytes, socket], client_address: tuple[str, int]
    ) -> None:
        """Say nothing of a client that is gone: the capture was interrupted."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@final
class RecordingRelay:
    """Passes public requests on to an exchange inside a ``with`` block, and records the answers.

    After the first failure it asks the exchange no more. No header of a request is passed on but
    the name of the client, so that no key could be sent.
    """

    def __init__(self, upstream: Fetcher, exchange: RecordedExchange) -> None:
        """Take the exchange, and what is known of it; nothing listens yet."""
        self._upstream = upstream
        self._exchange = exchange
        self._answers: dict[tuple[str, str], RecordedAnswer] = {}
        self._failures: list[ExternalServiceError] = []
        self._token = secrets.token_urlsafe(24)
        register_secret(self._token)

    @property
    def base_url(self) -> str:
        """Its address, with a token that only this process and the engine have."""
        return f"http://127.0.0.1:{self._server.server_port}/{self._token}"

    @property
    def answers(self) -> tuple[RecordedAnswer, ...]:
        """The answers so far, by their requests."""
        return tuple(self._answers[key] for key in sorted(self._answers))

    @property
    def failure(self) -> ExternalServiceError | None:
        """The first request that was not answered; None when all of them were."""
        return next(iter(self._failures), None)

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._server = _Server(("127.0.0.1", 0), self._handler())
        serve = self._server.serve_forever
        self._thread = Thread(target=serve, args=(_POLL_S,), name="relay", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening; requests under way are left to themselves."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def respond(self, target: str, body: str, agent: str) -> tuple[int, bytes]:
        """Return status and answer of a request that the engine's client sent here."""
        token, _, url = target.removeprefix("/").partition("/")
        is_ours = hmac.compare_digest(token.encode(), self._token.encode())
        if not is_ours or not url.startswith("https://"):
            return _NOT_FOUND, json.dumps({"error": "not served here"}).encode()
        try:
            return _OK, self._answer(url, body, agent).encode()
        except ExternalServiceError as exc:
            return _BAD_GATEWAY, json.dumps({"error": str(exc)}).encode()

    def _answer(self, url: str, body: str, agent: str) -> str:
        if (url, body) in self._answers:
            return self._answers[url, body].text
        if self.failure is not None:
            raise self.failure
        try:
            self._check_public(url)
            text = self._upstream.fetch(url, body, agent=agent)
        except ExternalServiceError as exc:
            self._failures.append(exc)
            raise
        self._answers[url, body] = RecordedAnswer(url=url, body=body, text=text)
        return text

    def _check_public(self, url: str) -> None:
        if not self._exchange.is_public(url):
            path = urlsplit(url).path
            message = (
                f"the engine asks {self._exchange.name} for {path}, which is not known as a public "
                "address from which markets are loaded: nothing was asked; use another version of "
                "the engine"
            )
            raise ExternalServiceError(
                message, service=self._exchange.name, operation="load markets"
            )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(*relay.respond(self.path, "", self.headers.get("User-Agent", "")))

            def do_POST(self) -> None:
                size = min(int(self.headers.get("Content-Length", 0)), _LARGEST_BODY)
                body = self.rfile.read(size).decode(errors="replace")
                self._send(*relay.respond(self.path, body, self.headers.get("User-Agent", "")))

            def log_message(self, *_args: object) -> None:
                """Say nothing: the address has the token."""

            def _send(self, status: int, answer: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        return Handler
