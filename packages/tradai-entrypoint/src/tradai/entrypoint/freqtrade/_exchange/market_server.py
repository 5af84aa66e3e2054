"""A loopback server that gives the engine the market rules of a snapshot."""

import json
import logging
import os
import selectors
import socketserver
import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Final, Self, final

from tradai.core import JsonValue
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

_log: Final = logging.getLogger(__name__)

Response = tuple[HTTPStatus, JsonValue]


@final
class MarketServer:
    """Serves one snapshot on 127.0.0.1 inside a ``with`` block; without prices and orders.

    One thread answers one request after the other and sleeps in between.
    """

    def __init__(self, snapshot: MarketsSnapshot, *, silence_s: float = 10.0) -> None:
        """Take the snapshot; nothing listens yet.

        Args:
            snapshot: The market rules.
            silence_s: Seconds after which a silent client no longer holds up the others. The
                engine sends its request at once, but the machine may be busy.
        """
        self._silence_s = silence_s
        self._exchange = exchange_named(snapshot.exchange)
        self._answers = self._exchange.rest_answers(snapshot.exchange_info)
        self._requests = 0

    @property
    def base_url(self) -> str:
        """Its address, such as ``http://127.0.0.1:34567``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> int:
        """Number of requests for the market rules."""
        return self._requests

    def __enter__(self) -> Self:
        """Listen on a free port."""
        handler = partial(_Handler, respond=self._respond, silence_s=self._silence_s)
        self._server = _Server(("127.0.0.1", 0), handler)
        # A client may be gone before it is accepted; accepting must not wait for the next one.
        self._server.socket.settimeout(0)
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="market-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        os.close(self._stop)
        self._thread.join()
        self._server.server_close()
        os.close(self._stopped)

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._server, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            while self._stopped not in [key.fileobj for key, _ in selector.select()]:
                self._server.handle_request()

    def _respond(self, path: str) -> Response:
        self._requests += path == self._exchange.rules_path
        if path in self._answers:
            return HTTPStatus.OK, self._answers[path]()
        message = f"{path} is not served here: only market rules are"
        return HTTPStatus.NOT_FOUND, self._exchange.rest_error(message)


class _Server(socketserver.TCPServer):
    """Not an `HTTPServer`, which asks a name server for its own name."""

    def handle_error(self, *_: object) -> None:
        """Log that a client disconnected before it had its answer."""
        _log.debug("a request for market rules was not answered", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET with JSON; one request per connection, so that an idle one holds up no other."""

    def __init__(
        self, *connection: object, respond: Callable[[str], Response], silence_s: float
    ) -> None:
        self._respond = respond
        self._silence_s = silence_s
        # The arguments of the socket server are passed on as they are.
        super().__init__(*connection)  # type: ignore[arg-type]

    def setup(self) -> None:
        """Limit how long a silent client can hold up the others."""
        super().setup()
        self.connection.settimeout(self._silence_s)

    # The name that the standard library looks for.
    def do_GET(self) -> None:
        status, answer = self._respond(self.path.partition("?")[0])
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the engine's requests are of no interest."""
