"""Checksums of whole objects and of parts, tested on the private module: no server is needed."""

import base64
import hashlib
import zlib
from typing import Any

from hypothesis import given, strategies as st

from tradai.aws._s3.checksums import checksum_of

CHUNKS = st.lists(st.binary(max_size=40), max_size=10)


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _crc32(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def _matches(response: dict[str, Any], chunks: list[bytes], *, part_size: int = 0) -> bool | None:
    """Tell whether `chunks` match; None when the response names no usable checksum."""
    checksum = checksum_of(response, part_size=lambda: part_size)
    running = checksum.start()
    for chunk in chunks:
        running.update(chunk)
    fits = checksum.matches(running.segments())
    return fits if checksum.expected else None


@given(CHUNKS, st.integers(0, 2**32))
def test_a_checksum_matches_the_same_bytes_only(chunks: list[bytes], flaw: int) -> None:
    data = b"".join(chunks)
    responses = [
        {"ChecksumCRC32": _text(_crc32(data))},
        {"ChecksumSHA1": _text(hashlib.sha1(data, usedforsecurity=False).digest())},
        {"ChecksumSHA256": _text(hashlib.sha256(data).digest())},
    ]
    damaged = bytearray(data or b"x")
    damaged[flaw % len(damaged)] ^= 1

    for response in responses:
        facts = {"ETag": '"tag"', "ChecksumType": "FULL_OBJECT", **response}
        assert _matches(facts, chunks)
        assert not _matches(facts, [bytes(damaged)])


@given(CHUNKS, st.integers(1, 50))
def test_a_checksum_of_parts_matches_for_any_sizes_of_chunks(
    chunks: list[bytes], part_size: int
) -> None:
    data = b"".join(chunks) or b"x"  # an empty object is not uploaded in parts
    chunks = chunks if any(chunks) else [data]
    parts = [data[start : start + part_size] for start in range(0, len(data), part_size)]
    digests = b"".join(map(_crc32, parts))
    facts = {
        "ETag": f'"tag-{len(parts)}"',
        "ContentLength": len(data),
        "ChecksumCRC32": f"{_text(_crc32(digests))}-{len(parts)}",
        "ChecksumType": "COMPOSITE",
    }

    assert _matches(facts, chunks, part_size=part_size)
    assert not _matches(facts, [*chunks, b"x"], part_size=part_size)


@given(st.binary(max_size=300), st.integers(1, 40), st.integers(1, 120), st.booleans())
def test_segments_of_pieces_are_joined_into_the_checksum_of_the_object(
    data: bytes, part_size: int, usual: int, is_whole: object
) -> None:
    parts = [data[start : start + part_size] for start in range(0, len(data), part_size)]
    whole = {"ETag": '"tag"', "ChecksumCRC32": _text(_crc32(data))}
    in_parts = {
        "ETag": '"tag"',
        "ContentLength": len(data),
        "ChecksumCRC32": f"{_text(_crc32(b''.join(map(_crc32, parts))))}-{len(parts)}",
    }
    facts = whole if is_whole or not parts else in_parts
    checksum = checksum_of(facts, part_size=lambda: part_size)
    length = checksum.piece_size(usual, len(data))

    def matches(text: bytes) -> bool:
        segments = []
        for start in range(0, max(len(text), 1), length):
            running = checksum.start()
            running.update(text[start : start + length])
            segments += running.segments()
        return checksum.matches(segments)

    assert matches(data)
    assert not matches(data + b"x")


def test_a_hash_that_cannot_be_joined_is_read_in_one_piece() -> None:
    facts = {"ETag": '"tag"', "ChecksumSHA256": "AAAA"}

    assert checksum_of(facts, part_size=lambda: 0).piece_size(10, 1_000) == 1_000


def test_a_checksum_that_cannot_be_computed_is_not_guessed() -> None:
    whole = {"ETag": '"tag"', "ContentLength": 10}
    parts = {"ETag": '"tag-2"', "ContentLength": 10}

    assert _matches(whole, []) is None
    assert _matches(whole | {"ChecksumCRC64NVME": "AAAAAAAAAAA="}, []) is None
    # Parts of different sizes.
    assert _matches(parts | {"ChecksumCRC32": "AAAAAA==-2"}, [], part_size=10) is None
    # A checksum without its type, of an object that was uploaded in parts.
    assert _matches(parts | {"ChecksumCRC32": "AAAAAA=="}, []) is None
