"""Checksums of whole objects and of parts; through the private module, as no server is needed."""

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


def _holds(answer: dict[str, Any], chunks: list[bytes], *, part_size: int = 0) -> bool | None:
    """Tell whether `chunks` fit; None when there is nothing that they must fit."""
    checksum = checksum_of(answer, part_size=lambda: part_size)
    tally = checksum.tally()
    for chunk in chunks:
        tally.update(chunk)
    fits = checksum.holds(tally.stretches())
    return fits if checksum.expected else None


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
    data = b"".join(chunks) or b"x"  # what is empty is not made of parts
    chunks = chunks if any(chunks) else [data]
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


@given(st.binary(max_size=300), st.integers(1, 40), st.integers(1, 120), st.booleans())
def test_pieces_that_were_read_side_by_side_add_up(
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
    span = checksum.span(usual, len(data))

    def holds(text: bytes) -> bool:
        stretches = []
        for start in range(0, max(len(text), 1), span):
            tally = checksum.tally()
            tally.update(text[start : start + span])
            stretches += tally.stretches()
        return checksum.holds(stretches)

    assert holds(data)
    assert not holds(data + b"x")


def test_what_cannot_be_joined_is_read_in_one_piece() -> None:
    facts = {"ETag": '"tag"', "ChecksumSHA256": "AAAA"}

    assert checksum_of(facts, part_size=lambda: 0).span(10, 1_000) == 1_000


def test_what_cannot_be_computed_is_not_guessed() -> None:
    whole = {"ETag": '"tag"', "ContentLength": 10}
    parts = {"ETag": '"tag-2"', "ContentLength": 10}

    assert _holds(whole, []) is None
    assert _holds(whole | {"ChecksumCRC64NVME": "AAAAAAAAAAA="}, []) is None
    # Parts of different sizes, or a server that does not tell them apart.
    assert _holds(parts | {"ChecksumCRC32": "AAAAAA==-2"}, [], part_size=10) is None
    # A checksum without its kind, of an object that was made of parts.
    assert _holds(parts | {"ChecksumCRC32": "AAAAAA=="}, []) is None
