"""Checksums of S3 objects, computed while their bytes pass by.

S3 keeps one checksum of a whole object, or for an object that was uploaded in parts the checksum
of its parts' checksums:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, final

__all__ = ["Checksum", "checksum_of", "crc32_text"]


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
class Composite:
    """The hash of the hashes of parts, which are equally long but for the last."""

    def __init__(self, make: Callable[[], Hash], *, part_size: int) -> None:
        self._make = make
        self._part_size = part_size
        self._outer = make()
        self._part = make()
        self._left = part_size

    def update(self, data: bytes | memoryview, /) -> None:
        view = memoryview(data)
        while len(view) >= self._left:
            self._part.update(view[: self._left])
            view = view[self._left :]
            self._end_part()
        self._part.update(view)
        self._left -= len(view)

    def digest(self) -> bytes:
        if self._left < self._part_size:
            self._end_part()
        return self._outer.digest()

    def _end_part(self) -> None:
        self._outer.update(self._part.digest())
        self._part = self._make()
        self._left = self._part_size


# What the standard library can compute, of what S3 can keep.
_HASHES: Final[Mapping[str, Callable[[], Hash]]] = {
    "ChecksumCRC32": Crc32,
    "ChecksumSHA256": hashlib.sha256,
    "ChecksumSHA1": lambda: hashlib.sha1(usedforsecurity=False),
}


@final
class Checksum:
    """What an object's bytes should add up to, and what they do so far."""

    def __init__(self, expected: str, running: Hash) -> None:
        """Expect a digest in Base64, `expected`, of what is fed to `running`."""
        self._expected = expected
        self._running = running

    def update(self, data: bytes) -> None:
        """Take the next bytes into account."""
        self._running.update(data)

    def holds(self) -> bool:
        """Tell whether all bytes together are what S3 keeps."""
        return base64.b64encode(self._running.digest()).decode() == self._expected


def checksum_of(answer: Mapping[str, Any], *, part_size: Callable[[], int]) -> Checksum | None:
    """Return what the object described by `answer` should add up to; None if S3 does not say.

    Args:
        answer: What HeadObject or GetObject said, with ``ChecksumMode=ENABLED``.
        part_size: Asks for the size of the first part; called for objects made of parts only.
    """
    name = next((one for one in _HASHES if answer.get(one)), None)
    if name is None:
        return None
    expected, dash, count = answer[name].partition("-")
    if not dash:
        is_whole = answer.get("ChecksumType") == "FULL_OBJECT" or "-" not in answer["ETag"]
        return Checksum(expected, _HASHES[name]()) if is_whole else None
    size = part_size()
    if size <= 0 or -(-answer["ContentLength"] // size) != int(count):
        return None  # parts of different sizes
    return Checksum(expected, Composite(_HASHES[name], part_size=size))


def crc32_text(data: bytes) -> str:
    """Return the CRC-32 of `data` the way S3 wants it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
