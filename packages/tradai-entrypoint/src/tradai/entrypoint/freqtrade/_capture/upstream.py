"""One public request to an exchange, within limits of time and size."""

import json
import time
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import IO, Any, Final, final
from urllib.error import HTTPError
from urllib.parse import urlsplit

from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint._runs.parameters import is_loopback_url
from tradai.entrypoint.freqtrade._exchange.refusals import may_pass, next_step

_CHUNK_BYTES: Final = 256 * 1024
_LATER: Final = "try again later, or from a network that the exchange serves"
_GZIP: Final = 31  # zlib's number for data with gzip's header.


class _UnusableError(Exception):
    """An answer that cannot be used, and the reason."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes an error of a redirect: an exchange has its answers where its client asks."""

    def redirect_request(self, *_args: object, **_options: object) -> None:
        return None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The REST API of an exchange.

    Attributes:
        exchange: Its name, for messages.
        base_url: Address that answers in its place, at a path that is the address at the exchange;
            None is the exchange itself.
        timeout_s: Longest silence of a connection.
        deadline_s: Longest time of one answer.
        largest_bytes: Size of the largest answer.
    """

    exchange: str
    base_url: str | None
    timeout_s: float = 20.0
    deadline_s: float = 120.0
    largest_bytes: int = 64 * 1024 * 1024

    def fetch(self, url: str, body: str = "", *, agent: str = "tradai") -> str:
        """Return the JSON at `url`, as it was sent; `body` makes it a POST request.

        Raises:
            ExternalServiceError: The exchange was not reachable, refused, or sent something else
                than one whole JSON answer.
        """
        address = url if self.base_url is None else f"{self.base_url.rstrip('/')}/{url}"
        headers = {"User-Agent": agent, "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        # The scheme is https, or the address is on this machine: it was checked (S310).
        request = urllib.request.Request(  # noqa: S310
            address, data=body.encode() if body else None, headers=headers
        )
        try:
            with _opener(address).open(request, timeout=self.timeout_s) as answer:
                sent = b"".join(self._chunks(answer))
                return _checked(self._plain(sent, answer.headers.get("Content-Encoding", "")))
        except HTTPError as exc:
            with exc:
                why = f"{_refused(exc)}; {next_step(exc)}"
                raise self._error(url, why, retryable=may_pass(exc)) from exc
        except _UnusableError as exc:
            raise self._error(url, f"{exc}; {_LATER}", retryable=True) from exc
        except (OSError, HTTPException, zlib.error) as exc:
            raise self._error(url, f"{_broken(exc)}; {_LATER}", retryable=True) from exc

    def _chunks(self, answer: HTTPResponse) -> Iterator[bytes]:
        until, size = time.monotonic() + self.deadline_s, 0
        while chunk := answer.read1(_CHUNK_BYTES):
            size += len(chunk)
            if size > self.largest_bytes:
                raise self._too_large()
            if time.monotonic() > until:
                message = f"its answer was not there after {self.deadline_s:g} s"
                raise _UnusableError(message)
            yield chunk
        if answer.length:
            message = f"its answer ended {answer.length} bytes too early"
            raise _UnusableError(message)

    def _plain(self, body: bytes, encoding: str) -> bytes:
        """Undo the compression of an answer; some servers compress without being asked."""
        if encoding.lower() in ("", "identity"):
            return body
        if encoding.lower() not in ("gzip", "x-gzip"):
            message = f"its answer is compressed with {encoding}, which was not asked for"
            raise _UnusableError(message)
        stream = zlib.decompressobj(_GZIP)
        text = stream.decompress(body, self.largest_bytes + 1)
        if len(text) > self.largest_bytes:
            raise self._too_large()
        if not stream.eof or stream.unused_data:
            message = "its compressed answer is not one whole file"
            raise _UnusableError(message)
        return text

    def _too_large(self) -> _UnusableError:
        return _UnusableError(f"its answer has more than {self.largest_bytes // 1024**2} MiB")

    def _error(self, url: str, why: str, *, retryable: bool) -> ExternalServiceError:
        parts = urlsplit(url)
        return ExternalServiceError(
            f"{self.exchange} did not answer at {parts.hostname}{parts.path}: {why}",
            service=self.exchange,
            operation=parts.path.rpartition("/")[2],
            retryable=retryable,
        )


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return an opener for `url`, which goes past any proxy when it is on this machine."""
    if is_loopback_url(url, schemes=("http", "https")):
        return urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(_NoRedirect)


def _checked(answer: bytes) -> str:
    """Return `answer` as text; refuse what is not JSON."""
    try:
        text = answer.decode()
        json.loads(text)
    # Deep nesting is a RecursionError.
    except (ValueError, RecursionError):
        kind = "a web page" if _is_page(answer) else "no whole JSON"
        message = f"its answer is {kind}"
        raise _UnusableError(message) from None
    return text


def _refused(exc: HTTPError) -> str:
    page = " with a web page" if _is_page(_start(exc)) else ""
    return f"it refused with {exc.code} {exc.reason}{page}"


def _start(answer: IO[Any]) -> bytes:
    try:
        return bytes(answer.read(1024))
    except (OSError, HTTPException):
        return b""


def _is_page(text: bytes) -> bool:
    return text.lstrip().startswith(b"<")


def _broken(exc: Exception) -> str:
    reason = getattr(exc, "reason", exc)
    is_slow = isinstance(reason, TimeoutError)
    return "it did not answer in time" if is_slow else str(reason) or type(reason).__name__
