"""A loopback server that answers the engine with the market rules of a snapshot."""

import json
import logging
import os
import selectors
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Final, Self, final

from tradai.core import JsonValue
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot

__all__ = ["MarketServer"]

_log: Final = logging.getLogger(__name__)
_INFO: Final = "/api/v3/exchangeInfo"

Answers = Mapping[str, Callable[[], JsonValue]]


@final
class MarketServer:
    """Serves one snapshot on 127.0.0.1 inside a ``with`` block; has no prices, takes no orders.

    One thread answers one request after the other and sleeps in between.
    """

    def __init__(self, snapshot: MarketsSnapshot, *, silence_s: float = 10.0) -> None:
        """Take the snapshot; nothing listens yet.

        Args:
            snapshot: The market rules.
            silence_s: Seconds after which a client that says nothing no longer holds the others.
                The engine asks at once, but the machine may be busy.
        """
        self._silence_s = silence_s
        self._answers: Answers = {
            _INFO: snapshot.exchange_info,
            "/api/v3/ping": dict,
            "/api/v3/time": lambda: {"serverTime": time.time_ns() // 1_000_000},
        }
        self._requests = 0

    @property
    def base_url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:34567``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> int:
        """How often the market rules were asked for."""
        return self._requests

    def __enter__(self) -> Self:
        """Listen on a free port."""
        handler = partial(_Handler, answer=self._answer, silence_s=self._silence_s)
        self._server = _Server(("127.0.0.1", 0), handler)
        # A client that is gone before it is accepted must not be waited for.
        self._server.socket.settimeout(0)
        self._told, self._teller = os.pipe()
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
        os.close(self._teller)
        self._thread.join()
        self._server.server_close()
        os.close(self._told)

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._server, selectors.EVENT_READ)
            selector.register(self._told, selectors.EVENT_READ)
            while self._told not in [key.fileobj for key, _ in selector.select()]:
                self._server.handle_request()

    def _answer(self, path: str) -> JsonValue | None:
        self._requests += path == _INFO
        known = self._answers.get(path)
        return None if known is None else known()


class _Server(socketserver.TCPServer):
    """Not an `HTTPServer`, which asks a name server for its own name."""

    def handle_error(self, *_: object) -> None:
        """Note that a client went away before it had its answer."""
        _log.debug("a request for market rules was not answered", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET with JSON; one request to a connection, so that none is kept waiting."""

    def __init__(
        self,
        *connection: object,
        answer: Callable[[str], JsonValue | None],
        silence_s: float,
    ) -> None:
        self._answer = answer
        self._silence_s = silence_s
        # What the socket server hands over is passed on as it is.
        super().__init__(*connection)  # type: ignore[arg-type]

    def setup(self) -> None:
        """Wait for a client that says nothing no longer than it may hold the others."""
        super().setup()
        self.connection.settimeout(self._silence_s)

    # The name that the standard library looks for.
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        answer = self._answer(path)
        refusal = {"code": -1, "msg": f"{path} is not served here: only market rules are"}
        body = json.dumps(refusal if answer is None else answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
