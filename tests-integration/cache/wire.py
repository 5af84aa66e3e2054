"""Parse the bytes that a proxy has recorded into Redis commands."""

import io
from collections.abc import Iterator

from servers.tcp_proxy import TcpProxy


def commands(proxy: TcpProxy) -> list[tuple[bytes, ...]]:
    """Return every command that was sent through `proxy`, connection by connection."""
    return [command for sent in proxy.sent for command in _commands(io.BytesIO(bytes(sent)))]


def _commands(sent: io.BytesIO) -> Iterator[tuple[bytes, ...]]:
    while header := sent.readline():
        assert header.startswith(b"*"), header
        yield tuple(_part(sent) for _ in range(int(header[1:])))


def _part(sent: io.BytesIO) -> bytes:
    size = sent.readline()
    assert size.startswith(b"$"), size
    part = sent.read(int(size[1:]))
    assert sent.readline() == b"\r\n"
    return part
