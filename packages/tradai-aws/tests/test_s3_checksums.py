"""Checksums of whole objects and of parts; through the private module, as no server is needed."""

import base64
import hashlib
import zlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tradai.aws._s3_checksums import checksum_of

CHUNKS = st.lists(st.binary(max_size=40), max_size=10)


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _crc32(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def _holds(answer: dict[str, Any], chunks: list[bytes], *, part_size: int = 0) -> bool | None:
    checksum = checksum_of(answer, part_size=lambda: part_size)
    if checksum is None:
        return None
    for chunk in chunks:
        checksum.update(chunk)
    return checksum.holds()


@given(CHUNKS, st.integers(0, 2**32))
def test_a_checksum_holds_for_the_same_bytes_only(chunks: list[bytes], flaw: int) -> None:
    data = b"".join(chunks)
    answers = [
        {"ChecksumCRC32": _text(_crc32(data))},
        {"ChecksumSHA1": _text(hashlib.sha1(data, usedforsecurity=False).digest())},
        {"ChecksumSHA256": _text(hashlib.sha256(data).digest())},
    ]
    damaged = bytearray(data or b"x")
    damaged[flaw % len(damaged)] ^= 1

    for answer in answers:
        facts = {"ETag": '"tag"', "ChecksumType": "FULL_OBJECT", **answer}
        assert _holds(facts, chunks)
        assert not _holds(facts, [bytes(damaged)])


@given(CHUNKS, st.integers(1, 50))
def test_a_checksum_of_parts_holds_however_the_bytes_arrive(
    chunks: list[bytes], part_size: int
) -> None:
    data = b"".join(chunks)
    parts = [data[start : start + part_size] for start in range(0, len(data), part_size)]
    digests = b"".join(map(_crc32, parts))
    facts = {
        "ETag": f'"tag-{len(parts)}"',
        "ContentLength": len(data),
        "ChecksumCRC32": f"{_text(_crc32(digests))}-{len(parts)}",
        "ChecksumType": "COMPOSITE",
    }

    assert _holds(facts, chunks, part_size=part_size)
    assert not _holds(facts, [*chunks, b"x"], part_size=part_size)


def test_what_cannot_be_computed_is_not_guessed() -> None:
    whole = {"ETag": '"tag"', "ContentLength": 10}
    parts = {"ETag": '"tag-2"', "ContentLength": 10}

    assert _holds(whole, []) is None
    assert _holds(whole | {"ChecksumCRC64NVME": "AAAAAAAAAAA="}, []) is None
    # Parts of different sizes, or a server that does not tell them apart.
    assert _holds(parts | {"ChecksumCRC32": "AAAAAA==-2"}, [], part_size=10) is None
    # A checksum without its kind, of an object that was made of parts.
    assert _holds(parts | {"ChecksumCRC32": "AAAAAA=="}, []) is None
