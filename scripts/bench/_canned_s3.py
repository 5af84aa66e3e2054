"""A server with canned S3 responses that costs little CPU, so that a benchmark measures the client.

It has one object of 256 MiB, a listing of 10,000 keys, and 1,000 objects of 2 kB below ``inputs/``,
and drops uploads. It prints its address and serves until it is killed. ``--latency-ms`` delays each
response.
"""

import argparse
import re
import socket
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Iterable

INPUTS = 1_000
INPUT = bytes(2_000)
SIZE = 256 * 1024 * 1024
KEYS = 10_000
PAGE = 1_000
DATA = memoryview(bytes(range(256)) * (SIZE // 256))
CRC32 = b64encode(zlib.crc32(DATA).to_bytes(4, "big")).decode()
HEADERS = (
    'ETag: "whole"\r\nLast-Modified: Tue, 24 Nov 2026 09:00:00 GMT\r\n'
    "Accept-Ranges: bytes\r\nContent-Type: binary/octet-stream\r\n"
)
CHECKSUM = f"x-amz-checksum-crc32: {CRC32}\r\nx-amz-checksum-type: FULL_OBJECT\r\n"
RANGE = re.compile(rb"\r\nrange: bytes=(\d+)-(\d*)", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
INPUT_NAME = re.compile(rb"/inputs/P(\d+)_")
TOKEN = re.compile(rb"continuation-token=(\d+)")
BUFFER = 1 << 20


def rows_of(names: Iterable[str]) -> str:
    """Return the objects `names` as they are listed."""
    return "".join(
        f"<Contents><Key>{name}</Key>"
        "<LastModified>2026-11-24T09:00:00.000Z</LastModified>"
        f'<ETag>"{number:032x}"</ETag><Size>{number}</Size>'
        "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for number, name in enumerate(names)
    )


def page(first: int) -> bytes:
    """Return one page of the listing."""
    rows = rows_of(f"ohlcv/BTC_USDT/{number:08}.parquet" for number in range(first, first + PAGE))
    after = first + PAGE
    more = (
        f"<IsTruncated>true</IsTruncated><NextContinuationToken>{after}</NextContinuationToken>"
        if after < KEYS
        else "<IsTruncated>false</IsTruncated>"
    )
    return listing(more, rows)


def listing(more: str, rows: str) -> bytes:
    """Return a page with `rows`; `more` tells whether another follows."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult '
        'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lake</Name><Prefix/>'
        f"<MaxKeys>{PAGE}</MaxKeys><EncodingType>url</EncodingType><KeyCount>{PAGE}</KeyCount>"
        f"{more}{rows}</ListBucketResult>"
    ).encode()


LAST = "<IsTruncated>false</IsTruncated>"
INPUTS_PAGE = listing(
    LAST, rows_of(f"inputs/P{number:03}_USDT-5m.feather" for number in range(INPUTS))
)
PAGES = {str(first).encode(): page(first) for first in range(0, KEYS, PAGE)}
CREATED = b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
COMPLETED = b'<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>'


def serve(connection: socket.socket, latency_s: float) -> None:
    """Serve the requests of one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    scratch = bytearray(BUFFER)
    pending = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in pending:
                received = connection.recv(65_536)
                if not received:
                    return
                pending += received
            head, _, pending = pending.partition(b"\r\n\r\n")
            pending = discard_body(connection, head, pending, scratch)
            time.sleep(latency_s)
            answer(connection, head)


def discard_body(
    connection: socket.socket, head: bytes, pending: bytes, scratch: bytearray
) -> bytes:
    """Read the body of a request and return the bytes after it."""
    match = LENGTH.search(head)
    left = int(match[1]) if match else 0
    if b"\r\nexpect: 100-continue" in head.lower():
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body, pending = pending[:left], pending[left:]
    left -= len(body)
    view = memoryview(scratch)
    while left:
        left -= connection.recv_into(view[: min(left, BUFFER)])
    return pending


def answer(connection: socket.socket, head: bytes) -> None:
    """Send the response to one request."""
    line = head.split(b"\r\n", 1)[0]
    if b"prefix=inputs" in line:
        reply(connection, "200 OK", "", INPUTS_PAGE)
    elif match := INPUT_NAME.search(line):
        etag = f'ETag: "{int(match[1]):032x}"\r\nLast-Modified: Tue, 24 Nov 2026 09:00:00 GMT\r\n'
        reply(connection, "200 OK", etag, INPUT)
    elif line.startswith(b"GET") and b"list-type=2" in line:
        match = TOKEN.search(line)
        reply(connection, "200 OK", "", PAGES[match[1] if match else b"0"])
    elif line.startswith((b"GET", b"HEAD")):
        send_object(connection, head, is_head=line.startswith(b"HEAD"))
    elif line.startswith(b"POST"):
        reply(connection, "200 OK", "", CREATED if b"uploads" in line else COMPLETED)
    else:
        reply(connection, "200 OK", 'ETag: "part"\r\n', b"")


def send_object(connection: socket.socket, head: bytes, *, is_head: bool) -> None:
    """Send the object or a range of it."""
    match = RANGE.search(head)
    if match is None:
        checksum = CHECKSUM if b"x-amz-checksum-mode" in head.lower() else ""
        reply(connection, "200 OK", HEADERS + checksum, DATA, is_head=is_head)
        return
    first = int(match[1])
    last = min(int(match[2] or SIZE - 1), SIZE - 1)
    headers = f"{HEADERS}Content-Range: bytes {first}-{last}/{SIZE}\r\n"
    reply(connection, "206 Partial Content", headers, DATA[first : last + 1], is_head=is_head)


def reply(
    connection: socket.socket,
    status: str,
    headers: str,
    body: bytes | memoryview,
    *,
    is_head: bool = False,
) -> None:
    """Send one response."""
    head = f"HTTP/1.1 {status}\r\nServer: canned\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode())
    if not is_head:
        connection.sendall(body)


def main() -> None:
    """Listen on a free port of loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=0)
    latency_s = parser.parse_args().latency_ms / 1_000
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(f"http://127.0.0.1:{server.getsockname()[1]}", flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection, latency_s), daemon=True).start()


if __name__ == "__main__":
    main()
