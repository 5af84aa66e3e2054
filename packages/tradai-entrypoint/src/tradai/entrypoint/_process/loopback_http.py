"""A small HTTP server on loopback that no slow client can hold up.

One thread waits for all connections at once. Each connection has one request and a deadline, and
there is a limit to their number: beyond it the oldest is closed.
"""

import contextlib
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, final

_HOST: Final = "127.0.0.1"
_MOST_CONNECTIONS: Final = 128
_LARGEST_REQUEST: Final = 16 * 1024
_MOST_DIGITS: Final = 18
_CHUNK_BYTES: Final = 16 * 1024
_END_OF_HEAD: Final = b"\r\n\r\n"

Response = tuple[HTTPStatus, bytes]
PostHandler = Callable[[str, bytes], Response]


@final
class LoopbackServer:
    """Answers requests with JSON on a port of 127.0.0.1 inside a ``with`` block."""

    def __init__(
        self,
        respond: Callable[[str], Response],
        *,
        respond_to_post: PostHandler | None = None,
        deadline_s: float,
        name: str = "loopback-server",
        port: int = 0,
    ) -> None:
        """Take what answers a request; nothing listens yet.

        Args:
            respond: Called in the server's thread with the target of a GET request, such as
                ``/api?x=1``; returns status and JSON.
            respond_to_post: The same for POST, with the target and the body; None refuses it.
            deadline_s: Seconds after which a connection is closed, whatever its client does.
            name: Name of the thread.
            port: Port to listen on; 0 is any that is free.
        """
        self._respond = respond
        self._respond_to_post = respond_to_post
        self._deadline_s = deadline_s
        self._name = name
        self._wanted_port = port
        # In the order of their deadlines.
        self._connections: dict[socket.socket, _Connection] = {}

    @property
    def port(self) -> int:
        """The port."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        self._listener = socket.create_server((_HOST, self._wanted_port), backlog=_MOST_CONNECTIONS)
        # A client may be gone before it is accepted; accepting must not wait for the next one.
        self._listener.settimeout(0)
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening, and close all connections."""
        os.close(self._stop)
        self._thread.join()
        self._listener.close()
        os.close(self._stopped)

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            self._selector = selector
            selector.register(self._stopped, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ, self._accept)
            while self._handle_events():
                self._close_expired()
            for connection in list(self._connections):
                self._close(connection)

    def _handle_events(self) -> bool:
        """Wait for events and handle them; return whether to go on."""
        for key, _ in self._selector.select(self._timeout_s()):
            if key.data is None:
                return False
            key.data()
        return True

    def _timeout_s(self) -> float | None:
        oldest = next(iter(self._connections.values()), None)
        return None if oldest is None else max(0.0, oldest.deadline - time.monotonic())

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            # It was gone before it was accepted.
            return
        if len(self._connections) >= _MOST_CONNECTIONS:
            # The engine sends its request at once, so the oldest is the least likely to be it.
            self._close(next(iter(self._connections)))
        client.settimeout(0)
        deadline = time.monotonic() + self._deadline_s
        connection = _Connection(client, self._respond, self._respond_to_post, deadline)
        self._connections[client] = connection
        self._watch(connection, selectors.EVENT_READ)

    def _watch(self, connection: "_Connection", event: int) -> None:
        self._selector.register(connection.client, event, lambda: self._advance(connection))

    def _advance(self, connection: "_Connection") -> None:
        if connection.client not in self._connections:
            # An earlier event of this round needed its place.
            return
        was_answering = connection.is_answering
        try:
            is_over = connection.advance()
        except OSError:
            # The client disconnected before it had its answer.
            is_over = True
        if is_over:
            self._close(connection.client)
        elif connection.is_answering != was_answering:
            self._selector.unregister(connection.client)
            is_writing = connection.is_answering
            self._watch(connection, selectors.EVENT_WRITE if is_writing else selectors.EVENT_READ)

    def _close_expired(self) -> None:
        now = time.monotonic()
        for client, connection in list(self._connections.items()):
            if connection.deadline > now:
                return
            self._close(client)

    def _close(self, client: socket.socket) -> None:
        del self._connections[client]
        self._selector.unregister(client)
        client.close()


@final
class _Connection:
    """One request and its answer.

    Attributes:
        client: The socket, which never blocks.
        deadline: When it is closed, by the monotonic clock.
        is_answering: Whether it waits to write.
    """

    def __init__(
        self,
        client: socket.socket,
        respond: Callable[[str], Response],
        respond_to_post: PostHandler | None,
        deadline: float,
    ) -> None:
        self.client = client
        self.deadline = deadline
        self.is_answering = False
        self._respond = respond
        self._respond_to_post = respond_to_post
        self._is_answered = False
        self._request = b""
        self._unsent = memoryview(b"")

    def advance(self) -> bool:
        """Read or write what is possible now; return whether the connection is over.

        Raises:
            OSError: The client is gone.
        """
        with contextlib.suppress(BlockingIOError):
            return self._write() if self.is_answering else self._read()
        return False

    def _read(self) -> bool:
        data = self.client.recv(_CHUNK_BYTES)
        if not data:
            return True
        if self._is_answered:
            # The rest of the request is read, because closing earlier could cut the answer off.
            return False
        self._request += data
        if self._is_whole():
            self._answer(*self._response())
        elif len(self._request) > _LARGEST_REQUEST:
            self._answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"{}")
        return False

    def _is_whole(self) -> bool:
        head, found, body = self._request.partition(_END_OF_HEAD)
        takes_body = self._respond_to_post is not None and head.startswith(b"POST ")
        return bool(found) and (not takes_body or len(body) >= _body_size(head))

    def _response(self) -> Response:
        head, _, body = self._request.partition(_END_OF_HEAD)
        match head.partition(b"\r\n")[0].decode("latin-1").split(" "):
            case ["GET", target, _]:
                return self._respond(target)
            case ["POST", target, _] if self._respond_to_post is not None:
                return self._respond_to_post(target, body[: _body_size(head)])
            case [_, _, _]:
                return HTTPStatus.NOT_IMPLEMENTED, b"{}"
            case _:
                return HTTPStatus.BAD_REQUEST, b"{}"

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        head = (
            f"HTTP/1.0 {status.value} {status.phrase}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._is_answered = True
        self._unsent = memoryview(head.encode() + body)
        self.is_answering = True

    def _write(self) -> bool:
        self._unsent = self._unsent[self.client.send(self._unsent) :]
        if not self._unsent.nbytes:
            self.client.shutdown(socket.SHUT_WR)
            self.is_answering = False
        return False


def _body_size(head: bytes) -> int:
    """Return the size of the body that `head` announces; 0 when it announces none."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            # A number of thousands of digits is an error to Python.
            return int(value) if len(value.strip()) <= _MOST_DIGITS else sys.maxsize
    return 0
