"""What surrounds a value in the shared tier: how long it holds, and proof that it is unharmed."""

import hmac
import struct
import zlib
from hashlib import blake2b
from typing import Final, NamedTuple, TypeAlias, final

__all__ = ["Envelope", "Payload", "seal", "unseal"]

# Format 1: what it is and how it is proved, the proof, three instants, the payload.
_SUMMED: Final = b"tdc1s"
_KEYED: Final = b"tdc1k"
_PROOF: Final = slice(len(_SUMMED), len(_SUMMED) + 16)
_INSTANTS: Final = struct.Struct(">qqq")
_PAYLOAD: Final = slice(_PROOF.stop + _INSTANTS.size, None)
_LONGEST_KEY: Final = 64
# Beyond this the time that a strong hash takes is felt; CRC-32 still sees every flipped bit.
_BIG: Final = 1 << 18

Payload: TypeAlias = bytes | memoryview | tuple[bytes | memoryview, ...]
"""A value as bytes; a big one in parts, or as a view, because each copy costs what it is long."""


# A tuple, because one is made for every hit: a frozen dataclass takes three times as long.
@final
class Envelope(NamedTuple):
    """A value as bytes, and how long it holds; instants are epoch milliseconds in UTC."""

    payload: Payload
    loaded_ms: int
    fresh_until_ms: int
    keep_until_ms: int


def seal(envelope: Envelope, *, identity: bytes, key: bytes | None) -> bytes:
    """Return `envelope` as bytes that hold at the place `identity` only.

    Args:
        envelope: What to store.
        identity: Where it will be stored.
        key: Makes the proof one that only those who have the key can make.
    """
    payload, *instants = envelope
    parts = payload if isinstance(payload, tuple) else (payload,)
    header = _INSTANTS.pack(*instants)
    return b"".join((_kind(key), _proof(header, parts, identity, key), header, *parts))


def unseal(data: bytes, *, identity: bytes, key: bytes | None) -> Envelope | None:
    """Return what was sealed; None when anything about `data` is not as it was sealed.

    That is a flipped bit, a missing end, another place, another key or none, another format.
    """
    if len(data) < _PAYLOAD.start or not data.startswith(_kind(key)):
        return None
    header = data[_PROOF.stop : _PAYLOAD.start]
    payload = data[_PAYLOAD] if len(data) <= _BIG else memoryview(data)[_PAYLOAD]
    if not hmac.compare_digest(data[_PROOF], _proof(header, (payload,), identity, key)):
        return None
    return Envelope(payload, *_INSTANTS.unpack(header))


def _kind(key: bytes | None) -> bytes:
    return _SUMMED if key is None else _KEYED


def _proof(
    header: bytes, parts: tuple[bytes | memoryview, ...], identity: bytes, key: bytes | None
) -> bytes:
    size = sum(map(len, parts))
    # Lengths are in it, so that no byte can move from one part to the next.
    head = b"%d:%d:%b%b" % (len(identity), size, identity, header)
    if key is not None:
        short = key if len(key) <= _LONGEST_KEY else blake2b(key).digest()
        proof = blake2b(head, digest_size=16, key=short)
    elif size <= _BIG:
        proof = blake2b(head)
    else:
        return blake2b(head + _crc(parts)).digest()[:16]
    for part in parts:
        proof.update(part)
    return proof.digest()[:16]


def _crc(parts: tuple[bytes | memoryview, ...]) -> bytes:
    found = 0
    for part in parts:
        found = zlib.crc32(part, found)
    return found.to_bytes(4)
