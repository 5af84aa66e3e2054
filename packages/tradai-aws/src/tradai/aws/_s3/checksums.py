"""Checksums of S3 objects, computed while their bytes pass by.

S3 keeps one checksum of a whole object, or for an object that was uploaded in parts the checksum
of its parts' checksums:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, Protocol, TypeAlias, final

__all__ = ["Checksum", "Tally", "checksum_of", "crc32_text"]

# A stretch of an object: the digest of its bytes, and how many they are.
Stretch: TypeAlias = tuple[bytes, int]

_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31
_X: Final = 1 << 30
_CRC32: Final = "ChecksumCRC32"


class Hash(Protocol):
    """What hashlib's objects are."""

    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


@final
class Crc32:
    """CRC-32 in the shape of hashlib's objects."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


@final
class Nothing:
    """The hash of an object of which S3 keeps none that we know."""

    def update(self, data: bytes | memoryview, /) -> None:
        pass

    def digest(self) -> bytes:
        return b""


# What the standard library can compute, of what S3 can keep.
_HASHES: Final[Mapping[str, Callable[[], Hash]]] = {
    _CRC32: Crc32,
    "ChecksumSHA256": hashlib.sha256,
    "ChecksumSHA1": lambda: hashlib.sha1(usedforsecurity=False),
}


@final
class Tally:
    """Digests of bytes that pass by in order: one for each part, or one for all."""

    def __init__(self, make: Callable[[], Hash], part_size: int | None) -> None:
        self._make = make
        self._part_size = part_size
        self._done: list[Stretch] = []
        self._hash = make()
        self._length = 0

    def update(self, data: bytes) -> None:
        """Take the next bytes into account."""
        view = memoryview(data)
        while self._part_size is not None and len(view) >= self._part_size - self._length:
            end = self._part_size - self._length
            self._take(view[:end])
            self._end_stretch()
            view = view[end:]
        self._take(view)

    def stretches(self) -> list[Stretch]:
        """Return what was found; nothing more may pass by then."""
        if self._length or not self._done:
            self._end_stretch()
        return self._done

    def _take(self, view: memoryview) -> None:
        self._hash.update(view)
        self._length += len(view)

    def _end_stretch(self) -> None:
        self._done.append((self._hash.digest(), self._length))
        self._hash = self._make()
        self._length = 0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What an object should add up to.

    Attributes:
        expected: The digest in Base64; empty when S3 does not say, and anything will do.
        make: Makes the hash.
        part_size: Of an object whose parts were hashed first; None when it was hashed as a whole.
    """

    expected: str = ""
    make: Callable[[], Hash] = Nothing
    part_size: int | None = None

    def tally(self) -> Tally:
        """Return what to show bytes to, from the object's or a part's beginning on."""
        return Tally(self.make, self.part_size)

    def span(self, usual: int, size: int) -> int:
        """Return how long the pieces may be, `usual` if possible, whose tallies can be joined."""
        if self.part_size is not None:
            return -(-usual // self.part_size) * self.part_size
        return usual if self.make in {Nothing, Crc32} else max(size, 1)

    def holds(self, stretches: Iterable[Stretch]) -> bool:
        """Tell whether the stretches of the whole object, in order, are what S3 keeps."""
        if not self.expected:
            return True
        if self.part_size is None:
            digest, _ = reduce(_joined, stretches)
        else:
            outer = self.make()
            outer.update(b"".join(digest for digest, _ in stretches))
            digest = outer.digest()
        return base64.b64encode(digest).decode() == self.expected


def checksum_of(answer: Mapping[str, Any], *, part_size: Callable[[], int]) -> Checksum:
    """Return what the object described by `answer` should add up to.

    Args:
        answer: What HeadObject or GetObject said, with ``ChecksumMode=ENABLED``.
        part_size: Asks for the size of the first part; called for objects made of parts only.
    """
    name = next((one for one in _HASHES if answer.get(one)), None)
    if name is None:
        return Checksum()
    expected, dash, count = answer[name].partition("-")
    if not dash:
        is_whole = answer.get("ChecksumType") == "FULL_OBJECT" or "-" not in answer["ETag"]
        return Checksum(expected=expected, make=_HASHES[name]) if is_whole else Checksum()
    size = part_size()
    if size <= 0 or -(-answer["ContentLength"] // size) != int(count):
        return Checksum()  # parts of different sizes
    return Checksum(expected=expected, make=_HASHES[name], part_size=size)


def crc32_text(data: bytes) -> str:
    """Return the CRC-32 of `data` the way S3 wants it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def _joined(first: Stretch, second: Stretch) -> Stretch:
    """Return the CRC-32 of two stretches side by side.

    A CRC is a remainder of polynomials over two elements, so that of the first is multiplied by x
    once for each bit that follows: https://en.wikipedia.org/wiki/Cyclic_redundancy_check.
    """
    (head, before), (tail, after) = first, second
    shifted = _product(int.from_bytes(head, "big"), _power_of_x(8 * after))
    return (shifted ^ int.from_bytes(tail, "big")).to_bytes(4, "big"), before + after


def _power_of_x(exponent: int) -> int:
    power, square = _ONE, _X
    while exponent:
        if exponent & 1:
            power = _product(power, square)
        square = _product(square, square)
        exponent >>= 1
    return power


def _product(one: int, other: int) -> int:
    """Multiply modulo the polynomial of CRC-32; the highest bit is the lowest power."""
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = (one << 1) & 0xFFFFFFFF
        other = (other >> 1) ^ (_POLYNOMIAL if other & 1 else 0)
    return product
