"""A Docker daemon that gives containers more time to stop than ministack asks for.

ministack stops the container of a task with 5 seconds of grace, whatever the `stopTimeout` of its
definition is. Here it talks to a proxy in front of the daemon, which asks for more.
"""

import contextlib
import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Self, final

_ASKED_BY_MINISTACK = b"/stop?t=5 "


@final
class PatientDocker:
    """A proxy on loopback in front of the Unix socket of a daemon.

    Attributes:
        url: Its address, as in ``DOCKER_HOST``.
    """

    def __init__(self, docker_host: str, *, stop_timeout_s: int) -> None:
        """Make a proxy in front of `docker_host`, which stops containers in `stop_timeout_s`."""
        path, longer = docker_host.removeprefix("unix://"), b"/stop?t=%d " % stop_timeout_s

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with socket.socket(socket.AF_UNIX) as daemon:
                    daemon.connect(path)
                    back = threading.Thread(target=_pass_on, args=(daemon, self.request))
                    back.start()
                    _pass_on(self.request, daemon, longer)
                    back.join()

        self._server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"tcp://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Begin to serve."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving; connections that are open end with their clients."""
        self._server.shutdown()
        self._server.server_close()


def _pass_on(source: socket.socket, target: socket.socket, longer: bytes | None = None) -> None:
    """Pass bytes on until one side is closed."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            # The client sends each request line in one piece.
            target.sendall(data.replace(_ASKED_BY_MINISTACK, longer) if longer else data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
