"""The envelope has no public name: what is proved here is that nothing harmed is ever read."""

import random

import pytest
from hypothesis import given, strategies as st

from tradai.cache._codecs.envelope import Envelope, Payload, seal, unseal

PLACE = b"markets.1:0123456789abcdef"
KEY = bytes(range(32))
SMALL = b'{"a":1}'
BIG = bytes(range(256)) * 2_000
_ENVELOPE = {"loaded_ms": 1, "fresh_until_ms": 2, "keep_until_ms": 3}

keyed = pytest.mark.parametrize("key", [None, KEY, KEY * 9], ids=["unkeyed", "keyed", "long key"])
sized = pytest.mark.parametrize("payload", [b"", SMALL, BIG], ids=["empty", "small", "big"])


def _sealed(payload: Payload, key: bytes | None) -> bytes:
    return seal(Envelope(payload=payload, **_ENVELOPE), identity=PLACE, key=key)


@given(st.binary(max_size=64), st.binary(max_size=64), st.none() | st.binary(min_size=1))
def test_what_is_sealed_is_unsealed_at_its_place(
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
def test_one_flipped_bit_is_seen(payload: bytes, key: bytes | None) -> None:
    sealed = _sealed(payload, key)
    chosen = random.Random(7)  # noqa: S311
    bits = range(8 * len(sealed))
    ends = [*bits[:400], *bits[-8:]]

    for bit in [*ends, *chosen.sample(bits, min(len(bits), 100))]:
        harmed = bytearray(sealed)
        harmed[bit // 8] ^= 1 << bit % 8
        assert unseal(bytes(harmed), identity=PLACE, key=key) is None


@keyed
@sized
def test_a_missing_or_added_end_is_seen(payload: bytes, key: bytes | None) -> None:
    sealed = _sealed(payload, key)

    for length in {*range(80), len(sealed) // 2, len(sealed) - 4, len(sealed) - 1}:
        if length < len(sealed):
            assert unseal(sealed[:length], identity=PLACE, key=key) is None
    for more in (b"\x00", b"x", sealed):
        assert unseal(sealed + more, identity=PLACE, key=key) is None
        assert unseal(more + sealed, identity=PLACE, key=key) is None


@sized
def test_a_value_of_another_place_is_foreign(payload: bytes) -> None:
    for key in (None, KEY):
        sealed = _sealed(payload, key)
        for elsewhere in (b"", PLACE[:-1], PLACE + b"x", b"markets.2:0123456789abcdef"):
            assert unseal(sealed, identity=elsewhere, key=key) is None


def test_bytes_do_not_move_from_the_place_into_the_value() -> None:
    for key in (None, KEY):
        one = seal(Envelope(b"bc", 1, 2, 3), identity=b"a", key=key)
        other = seal(Envelope(b"c", 1, 2, 3), identity=b"ab", key=key)

        assert one[5:21] != other[5:21]


@sized
def test_only_the_same_key_opens(payload: bytes) -> None:
    keys = (None, KEY, KEY[:-1], KEY + b"x", KEY * 9, KEY * 10)
    for made in keys:
        sealed = _sealed(payload, made)
        assert [key for key in keys if unseal(sealed, identity=PLACE, key=key)] == [made]


def test_parts_are_sealed_as_what_they_are_together() -> None:
    for key in (None, KEY):
        for payload in (SMALL, BIG):
            parts = (payload[:3], b"", memoryview(payload)[3:])
            assert _sealed(parts, key) == _sealed(payload, key)


def test_without_the_key_nobody_makes_a_value() -> None:
    forged = _sealed(SMALL, None)

    assert unseal(forged, identity=PLACE, key=KEY) is None
    assert unseal(b"tdc1k" + forged[5:], identity=PLACE, key=KEY) is None


@given(st.binary(max_size=128))
def test_other_bytes_are_no_value(data: bytes) -> None:
    for key in (None, KEY):
        assert unseal(data, identity=PLACE, key=key) is None
        assert unseal(b"tdc1s" + data, identity=PLACE, key=key) is None
        assert unseal(b"tdc1k" + data, identity=PLACE, key=key) is None
        assert unseal(b"tdc2s" + _sealed(SMALL, key)[5:], identity=PLACE, key=key) is None
