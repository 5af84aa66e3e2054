"""One HTTP request under a deadline, to one host, past any proxy of the environment."""

import io
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Final, cast, final
from urllib.parse import urlsplit

from tradai.entrypoint._live._account.account import RequestTime
from tradai.entrypoint.freqtrade._exchange.exchange import check_exchange_url

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Much more than any answer about one account.
_LARGEST_BYTES: Final = 16 * 1024 * 1024


class NotSentError(Exception):
    """No byte of the request has left: the exchange was not reached."""


class NoAnswerError(Exception):
    """The request may have arrived; no whole answer came before the deadline."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """A whole answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@final
class HttpHost:
    """The host of an exchange; each request has a connection of its own."""

    def __init__(
        self, base_url: str, *, timeout_s: float, time_left: RequestTime | None = None
    ) -> None:
        """Address `base_url`.

        Args:
            base_url: https, or http on a loopback address.
            timeout_s: Deadline of a whole request, and limit of each step of connecting. The
                resolver of host names has limits of its own.
            time_left: Time that may shorten it; by default none.

        Raises:
            ValidationError: `base_url` is neither.
        """
        check_exchange_url(base_url)
        parts = urlsplit(base_url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._port = parts.hostname or "", parts.port
        # A user and a password are no part of it.
        self._address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._time_left = time_left or RequestTime()

    @property
    def limit_s(self) -> float:
        """Seconds that a request may take that begins now; 0 or less sends none."""
        return min(self._timeout_s, self._time_left.left_s)

    def send(self, method: str, target: str, headers: Mapping[str, str]) -> HttpAnswer:
        """Send a request without a body, and return the answer; redirects are not followed.

        Raises:
            NotSentError: There was no connection, no proof of the host's identity, or no time.
            NoAnswerError: There was one, but no whole answer.
        """
        limit_s = self.limit_s
        if limit_s <= 0:
            message = "no time is left for it"
            raise NotSentError(message)
        deadline_s = time.monotonic() + limit_s
        with closing(self._connection(limit_s)) as connection:
            try:
                connection.connect()
            # A host name may have a part that is too long to be asked for.
            except (OSError, UnicodeError) as exc:
                raise NotSentError(f"{self._address} cannot be reached ({_words(exc)})") from exc
            with closing(connection.sock) as line:
                # It does the two things that a connection needs of its socket.
                timed = cast("socket.socket", _TimedSocket(line, deadline_s))
                connection.sock = timed
                try:
                    connection.request(method, f"{self._prefix}{target}", headers=dict(headers))
                    return _read(connection)
                except (OSError, HTTPException) as exc:
                    message = f"{self._address} gave no whole answer ({_words(exc)})"
                    raise NoAnswerError(message) from exc

    def _connection(self, timeout_s: float) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._host, self._port, timeout=timeout_s)
        return HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._tls)


def _words(failure: Exception) -> str:
    return str(failure) or type(failure).__name__


def _read(connection: HTTPConnection) -> HttpAnswer:
    with connection.getresponse() as answer:
        body = answer.read(_LARGEST_BYTES)
        # It closes itself after its last byte.
        if not answer.isclosed():
            message = f"the answer was cut off, or has more than {_LARGEST_BYTES} bytes"
            raise HTTPException(message)
        headers = {name.lower(): text for name, text in answer.getheaders()}
        return HttpAnswer(status=answer.status, headers=headers, body=body)


@final
class _TimedSocket:
    """A connected socket whose every step ends at one deadline.

    The time limit of a plain socket starts again with every byte that comes.
    """

    def __init__(self, line: socket.socket, deadline_s: float) -> None:
        self._line = line
        self._deadline_s = deadline_s

    def sendall(self, data: bytes) -> None:
        self._await_no_longer()
        self._line.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - as a socket is called
        return io.BufferedReader(_TimedReader(self))

    def receive_into(self, buffer: "Buffer") -> int:
        self._await_no_longer()
        return self._line.recv_into(cast("memoryview", buffer))

    def close(self) -> None:
        """Leave the socket open: the answer is still read from it."""

    def _await_no_longer(self) -> None:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            message = "timed out"
            raise TimeoutError(message)
        self._line.settimeout(left_s)


@final
class _TimedReader(io.RawIOBase):
    def __init__(self, line: _TimedSocket) -> None:
        super().__init__()
        self._socket = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        return self._socket.receive_into(buffer)
