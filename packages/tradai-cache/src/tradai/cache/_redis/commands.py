"""Redis commands: steps that threads and tasks send alike, and GET in wire format."""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from tradai.cache._redis.connection_options import Answer

Part: TypeAlias = bytes | str | int
T = TypeVar("T")
# Commands to send one after the other; each answer, or error, is sent back.
Commands: TypeAlias = Generator[tuple[Part, ...], Answer, T]


def pack_get(key: bytes) -> bytes:
    """Return GET in wire format: redis-py takes longer to build it than to send it."""
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key)
