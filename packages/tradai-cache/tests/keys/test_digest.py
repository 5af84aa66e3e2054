"""Digests differ exactly when values differ. Private, so tested directly."""

import math
import os
import random
import struct
import subprocess
import sys
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ConfigDict, PrivateAttr, SecretStr, create_model

from tradai.cache import Cache
from tradai.cache._keys.digest import can_be_looked_up_by_equality, digest_of
from tradai.core import Pair, Secret, Timeframe, TradingMode, freeze

BERLIN = ZoneInfo("Europe/Berlin")
T = TypeVar("T")


class Side(Enum):
    BUY = 1
    SELL = 2


class Other(Enum):
    BUY = 1


class Number(IntEnum):
    ONE = 1


class Text(StrEnum):
    ONE = "1"


class Flags(Flag):
    A = 1
    B = 2


@dataclass
class Record:
    name: str
    value: object = None


@dataclass(frozen=True)
class Frozen:
    name: str
    value: object = None


@dataclass
class WithCache:
    name: str

    @cached_property
    def length(self) -> int:
        return len(self.name)


class Model(BaseModel):
    name: str
    value: Any = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str
    _seen: int = PrivateAttr(default=0)


class Point(NamedTuple):
    x: int
    y: int


class Keyed:
    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = threading.Lock()

    def __cache_key__(self) -> object:
        return self.name


# Without slots on purpose: it may carry attributes.
class Loose(str):  # noqa: SLOT000
    """Text that may carry attributes."""


def _seen(value: object) -> object:  # noqa: PLR0911 - one for each type
    """Return an object that is equal exactly for identical values, with types and float bits."""
    kind = type(value)
    match value:
        case float():
            return kind, "nan" if math.isnan(value) else struct.pack("d", value)
        case Decimal():
            return kind, "nan" if value.is_nan() else value.as_tuple()
        case list() | tuple():
            return kind, tuple(_seen(item) for item in value)
        case dict():
            return kind, tuple((_seen(key), _seen(item)) for key, item in value.items())
        case set() | frozenset():
            return kind, frozenset(Counter(_seen(item) for item in value).items())
        case datetime() | time():
            zone = value.tzinfo
            name = (type(zone), str(zone)) if zone is not None else None
            return kind, value.replace(tzinfo=None, fold=0).isoformat(), value.fold, name
        case Record() | Frozen() | Model():
            return kind, _seen(value.name), _seen(value.value)
        case _:
            # Ranges of the same items are equal, even when their bounds or steps differ.
            return kind, repr(value) if kind is range else value


_zones = st.sampled_from([None, UTC, BERLIN, ZoneInfo("UTC"), timezone(timedelta(hours=1))])
_scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=4),
    st.binary(max_size=4),
    st.decimals(allow_nan=False) | st.just(Decimal("nan")),
    st.sampled_from([*Side, *Other, *Number, *Text, Flags.A, Flags.A | Flags.B]),
    st.datetimes(timezones=_zones),
    st.dates(),
    st.times(timezones=_zones),
    st.timedeltas(),
    st.uuids(),
    st.builds(range, st.integers(-3, 3), st.integers(-3, 3), st.integers(1, 3)),
    st.sampled_from([0, 0.0, -0.0, False, "", b"", (), 1, 1.0, True, "1", b"1", "i1:1", "N"]),
    st.sampled_from([Pair("BTC/USDT"), "BTC/USDT", Timeframe("1h"), "1h", PurePosixPath("1h")]),
    st.sampled_from([Side, Other, Record, int, dict]),
)
_hashable = st.recursive(
    _scalars.filter(lambda value: value == value),  # noqa: PLR0124 - NaN has many hashes
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple), st.frozensets(inner, max_size=3)
    ),
    max_leaves=4,
)
_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(_hashable, inner, max_size=3),
        st.sets(_hashable, max_size=3),
        st.builds(Record, st.text(max_size=2), inner),
        st.builds(Frozen, st.text(max_size=2), inner),
        st.builds(Model, name=st.text(max_size=2), value=inner),
    ),
    max_leaves=6,
)


@given(st.lists(_values, max_size=3), st.lists(_values, max_size=3))
def test_two_lists_of_values_have_one_digest_exactly_when_they_are_identical(
    one: list[object], other: list[object]
) -> None:
    assert (digest_of(*one) == digest_of(*other)) == (_seen(one) == _seen(other))


@given(_values)
def test_the_position_of_a_value_matters(value: object) -> None:
    digests = [
        digest_of(value),
        digest_of([value]),
        digest_of((value,)),
        digest_of(value, "no value is this"),
        digest_of("no value is this", value),
        digest_of([value, value]),
        digest_of({"key": value}),
        digest_of(Record("key", value)),
        digest_of(Frozen("key", value)),
        digest_of(Model(name="key", value=value)),
    ]

    assert len(set(digests)) == len(digests)


@given(st.dictionaries(_hashable, _scalars, max_size=4), st.randoms())
def test_dicts_have_one_digest_exactly_when_their_items_have_one_order(
    value: dict[object, object],
    chance: random.Random,
) -> None:
    items = list(value.items())
    chance.shuffle(items)

    is_same_order = digest_of(items) == digest_of(list(value.items()))
    assert (digest_of(dict(items)) == digest_of(value)) is is_same_order


NEIGHBOURS: list[Any] = [
    *(None, False, True, 0, 1, -1, 0.0, -0.0, 1.0, -1.0, math.nan, math.inf),
    *("", "0", "1", "nan", "None", "\0", b"", b"0", b"1", b"\0"),
    *(Decimal(1), Decimal("1.0"), Decimal("-0"), Decimal(0), Decimal("nan"), Decimal("inf")),
    *(Side.BUY, Side.SELL, Other.BUY, Number.ONE, Text.ONE, Flags.A, Flags.B, Flags.A | Flags.B),
    *((), (1,), ((1,),), (1, 2), ((1, 2),), ((1,), 2), (1, (2,)), ((), ()), (((),),)),
    *([], [1], [[1]], [1, 2], [[1, 2]], [[1], 2], [1, [2]], [[], []], [[[]]], [(1,)], ([1],)),
    *({}, {1: 2}, {2: 1}, {1: {2: 1}}, {"1": 2}, {1: 2, 2: 1}, {(1, 2): 1}, {1: (2, 1)}),
    *(set(), {1}, {1, 2}, {(1, 2)}, frozenset(), frozenset({1}), {frozenset({1})}, {"1"}),
    *(range(0), range(1), range(1, 1), range(0, 3, 2), range(0, 4, 2)),
    *(Point(1, 2), Record("1"), Record("1", 1), Frozen("1"), Frozen("1", 1), Model(name="1")),
    *(Pair("BTC/USDT"), "BTC/USDT", Timeframe("1h"), "1h", PurePosixPath("1h"), Keyed("1h")),
    *(Side, Other, Record, int, dict, Text, "int"),
    *(datetime(2025, 1, 1, tzinfo=zone) for zone in (None, UTC, ZoneInfo("UTC"), BERLIN)),
    *(datetime(2025, 10, 26, 2, 30, fold=fold, tzinfo=BERLIN) for fold in (0, 1)),
    *(datetime(2025, 1, 1, tzinfo=timezone(timedelta(0), name)) for name in ("a", "b")),
    *(date(2025, 1, 1), time(0), time(0, tzinfo=UTC), time(0, 0, 0, 1), timedelta(0), timedelta(1)),
    *(UUID(int=0), UUID(int=1), bytes(16)),
    *(np.int64(1), np.float64(1.0), np.float32(1.0), np.bool_(True), np.array(1), np.array([1])),  # noqa: FBT003 - a value
    *(np.array([1.0]), np.array([[1]]), np.array([1], dtype=">i8"), np.array(["1"])),
    *(np.array([1], dtype=object), np.array([[1, 2], [3, 4]]), np.array([[1, 3], [2, 4]])),
    *(np.array([0.0]), np.array([-0.0]), np.array([]), np.array([], dtype="i8")),
]


def test_similar_values_have_different_digests() -> None:
    digests = Counter(digest_of(value) for value in NEIGHBOURS)

    assert [value for value in NEIGHBOURS if digests[digest_of(value)] > 1] == []


def test_pairs_of_similar_values_have_different_digests() -> None:
    pairs = [(one, other) for one in NEIGHBOURS for other in NEIGHBOURS]

    assert len({digest_of(*pair) for pair in pairs}) == len(pairs)


def test_values_that_the_fast_path_takes_for_equal_have_one_digest() -> None:
    safe = [value for value in NEIGHBOURS if can_be_looked_up_by_equality(value)]

    assert {type(value) for value in safe} >= {int, str, bytes, bool, float, Side, Timeframe}
    for one in safe:
        for other in NEIGHBOURS:
            if type(one) is type(other) and one == other:
                assert digest_of(one) == digest_of(other)


@given(_scalars, _scalars)
def test_equal_values_with_other_text_have_one_digest(first: object, second: object) -> None:
    cache = Cache()
    loads: list[object] = []

    @cache.cached(ttl=60)
    def call(first: Any, second: Any = 1, *, third: Any = None) -> None:  # noqa: ANN401
        loads.append((first, second, third))

    call(first, second)
    call(first, second=second)
    call(second=second, first=first)
    call(first, second, third=None)

    assert len(loads) == 1


# Sets, whose order depends on the hash seed, and one value of every other type.
ONE_OF_EACH = """
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from uuid import UUID
from zoneinfo import ZoneInfo
import numpy as np
from tradai.cache._keys.digest import digest_of
from tradai.core import Pair, TradingMode
digest = digest_of(
    {"a", "b", "c", 1, 2.5}, {"x": 1, "y": [None, True]}, Pair("BTC/USDT"), TradingMode.LIVE,
    Decimal("1.10"), UUID(int=5), b"bytes", int, datetime(2025, 1, 1, tzinfo=ZoneInfo("UTC")),
    np.arange(3),
)
"""


def test_a_digest_is_the_same_in_every_process_and_for_every_seed_of_hashes() -> None:
    here: dict[str, Any] = {}
    exec(ONE_OF_EACH, here)  # noqa: S102 - the same program

    done = subprocess.run(
        [sys.executable, "-c", ONE_OF_EACH + "print(digest.hex())"],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == here["digest"].hex()


def test_digests_do_not_change_between_releases() -> None:
    # A new digest means a cold cache for every user: change it deliberately.
    assert digest_of("markets", 1, None, 1.5, Decimal("1.10"), {"a": [True, b"x"]}).hex() == PINNED


PINNED = "47c0d83af747ac183ae349b68ff98770"


def test_a_main_module_is_identified_by_its_file(tmp_path: Any) -> None:  # noqa: ANN401
    program = (
        "from dataclasses import dataclass\n"
        "from tradai.cache._keys.digest import digest_of\n"
        "@dataclass\n"
        "class Config: name: str = 'x'\n"
        "print(digest_of(Config()).hex())\n"
    )
    digests = []
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(program)
        done = subprocess.run(
            [sys.executable, str(tmp_path / name)], capture_output=True, text=True, check=True
        )
        digests.append(done.stdout)

    assert digests[0] != digests[1]


def test_cached_properties_do_not_matter() -> None:
    one, other = WithCache("x"), WithCache("x")
    assert one.length == 1

    assert digest_of(one) == digest_of(other)


def test_extra_and_private_attributes_of_a_model_matter() -> None:
    one, other, third = Open(name="x"), Open.model_validate({"name": "x", "y": 1}), Open(name="x")
    third._seen = 1  # noqa: SLF001 - the tested field

    assert len({digest_of(one), digest_of(other), digest_of(third)}) == 3


def test_the_set_fields_of_a_model_matter() -> None:
    assert digest_of(Model(name="x")) != digest_of(Model(name="x", value=None))
    assert digest_of(Model(name="x", value=1)) == digest_of(Model(value=1, name="x"))


def test_an_object_may_define_its_own_key() -> None:
    assert digest_of(Keyed("a")) == digest_of(Keyed("a")) != digest_of(Keyed("b"))
    assert digest_of(Keyed("a")) != digest_of("a")


def test_named_tuples_and_frozen_mappings_are_keyed() -> None:
    assert digest_of(Point(1, 2)) != digest_of((1, 2))
    assert digest_of(freeze({"a": 1})) == digest_of(freeze({"a": 1})) != digest_of({"a": 1})


class _Zone(tzinfo):
    def utcoffset(self, _: datetime | None, /) -> timedelta:
        return timedelta(0)

    def dst(self, _: datetime | None, /) -> None: ...
    def tzname(self, _: datetime | None, /) -> None: ...


def _generator() -> Iterator[int]:
    yield 1


def _local() -> object:
    @dataclass
    class Local:
        name: str = "x"

    return Local()


def _stray() -> object:
    record = Record("x")
    vars(record)["stray"] = 1
    return record


def _endless() -> object:
    endless: list[object] = []
    endless.append(endless)
    return endless


class _ListOf(list[int]):
    pass


# Without slots on purpose.
@dataclass
class _TextRecord(str):  # noqa: SLOT000
    value: int = 0


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Fraction(1, 2),
        1j,
        bytearray(b"x"),
        memoryview(b"x"),
        len,
        lambda: None,
        _generator(),
        sys,
        threading.Lock(),
        OrderedDict(a=1),
        defaultdict(int),
        Counter("a"),
        Loose("x"),
        _ListOf([1]),
        _TextRecord(1),
        ValueError("x"),
        list[int],
        datetime(2025, 1, 1, tzinfo=_Zone()),
        Secret("not-a-real-secret"),
        SecretStr("not-a-real-secret"),
        [{"deep": Record("x", value=SecretStr("not-a-real-secret"))}],
        _local(),
        _stray(),
        (_endless(),),
        np.ma.array([1]),
        np.zeros(2, dtype=[("a", "i1")]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_without_an_exact_encoding_is_rejected_and_not_shown(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be part of a key") as caught:
        digest_of("fine", value)

    assert "not-a-real-secret" not in str(caught.value)


def test_the_argument_that_cannot_be_keyed_is_named() -> None:
    @Cache().cached(ttl=60)
    def markets(exchange: str, client: Any) -> str:  # noqa: ANN401
        return exchange + str(client)

    with pytest.raises(TypeError, match=r"argument 'client' of .*markets: a object cannot be part"):
        markets("binance", object())
    with pytest.raises(TypeError, match="client"):
        markets.invalidate("binance", object())
    with pytest.raises(TypeError, match="client"):
        markets.peek("binance", object())


class Client:
    pass


def _client(client: Client) -> None: ...
def _maybe(client: Client | None) -> None: ...
def _clients(clients: list[Client]) -> None: ...
def _callback(callback: Callable[[], int]) -> None: ...
def _numbers(numbers: Iterator[int]) -> None: ...
def _secret(password: SecretStr) -> None: ...
def _ours(password: "Secret[str]") -> None: ...


@pytest.mark.parametrize(
    "function", [_client, _maybe, _clients, _callback, _numbers, _secret, _ours]
)
def test_a_parameter_that_can_never_be_keyed_is_rejected_at_once(
    function: Callable[..., None],
) -> None:
    with pytest.raises(TypeError, match=r"parameter '.*' of .* cannot be part of a key"):
        Cache().cached(ttl=60)(function)


def _fine(  # noqa: PLR0913, PLR0917 - one of each
    one: object,
    two: Any,  # noqa: ANN401
    three: "int | Side | None",
    four: dict[str, list[Decimal]],
    five: Keyed,
    six: type[Client],
    seven: "NotKnownYet",  # type: ignore[name-defined]  # noqa: F821 - the tested error
    eight: np.ndarray[Any, Any],
) -> None: ...


def test_parameters_that_may_be_keyed_are_accepted() -> None:
    Cache().cached(ttl=60)(_fine)


def test_a_generator_is_rejected_at_once() -> None:
    def numbers(count: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - no annotation on purpose
        yield from range(count)

    async def later(count: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - no annotation on purpose
        yield count

    for function in (numbers, later):
        with pytest.raises(TypeError, match="yields: expected a function that returns"):
            Cache().cached(ttl=60)(function)


def test_a_return_annotation_that_no_codec_takes_is_rejected_at_once() -> None:
    def lock() -> threading.Event:
        return threading.Event()

    with pytest.raises(TypeError):
        Cache().cached(ttl=60)(lock)


class _Slotted:
    __slots__ = ("source",)

    source: str


@dataclass
class _OnSlots(_Slotted):
    pair: str


def test_a_slot_that_is_not_a_field_is_rejected() -> None:
    value = _OnSlots("BTC/USDT")
    digest_of(value)
    value.source = "binance"

    with pytest.raises(TypeError, match="'source' is not one of its fields"):
        digest_of(value)


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        (Timeframe("1h"), "a9ef98812c8af704d794530c29d0891b"),
        (Pair("BTC/USDT"), "61e72c0b8117cd268f2678d3e6743b02"),
        (TradingMode.BACKTEST, "941aaa1d39d2d57affe45c66d0be6b85"),
    ],
)
def test_a_key_names_the_public_module_of_a_class_and_outlives_a_move_of_the_private_one(
    value: object, digest: str
) -> None:
    assert digest_of(value).hex() == digest


def _namesakes() -> list[object]:
    # Any: these classes exist when the test runs, as a library makes them for a table's rows.
    record: Any = make_dataclass("_Row", [("user", int)])
    side: Any = IntEnum
    return [
        record(7),
        side("_Direction", {"BUY": 1}).BUY,
        type("_Made", (), {}),
        create_model("_Fields", a=(int, ...)),
        create_model("_Fields", a=(int, ...))(a=1),
    ]


@pytest.mark.parametrize("value", _namesakes(), ids=range(5))
def test_a_class_that_its_module_does_not_have_under_its_name_is_rejected(value: object) -> None:
    with pytest.raises(TypeError, match="no such class under its name"):
        digest_of(value)


class _Page(BaseModel, Generic[T]):
    items: list[T]


def test_a_model_with_parameters_is_named_by_its_class_and_the_parameters() -> None:
    numbers, texts = _Page[int](items=[]), _Page[str](items=[])

    assert digest_of(numbers) == digest_of(_Page[int](items=[]))
    assert len({digest_of(numbers), digest_of(texts), digest_of(_Page[_Page[int]](items=[]))}) == 3
    with pytest.raises(TypeError, match="parameter that is not a class"):
        digest_of(_Page[int | None](items=[]))


def test_a_class_that_is_defined_again_under_its_name_is_another_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def defined(amount: int) -> Any:  # noqa: ANN401 - a class from a notebook's cell
        made: Any = Enum
        kind = made("Kind", {"ONE": amount}, module=__name__)
        monkeypatch.setattr(sys.modules[__name__], "Kind", kind, raising=False)
        return kind

    first = defined(1)
    before = digest_of(first.ONE)
    assert digest_of(first.ONE) == before

    second = defined(2)

    assert digest_of(second.ONE) == digest_of(second.ONE) != before
