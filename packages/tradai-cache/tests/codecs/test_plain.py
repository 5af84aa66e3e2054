"""Codec of plain data: exact types and values. Private, so tested directly."""

import json
import math
import struct
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st
from pydantic import SecretBytes, SecretStr

from tradai.cache._codecs.codec import codec_for
from tradai.cache._codecs.secret_scan import Uncacheable, Undecodable
from tradai.core import Secret

CODEC = codec_for(None)
BERLIN = ZoneInfo("Europe/Berlin")


def _seen(value: object) -> object:
    """Return an object that is equal exactly for identical values, with types and float bits."""
    kind = type(value).__qualname__
    if isinstance(value, float):
        return kind, "nan" if math.isnan(value) else struct.pack("d", value)
    if isinstance(value, dict):
        return kind, [(_seen(key), _seen(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return kind, [_seen(item) for item in value]
    if isinstance(value, set | frozenset):
        return kind, sorted(repr(_seen(item)) for item in value)
    if isinstance(value, datetime | time):
        zone = repr(value.tzinfo)
        return kind, value.replace(tzinfo=None, fold=0).isoformat(), value.fold, zone
    return kind, str(value) if isinstance(value, Decimal) else value


_zones = st.sampled_from(
    [None, UTC, BERLIN, ZoneInfo("UTC"), timezone(timedelta(hours=-5, seconds=7), "odd")]
)
_texts = st.text(st.characters(codec=None), max_size=8)
_scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    _texts,
    st.binary(max_size=8),
    st.decimals(allow_nan=True),
    st.datetimes(timezones=_zones),
    st.builds(lambda at, fold: at.replace(fold=fold), st.datetimes(), st.sampled_from([0, 1])),
    st.dates(),
    st.times(timezones=_zones),
    st.timedeltas(),
    st.uuids(),
)
_keys: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), _texts, st.dates(), st.uuids()
)
VALUES = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(_texts, inner, max_size=4),
        st.dictionaries(_texts.map("~{}".format), inner, max_size=2),
        st.dictionaries(_keys, inner, max_size=4),
        st.sets(_keys, max_size=4),
        st.frozensets(st.tuples(_keys), max_size=4),
    ),
    max_leaves=12,
)


AWKWARD: list[object] = [
    -0.0,
    float("nan"),
    float("-inf"),
    1e-320,
    10**5_000,
    -(10**700),
    "",
    "\ud800",
    "\ud800\udc00",
    "\U00010000",
    {"\ud800\udc00": 1, "\U00010000": 2},
    {float("nan"), float("nan")},
    {1: "a", "1": "b"},
    {True: "a", 0: "b"},
    {"~decimal": "1"},
    {"~decimal": Decimal(1)},
    {"~": [()]},
    {(1, (2.0,)): {frozenset({b"x"})}},
    Decimal("-0.00"),
    Decimal("sNaN7"),
    Decimal("1E+999999"),
    datetime(2025, 10, 26, 2, 30, fold=1, tzinfo=BERLIN),
    datetime(1, 1, 1, tzinfo=UTC),
    time(1, 2, 3, 4, tzinfo=timezone(timedelta(hours=1), "CET")),
    timedelta(-1, 1, 1),
    [date(2025, 1, 1), datetime(2025, 1, 1)],  # noqa: DTZ001
    UUID(int=7),
]


@given(VALUES)
def test_plain_data_comes_back_identical(value: object) -> None:
    assert _seen(CODEC.decode(CODEC.encode(value))) == _seen(value)


@pytest.mark.parametrize("value", AWKWARD, ids=range(len(AWKWARD)))
def test_awkward_values_come_back_identical(value: object) -> None:
    assert _seen(CODEC.decode(CODEC.encode(value))) == _seen(value)


def test_utc_comes_back_as_utc_itself() -> None:
    at = CODEC.decode(CODEC.encode(datetime(2025, 1, 1, tzinfo=UTC)))

    assert isinstance(at, datetime)
    assert at.tzinfo is UTC


def test_pure_json_is_stored_as_json() -> None:
    value = {"pair": "BTC/USDT", "sizes": [1, 2.5, None, True], "text": "\u20ac"}

    assert CODEC.encode(value) == json.dumps(value, separators=(",", ":")).encode()


class _Point(NamedTuple):
    x: int


class _Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [object(), _Point(1), _Text("x"), OrderedDict(a=1), bytearray(b"x"), 1j, range(3), Path("x")],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_is_not_plain_is_rejected_by_its_type(value: object) -> None:
    for held in (value, [value], {"a": (value,)}):
        with pytest.raises(TypeError, match=rf"{type(value).__qualname__} cannot be shared"):
            CODEC.encode(held)


def test_a_zone_without_a_name_is_rejected() -> None:
    class Zone(ZoneInfo):
        pass

    with pytest.raises(TypeError, match=r"a time zone of type .*Zone cannot be shared"):
        CODEC.encode(datetime(2025, 1, 1, tzinfo=Zone("Europe/Berlin")))


def _nested(levels: int, wrap: Callable[[object], object]) -> object:
    value: object = None
    for _ in range(levels):
        value = wrap(value)
    return value


def test_too_deep_nesting_is_rejected() -> None:
    def wrap(value: object) -> object:
        return (value,)

    assert CODEC.decode(CODEC.encode(_nested(90, wrap))) == _nested(90, wrap)
    endless: list[object] = []
    endless += [endless, endless]

    for value in (_nested(200, wrap), _nested(100_000, wrap), endless):
        with pytest.raises(TypeError, match="nested too deeply"):
            CODEC.encode(value)


@pytest.mark.parametrize(
    "secret",
    [Secret("not-a-real-secret"), SecretStr("not-a-real-secret"), SecretBytes(b"not-a-real-one")],
    ids=lambda secret: type(secret).__name__,
)
def test_a_secret_at_any_depth_is_not_shared(secret: object) -> None:
    for held in (secret, [secret], {"a": ({1, 2}, [secret])}, {secret: 1}):
        with pytest.raises(Uncacheable) as caught:
            CODEC.encode(held)
        assert "not-a-real" not in str(caught.value)


NO_VALUES = [
    b"",
    b"~",
    b"{",
    b"nul",
    b"\xff",
    "\u20ac".encode(),
    b"1" * 10_000,
    b"[" * 100_000,
    b"~" + b"[" * 100_000,
    b'~{"~decimal":"x"}',
    b'~{"~decimal":{}}',
    b'~{"~nothing":1}',
    b'~{"~zone":1}',
    b'~{"~set":[[1]]}',
    b'~{"~set":1}',
    b'~{"~dict":[[1]]}',
    b'~{"~dict":[[[1],2]]}',
    b'~{"~int":7}',
    b'~{"~bytes":"*"}',
    b'~{"~str":"ff"}',
    b'~{"~uuid":"1"}',
    b'~{"~datetime":["2025-01-01","../../etc/passwd",0]}',
    b'~{"~datetime":["2025-01-01","America",0]}',
    b'~{"~datetime":["2025-01-01","No/Such_Zone",0]}',
    b'~{"~datetime":["2025-01-01",[1e400],0]}',
    b'~{"~datetime":["2025-01-01",null,7]}',
    b'~{"~timedelta":[1e400]}',
    b'~{"~date":"2025-13-01"}',
]


@pytest.mark.parametrize("payload", NO_VALUES, ids=range(len(NO_VALUES)))
def test_bytes_that_are_not_a_value_are_rejected(payload: bytes) -> None:
    with pytest.raises(Undecodable, match="are not a value of this type") as caught:
        CODEC.decode(payload)

    assert caught.value.__context__ is None
