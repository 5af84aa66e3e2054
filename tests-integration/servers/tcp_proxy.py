"""A proxy on loopback in front of a server, which records, delays, cuts or moves connections."""

import contextlib
import socket
import threading
import time
from typing import Self


class TcpProxy:
    """Passes bytes on in both directions.

    Attributes:
        port: Port on which it listens.
        upstream: Port of the server behind it; a change applies to later connections.
        delay_s: Delay of every answer.
        sent: Bytes that clients have sent so far, for each connection.
    """

    def __init__(self, upstream: int) -> None:
        """Make a proxy in front of the server on port `upstream` of loopback."""
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
        """Cut every open connection."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for connected in sockets:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                # At once, so that a cut does not miss it while the server is connected.
                with self._lock:
                    self._sockets.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.upstream))
            with server:
                sent = bytearray()
                with self._lock:
                    if client not in self._sockets:
                        return
                    self._sockets.add(server)
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
