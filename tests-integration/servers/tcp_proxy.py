"""A proxy on loopback before any server: it records, delays, and cuts or moves the line."""

import contextlib
import socket
import threading
import time
from typing import Self


class TcpProxy:
    """Passes bytes on.

    Attributes:
        port: Where it listens.
        upstream: Port of the server behind it; may be changed, for lines made from then on.
        delay_s: How long every answer is held back.
        sent: What clients have sent so far, each line apart.
    """

    def __init__(self, upstream: int) -> None:
        """Stand before the server on port `upstream` of loopback."""
        self.upstream = upstream
        self.delay_s = 0.0
        self.sent: list[bytearray] = []
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Self:
        """Begin to serve."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def cut(self) -> None:
        """Cut every line there is now."""
        with self._lock:
            lines, self._sockets = self._sockets, set()
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.upstream))
            with server:
                sent = bytearray()
                with self._lock:
                    self._sockets |= {client, server}
                    self.sent.append(sent)
                back = threading.Thread(target=self._answer, args=(server, client), daemon=True)
                back.start()
                while data := client.recv(65536):
                    sent += data
                    server.sendall(data)
                self._end(server)
                back.join()

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                time.sleep(self.delay_s)
                client.sendall(data)
        self._end(client)

    def _end(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
