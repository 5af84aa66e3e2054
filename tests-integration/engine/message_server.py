"""A stand-in on loopback for the receivers of the engine's messages."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, final


@final
class MessageServer:
    """Keeps each message with its path; a receiver that hangs answers when the server ends."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self._heard: list[tuple[str, bytes]] = []
        self._lock = Lock()
        self.ending = Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.keep(self.path, body)
                if self.path.startswith("/hangs"):
                    outer.ending.wait()
                self.send_response(outer.status(self.path))
                self.end_headers()
                if self.path.startswith("/bot"):
                    self.wfile.write(b'{"ok": false, "description": "Unauthorized"}')

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @staticmethod
    def status(path: str) -> int:
        """Return the status of the answer: Telegram knows no token."""
        kinds = {"/gone": 404, "/bot": 401}
        return next((code for kind, code in kinds.items() if path.startswith(kind)), 204)

    def keep(self, path: str, message: bytes) -> None:
        """Keep a message."""
        with self._lock:
            self._heard.append((path, message))

    def heard(self, path: str) -> list[Any]:
        """Return the messages in JSON for `path` so far."""
        with self._lock:
            return [json.loads(message) for at, message in self._heard if at == path]

    def paths(self) -> set[str]:
        """Return each path that was asked so far."""
        with self._lock:
            return {path for path, _ in self._heard}


@contextmanager
def receiving_messages() -> Iterator[MessageServer]:
    """Serve until the end of the block."""
    receiver = MessageServer()
    thread = Thread(target=receiver.server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.ending.set()
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()
