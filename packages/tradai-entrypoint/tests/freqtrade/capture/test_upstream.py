import contextlib
import gzip
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint.freqtrade._capture.upstream import Upstream

URL = "https://api.exchange.test/v5/markets"
PAGE = b"<!DOCTYPE html><html><body>You are blocked</body></html>"


def reply(status: str, body: bytes, *, length: int | None = None, extra: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{extra}\r\n".encode() + body


def compressed(body: bytes, encoding: str = "gzip") -> bytes:
    return reply("200 OK", body, extra=f"Content-Encoding: {encoding}\r\n")


@contextmanager
def sending(
    parts: Sequence[bytes], *, until: Event | None = None
) -> Iterator[tuple[str, bytearray]]:
    """Answer one request with `parts` as they are, and then wait for `until`; yield the address."""
    heard = bytearray()

    def serve() -> None:
        client, _ = server.accept()
        with client, contextlib.suppress(OSError):
            while b"\r\n\r\n" not in heard:
                heard.extend(client.recv(65_536))
            for part in parts:
                client.sendall(part)
            if until is not None:
                until.wait()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        finally:
            if until is not None:
                until.set()
            thread.join()


def failure(
    parts: Sequence[bytes],
    make: Callable[[str], Upstream] | None = None,
    until: Event | None = None,
) -> ExternalServiceError:
    with sending(parts, until=until) as (address, _):
        upstream = make(address) if make else Upstream(exchange="bybit", base_url=address)
        with pytest.raises(ExternalServiceError) as caught:
            upstream.fetch(URL)
    return caught.value


def test_an_answer_is_returned_digit_by_digit() -> None:
    text = '{"tick": 1.0e-05, "step": 0.00010}'

    with sending([reply("200 OK", text.encode())]) as (address, heard):
        assert Upstream(exchange="bybit", base_url=address).fetch(URL) == text

    assert heard.startswith(f"GET /{URL} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_an_answer_that_is_compressed_without_being_asked_is_read(encoding: str) -> None:
    text = json.dumps(["tick", "0.10"] * 1000)

    with sending([compressed(gzip.compress(text.encode()), encoding)]) as (address, _):
        assert Upstream(exchange="bybit", base_url=address).fetch(URL) == text


def test_a_chunked_answer_is_put_together() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    with sending([head, b"3\r\n[1,\r\n", b"3\r\n 2]\r\n", b"0\r\n\r\n"]) as (address, _):
        assert Upstream(exchange="bybit", base_url=address).fetch(URL) == "[1, 2]"


def test_a_body_is_posted_as_json_with_the_name_of_the_client_alone() -> None:
    with sending([reply("200 OK", b"[]")]) as (address, heard):
        Upstream(exchange="hyperliquid", base_url=address).fetch(URL, '{"type":"x"}', agent="me/1")

    head, _, body = bytes(heard).partition(b"\r\n\r\n")
    names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert head.startswith(f"POST /{URL} ".encode())
    assert b"User-Agent: me/1" in head
    assert body in (b"", b'{"type":"x"}')
    assert names == {
        *(b"host", b"connection", b"user-agent", b"accept", b"accept-encoding"),
        *(b"content-type", b"content-length"),
    }


UPGRADE = "No; it will not be answered later either: upgrade tradai-entrypoint or the engine"


@pytest.mark.parametrize(
    ("answer", "said", "retryable"),
    [
        (
            reply("403 Forbidden", PAGE),
            "refused with 403 Forbidden with a web page; the exc",
            False,
        ),
        (
            reply("451 Unavailable", b"{}"),
            "refused with 451 Unavailable; the exchange may not serve this country or network",
            False,
        ),
        (reply("429 Too Many", b"{}"), "refused with 429 Too Many;", True),
        (reply("502 Bad Gateway", PAGE), "refused with 502 Bad Gateway with a web page", True),
        (reply("418 Teapot", b"{}", extra="Retry-After: 30\r\n"), "418 Teapot; wait 30 s", True),
        (
            reply("429 Too Many", b"{}", extra="Retry-After: soon\r\n"),
            "429 Too Many; wait some minutes, and try again",
            True,
        ),
        (
            reply("302 Found", b"", extra="Location: https://www.exchange.test/sorry?x=1\r\n"),
            "refused with 302 Found; it leads to www.exchange.test, which is not followed",
            False,
        ),
        (
            reply("301 Moved", b"", extra="Location: /v6\r\n"),
            "301 Moved; it will not be answered later either: upgrade",
            False,
        ),
        *((reply(f"{code} No", b"{}"), UPGRADE, False) for code in (400, 401, 404, 410)),
        (reply("500 No", b"{}"), "500 No; try again later", True),
        (reply("200 OK", PAGE), "its answer is a web page", True),
        (reply("200 OK", b'{"a": [1, '), "its answer is no whole JSON", True),
        (reply("200 OK", b""), "its answer is no whole JSON", True),
        (reply("200 OK", b"\xff\xfe{}"), "its answer is no whole JSON", True),
        (reply("200 OK", b'{"a": 1}', length=20), "its answer ended 12 bytes too early", True),
        (compressed(b'{"a": 1}', "br"), "is compressed with br, which was not asked for", True),
        # Without the sum at its end, and with another file behind it.
        (compressed(gzip.compress(b'{"a": 1}', mtime=0)[:-8]), "is not one whole file", True),
        (compressed(2 * gzip.compress(b'{"a": 1}', mtime=0)), "is not one whole file", True),
        (compressed(b'{"a": 1}'), "incorrect header check", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n[1, 2, 3\r\n",
            "IncompleteRead",
            True,
        ),
        (b"nonsense\r\n\r\n", "nonsense", True),
        (b"", "Remote end closed connection", True),
    ],
)
def test_a_broken_answer_is_an_error_that_names_the_exchange_and_the_address(
    answer: bytes, said: str, *, retryable: bool
) -> None:
    error = failure([answer])

    assert str(error).startswith("bybit did not answer at api.exchange.test/v5/markets: ")
    assert said in str(error)
    assert error.retryable is retryable
    assert (error.service, error.operation, error.exit_code) == ("bybit", "markets", 69)


def test_a_huge_answer_is_cut_off_at_the_limit() -> None:
    rows = json.dumps(["x" * 1000] * 3000).encode()

    error = failure(
        [reply("200 OK", rows)],
        lambda address: Upstream(exchange="okx", base_url=address, largest_bytes=1024**2),
    )

    assert "its answer has more than 1 MiB" in str(error)


def test_an_answer_that_grows_over_the_limit_when_it_is_opened_is_refused() -> None:
    error = failure(
        [compressed(gzip.compress(b" " * 2 * 1024**2))],
        lambda address: Upstream(exchange="okx", base_url=address, largest_bytes=1024**2),
    )

    assert "its answer has more than 1 MiB" in str(error)


def test_a_compressed_answer_of_the_largest_size_is_read() -> None:
    text = '"' + "x" * (1024**2 - 2) + '"'

    with sending([compressed(gzip.compress(text.encode()))]) as (address, _):
        upstream = Upstream(exchange="okx", base_url=address, largest_bytes=1024**2)
        assert upstream.fetch(URL) == text


def test_silence_is_an_error_after_the_timeout() -> None:
    error = failure(
        [],
        lambda address: Upstream(exchange="okx", base_url=address, timeout_s=0.1),
        until=Event(),
    )

    assert "it did not answer in time" in str(error)


def test_an_answer_that_drips_is_an_error_after_the_deadline() -> None:
    error = failure(
        [reply("200 OK", b"[", length=1000), b" " * 10],
        lambda address: Upstream(exchange="okx", base_url=address, deadline_s=-1.0),
    )

    assert "its answer was not there after" in str(error)


def test_no_server_is_an_error_that_may_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"

    with pytest.raises(ExternalServiceError, match="refused") as caught:
        Upstream(exchange="okx", base_url=address).fetch(URL)

    assert caught.value.retryable
