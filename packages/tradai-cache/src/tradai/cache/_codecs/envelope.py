"""Envelope of a value in the shared tier: its times, and a checksum or MAC over everything."""

import hmac
import struct
import zlib
from hashlib import blake2b
from typing import Final, NamedTuple, TypeAlias, final

# Format 1: magic bytes for checksum or MAC, the checksum, three instants, the payload.
_CHECKSUM_MAGIC: Final = b"tdc1s"
_MAC_MAGIC: Final = b"tdc1k"
_CHECKSUM: Final = slice(len(_CHECKSUM_MAGIC), len(_CHECKSUM_MAGIC) + 16)
_INSTANTS: Final = struct.Struct(">qqq")
_PAYLOAD: Final = slice(_CHECKSUM.stop + _INSTANTS.size, None)
_LONGEST_KEY: Final = 64
# Above this size a strong hash costs too much time; CRC-32 still detects every flipped bit.
_BIG: Final = 1 << 18

Payload: TypeAlias = bytes | memoryview | tuple[bytes | memoryview, ...]
"""A value as bytes; a big one in parts or as a view, because a copy costs time."""


# A tuple, because one is made for every shared hit: a frozen dataclass takes three times as long.
@final
class Envelope(NamedTuple):
    """A value as bytes with its times, in epoch milliseconds in UTC."""

    payload: Payload
    loaded_ms: int
    fresh_until_ms: int
    keep_until_ms: int


def seal(envelope: Envelope, *, identity: bytes, key: bytes | None) -> bytes:
    """Return `envelope` as bytes that are valid for `identity` only.

    Args:
        envelope: The value to store.
        identity: Bytes of the cache key.
        key: Signs with a MAC, which only holders of the key can make.
    """
    payload, *instants = envelope
    parts = payload if isinstance(payload, tuple) else (payload,)
    header = _INSTANTS.pack(*instants)
    return b"".join((_magic(key), _checksum(header, parts, identity, key), header, *parts))


def unseal(data: bytes, *, identity: bytes, key: bytes | None) -> Envelope | None:
    """Return the envelope; None when `data` was not sealed this way.

    Reasons are a flipped bit, a missing end, another cache key, another signing key or none, or
    another format.
    """
    if len(data) < _PAYLOAD.start or not data.startswith(_magic(key)):
        return None
    header = data[_CHECKSUM.stop : _PAYLOAD.start]
    payload = data[_PAYLOAD] if len(data) <= _BIG else memoryview(data)[_PAYLOAD]
    if not hmac.compare_digest(data[_CHECKSUM], _checksum(header, (payload,), identity, key)):
        return None
    return Envelope(payload, *_INSTANTS.unpack(header))


def _magic(key: bytes | None) -> bytes:
    return _CHECKSUM_MAGIC if key is None else _MAC_MAGIC


def _checksum(
    header: bytes, parts: tuple[bytes | memoryview, ...], identity: bytes, key: bytes | None
) -> bytes:
    size = sum(map(len, parts))
    # The lengths are included, so that no byte can move from one part to the next.
    head = b"%d:%d:%b%b" % (len(identity), size, identity, header)
    if key is not None:
        short = key if len(key) <= _LONGEST_KEY else blake2b(key).digest()
        checksum = blake2b(head, digest_size=16, key=short)
    elif size <= _BIG:
        checksum = blake2b(head)
    else:
        return blake2b(head + _crc(parts)).digest()[:16]
    for part in parts:
        checksum.update(part)
    return checksum.digest()[:16]


def _crc(parts: tuple[bytes | memoryview, ...]) -> bytes:
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, crc)
    return crc.to_bytes(4)
