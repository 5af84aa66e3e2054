"""A loopback server that answers the engine with the market rules of a snapshot."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, final

from tradai.entrypoint.freqtrade._markets import MarketsSnapshot

__all__ = ["MarketServer"]


@final
class MarketServer:
    """Serves one snapshot on 127.0.0.1 inside a ``with`` block; has no prices, takes no orders."""

    def __init__(self, snapshot: MarketsSnapshot) -> None:
        """Take the snapshot; nothing listens yet."""
        self._answers: dict[str, Any] = {
            "/api/v3/exchangeInfo": snapshot.exchange_info(),
            "/api/v3/ping": {},
            "/api/v3/time": {"serverTime": int(snapshot.captured_at.timestamp() * 1000)},
        }
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:34567``."""
        if self._server is None:
            message = "the market server is not running"
            raise RuntimeError(message)
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._answers))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def _handler(answers: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            known = path in answers
            answer = answers[path] if known else {"code": -1, "msg": f"no {path} in a backtest"}
            body = json.dumps(answer).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
