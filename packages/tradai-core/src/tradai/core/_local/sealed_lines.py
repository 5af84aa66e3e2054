"""Lines of JSON that carry a CRC-32 of themselves, so that a torn or damaged one is known."""

import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_SEAL_LENGTH: Final = len(',"crc":"00000000"}')


def seal_line(content: Mapping[str, object]) -> bytes:
    r"""Return `content` as one line, with its end of line.

    >>> seal_line({"step": 1})
    b'{"step":1,"crc":"1119ad91"}\n'

    Args:
        content: JSON that is not empty and has no key ``crc``; NaN and infinity come back too.
    """
    body = _encode(content).encode()
    return body[:-1] + _seal(body) + b"\n"


def unseal_line(line: bytes) -> dict[str, Any] | None:
    """Return the content of `line`, with or without its end of line; None when it is damaged."""
    line = line.removesuffix(b"\n")
    body = line[:-_SEAL_LENGTH] + b"}"
    if line[-_SEAL_LENGTH:] != _seal(body):
        return None
    content: dict[str, Any] = json.loads(body)
    return content


def _seal(body: bytes) -> bytes:
    return b',"crc":"%08x"}' % zlib.crc32(body)
