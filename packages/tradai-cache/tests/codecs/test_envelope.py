"""Sealed values: damaged or foreign bytes are never read. Private, so tested directly."""

import random

import pytest
from hypothesis import given, strategies as st

from tradai.cache._codecs.envelope import Envelope, Payload, seal, unseal

IDENTITY = b"markets.1:0123456789abcdef"
KEY = bytes(range(32))
SMALL = b'{"a":1}'
BIG = bytes(range(256)) * 2_000
_ENVELOPE = {"loaded_ms": 1, "fresh_until_ms": 2, "keep_until_ms": 3}

keyed = pytest.mark.parametrize("key", [None, KEY, KEY * 9], ids=["unkeyed", "keyed", "long key"])
sized = pytest.mark.parametrize("payload", [b"", SMALL, BIG], ids=["empty", "small", "big"])


def _sealed(payload: Payload, key: bytes | None) -> bytes:
    return seal(Envelope(payload=payload, **_ENVELOPE), identity=IDENTITY, key=key)


@given(st.binary(max_size=64), st.binary(max_size=64), st.none() | st.binary(min_size=1))
def test_a_sealed_value_is_unsealed_under_its_key(
    payload: bytes, identity: bytes, key: bytes | None
) -> None:
    envelope = Envelope(
        payload=payload, loaded_ms=-1, fresh_until_ms=2**63 - 1, keep_until_ms=-(2**63)
    )

    sealed = seal(envelope, identity=identity, key=key)

    assert unseal(sealed, identity=identity, key=key) == envelope
    assert unseal(sealed, identity=identity + b"x", key=key) is None


@keyed
@sized
def test_one_flipped_bit_is_detected(payload: bytes, key: bytes | None) -> None:
    sealed = _sealed(payload, key)
    chosen = random.Random(7)  # noqa: S311
    bits = range(8 * len(sealed))
    ends = [*bits[:400], *bits[-8:]]

    for bit in [*ends, *chosen.sample(bits, min(len(bits), 100))]:
        harmed = bytearray(sealed)
        harmed[bit // 8] ^= 1 << bit % 8
        assert unseal(bytes(harmed), identity=IDENTITY, key=key) is None


@keyed
@sized
def test_a_missing_or_added_end_is_detected(payload: bytes, key: bytes | None) -> None:
    sealed = _sealed(payload, key)

    for length in {*range(80), len(sealed) // 2, len(sealed) - 4, len(sealed) - 1}:
        if length < len(sealed):
            assert unseal(sealed[:length], identity=IDENTITY, key=key) is None
    for more in (b"\x00", b"x", sealed):
        assert unseal(sealed + more, identity=IDENTITY, key=key) is None
        assert unseal(more + sealed, identity=IDENTITY, key=key) is None


@sized
def test_a_value_sealed_for_another_key_is_rejected(payload: bytes) -> None:
    for key in (None, KEY):
        sealed = _sealed(payload, key)
        for elsewhere in (b"", IDENTITY[:-1], IDENTITY + b"x", b"markets.2:0123456789abcdef"):
            assert unseal(sealed, identity=elsewhere, key=key) is None


def test_bytes_cannot_move_from_the_key_into_the_value() -> None:
    for key in (None, KEY):
        one = seal(Envelope(b"bc", 1, 2, 3), identity=b"a", key=key)
        other = seal(Envelope(b"c", 1, 2, 3), identity=b"ab", key=key)

        assert one[5:21] != other[5:21]


@sized
def test_only_the_same_signing_key_unseals(payload: bytes) -> None:
    keys = (None, KEY, KEY[:-1], KEY + b"x", KEY * 9, KEY * 10)
    for made in keys:
        sealed = _sealed(payload, made)
        assert [key for key in keys if unseal(sealed, identity=IDENTITY, key=key)] == [made]


def test_parts_are_sealed_like_their_concatenation() -> None:
    for key in (None, KEY):
        for payload in (SMALL, BIG):
            parts = (payload[:3], b"", memoryview(payload)[3:])
            assert _sealed(parts, key) == _sealed(payload, key)


def test_a_value_cannot_be_made_without_the_signing_key() -> None:
    forged = _sealed(SMALL, None)

    assert unseal(forged, identity=IDENTITY, key=KEY) is None
    assert unseal(b"tdc1k" + forged[5:], identity=IDENTITY, key=KEY) is None


@given(st.binary(max_size=128))
def test_foreign_bytes_are_rejected(data: bytes) -> None:
    for key in (None, KEY):
        assert unseal(data, identity=IDENTITY, key=key) is None
        assert unseal(b"tdc1s" + data, identity=IDENTITY, key=key) is None
        assert unseal(b"tdc1k" + data, identity=IDENTITY, key=key) is None
        assert unseal(b"tdc2s" + _sealed(SMALL, key)[5:], identity=IDENTITY, key=key) is None
