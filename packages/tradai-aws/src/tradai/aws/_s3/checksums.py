"""Checksums of S3 objects, computed while their bytes are read.

S3 keeps one checksum of a whole object, or for a multipart upload the checksum of the checksums of
its parts:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, Protocol, TypeAlias, final

# A segment of an object: the digest of its bytes, and their number.
Segment: TypeAlias = tuple[bytes, int]

_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31
_X: Final = 1 << 30
_CRC32: Final = "ChecksumCRC32"


class Hash(Protocol):
    """The methods of hashlib's objects that are used here."""

    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


@final
class Crc32:
    """CRC-32 with the methods of hashlib's objects."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


@final
class NoHash:
    """Hash of an object for which S3 keeps no checksum that can be computed."""

    def update(self, data: bytes | memoryview, /) -> None:
        pass

    def digest(self) -> bytes:
        return b""


# Checksums of S3 that the standard library can compute.
_HASHES: Final[Mapping[str, Callable[[], Hash]]] = {
    _CRC32: Crc32,
    "ChecksumSHA256": hashlib.sha256,
    "ChecksumSHA1": lambda: hashlib.sha1(usedforsecurity=False),
}


@final
class RunningChecksum:
    """Digests of bytes that arrive in order: one for each part, or one for all."""

    def __init__(self, new_hash: Callable[[], Hash], part_size: int | None) -> None:
        self._new_hash = new_hash
        self._part_size = part_size
        self._segments: list[Segment] = []
        self._hash = new_hash()
        self._length = 0

    def update(self, data: bytes) -> None:
        """Add the next bytes."""
        view = memoryview(data)
        while self._part_size is not None and len(view) >= self._part_size - self._length:
            end = self._part_size - self._length
            self._add(view[:end])
            self._end_segment()
            view = view[end:]
        self._add(view)

    def segments(self) -> list[Segment]:
        """Return the segments; no more bytes may be added afterwards."""
        if self._length or not self._segments:
            self._end_segment()
        return self._segments

    def _add(self, view: memoryview) -> None:
        self._hash.update(view)
        self._length += len(view)

    def _end_segment(self) -> None:
        self._segments.append((self._hash.digest(), self._length))
        self._hash = self._new_hash()
        self._length = 0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """Checksum that an object should have.

    Attributes:
        expected: The digest in Base64; empty when S3 keeps none, and any bytes match.
        new_hash: Creates the hash.
        part_size: Bytes of each part, if the parts were hashed first; None when the object was
            hashed as a whole.
    """

    expected: str = ""
    new_hash: Callable[[], Hash] = NoHash
    part_size: int | None = None

    def start(self) -> RunningChecksum:
        """Return a running checksum for bytes from the beginning of the object or of a part."""
        return RunningChecksum(self.new_hash, self.part_size)

    def piece_size(self, usual: int, size: int) -> int:
        """Return the size of pieces whose segments can be joined, `usual` if possible."""
        if self.part_size is not None:
            return -(-usual // self.part_size) * self.part_size
        return usual if self.new_hash in {NoHash, Crc32} else max(size, 1)

    def matches(self, segments: Iterable[Segment]) -> bool:
        """Tell whether all segments of the object, in order, have the expected checksum."""
        if not self.expected:
            return True
        if self.part_size is None:
            digest, _ = reduce(_join_crc32, segments)
        else:
            outer = self.new_hash()
            outer.update(b"".join(digest for digest, _ in segments))
            digest = outer.digest()
        return base64.b64encode(digest).decode() == self.expected


def checksum_of(response: Mapping[str, Any], *, part_size: Callable[[], int]) -> Checksum:
    """Return the checksum that S3 keeps for an object.

    Args:
        response: Response to HeadObject or GetObject with ``ChecksumMode=ENABLED``.
        part_size: Reads the size of the first part; called for multipart objects only.
    """
    name = next((name for name in _HASHES if response.get(name)), None)
    if name is None:
        return Checksum()
    expected, dash, count = response[name].partition("-")
    if not dash:
        is_whole = response.get("ChecksumType") == "FULL_OBJECT" or "-" not in response["ETag"]
        return Checksum(expected=expected, new_hash=_HASHES[name]) if is_whole else Checksum()
    size = part_size()
    if size <= 0 or -(-response["ContentLength"] // size) != int(count):
        return Checksum()  # parts of different sizes
    return Checksum(expected=expected, new_hash=_HASHES[name], part_size=size)


def crc32_text(data: bytes) -> str:
    """Return the CRC-32 of `data` in the form that S3 takes."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def _join_crc32(first: Segment, second: Segment) -> Segment:
    """Return the CRC-32 of two adjacent segments.

    A CRC is the remainder of a polynomial over the field of two elements, so the CRC of the first
    segment is multiplied by x once for each bit that follows:
    https://en.wikipedia.org/wiki/Cyclic_redundancy_check.
    """
    (head, before), (tail, after) = first, second
    shifted = _multiply(int.from_bytes(head, "big"), _power_of_x(8 * after))
    return (shifted ^ int.from_bytes(tail, "big")).to_bytes(4, "big"), before + after


def _power_of_x(exponent: int) -> int:
    power, square = _ONE, _X
    while exponent:
        if exponent & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        exponent >>= 1
    return power


def _multiply(left: int, right: int) -> int:
    """Multiply modulo the polynomial of CRC-32; the highest bit is the lowest power."""
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = (left << 1) & 0xFFFFFFFF
        right = (right >> 1) ^ (_POLYNOMIAL if right & 1 else 0)
    return product
