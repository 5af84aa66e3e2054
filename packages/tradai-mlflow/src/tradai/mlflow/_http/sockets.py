"""Sockets whose every step ends with the deadline of the attempt.

The timeouts of requests bound each wait for bytes: a server that sends one byte at a time, in the
head of an answer or in its body, keeps a caller for as long as it likes.
"""

import io
import ipaddress
import queue
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from tradai.mlflow._http.attempt import CURRENT, Attempt

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_PIECE: Final = 16_384  # bytes of the largest record of TLS

Address: TypeAlias = tuple[Any, ...]
Addresses: TypeAlias = Sequence[tuple[int, int, int, str, Address]]


@final
class DeadlineSocket:
    """A connected socket, plain or TLS, that obeys the deadline in each step."""

    def __init__(self, wire: socket.socket) -> None:
        """Use `wire`, which this object owns from now on."""
        self._wire = wire

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        """Return an attribute of the socket itself."""
        return getattr(self._wire, name)

    def sendall(self, data: "ReadableBuffer") -> None:
        """Send all of `data`, piece by piece: TLS has the timeout for each record, not for all."""
        attempt = CURRENT.get()
        view = memoryview(data)
        for start in range(0, len(view), _PIECE):
            attempt.bound(self._wire)
            attempt.was_sent = True
            self._wire.sendall(view[start : start + _PIECE])

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file to read the answer from."""
        assert mode == "rb"  # noqa: S101 - http.client asks for nothing else
        return io.BufferedReader(_DeadlineReader(self._wire), 65_536)


@final
class _DeadlineReader(io.RawIOBase):
    """Bytes from a socket; each wait for some ends with the deadline."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        # Holds the socket open until the answer is read, even if the connection is closed.
        self._raw = wire.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        CURRENT.get().bound(self._wire)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is connected to `host`, within the deadline of the attempt.

    Raises:
        socket.gaierror: The name has no address.
        TimeoutError: The deadline is over.
        OSError: No address accepted the connection.
    """
    attempt = CURRENT.get()
    error: OSError | None = None
    addresses = _resolve(host, port, attempt)
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        wire = socket.socket(family, kind, protocol)
        try:
            # An address that is silent leaves time for the others.
            wire.settimeout(attempt.wait_s() / (len(addresses) - tried))
            wire.connect(address)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # TLS, if there is any, is set up in the time that is left.
            attempt.bound(wire)
        except OSError as exc:
            wire.close()
            error = exc
        else:
            return wire
    raise error or OSError("no address")


def _resolve(host: str, port: int, attempt: Attempt) -> Addresses:
    """Look `host` up; in a thread, because the look-up itself knows no deadline."""
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return _look_up(host, port)
    answers: queue.SimpleQueue[Addresses | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(_look_up(host, port))
        except OSError as exc:
            answers.put(exc)
        except UnicodeError:
            # A name with an empty or a very long part is none.
            answers.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))

    threading.Thread(target=look_up, name="mlflow-look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=attempt.wait_s())
    except queue.Empty:
        message = f"the look-up of {host} did not end in time"
        raise TimeoutError(message) from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _look_up(host: str, port: int) -> Addresses:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
