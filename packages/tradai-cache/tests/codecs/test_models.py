"""Codec of models, dataclasses and Enums, by return annotation."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypedDict, TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    computed_field as computed,
    field_serializer,
    field_validator,
)
from typing_extensions import TypeAliasType

from tradai.cache._codecs.codec import codec_for
from tradai.cache._codecs.secret_scan import Uncacheable, Undecodable
from tradai.core import (
    Market,
    MarketSnapshot,
    MarketType,
    Pair,
    Secret,
    StrategyConfig,
    Timeframe,
)

T = TypeVar("T")
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Level(IntEnum):
    LOW = 1


class Shape(Enum):
    BOX = ("box", 1)
    DOT = None


class Fill(BaseModel):
    model_config = ConfigDict(frozen=True)
    side: Side
    price: Decimal
    at: datetime
    size: float = 1.0
    tags: frozenset[str] = frozenset()
    more: Any = None


class StrictFill(BaseModel):
    model_config = ConfigDict(strict=True)
    side: Side
    levels: tuple[Level, ...] = ()
    parts: tuple["StrictFill", ...] = ()


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int

    @computed  # type: ignore[prop-decorator]  # mypy does not support decorated properties
    @property
    def double(self) -> int:
        return 2 * self.total


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = Field(alias="Name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    pair: Pair
    timeframe: Timeframe
    fill: Fill | None = None
    below: list["Leg"] = field(default_factory=list)


@dataclass
class Counter:
    count: float
    seen: set[int] = field(default_factory=set)


class Point(NamedTuple):
    side: Side
    at: Decimal


class Row(TypedDict):
    pair: str
    size: float


Name = NewType("Name", str)

FILL = Fill(side=Side.BUY, price=Decimal("1.50"), at=NOON)
MARKET = Market(
    pair=Pair("BTC/USDT"),
    market_type=MarketType.SPOT,
    base="BTC",
    quote="USDT",
    status="active",
    tick=Decimal("0.01"),
    step=Decimal("0.00001"),
    min_amount=Decimal("0.00001"),
    min_notional=Decimal(5),
)
CONFIG = StrategyConfig.model_validate(
    {
        "name": "trend",
        "version": "1.0.0",
        "timeframe": "5m",
        "pairs": ["BTC/USDT"],
        "parameters": {"windows": [5, 10, {"deep": [1]}], "none": None},
        "strategy": {"class": "Trend", "source": "trend.py"},
        "execution": {
            "stake_amount": "0.10",
            "minimal_roi": {"0": 0.1, "30": "0.05"},
            "entry_pricing": {"price_side": "other"},
        },
        "notes": {"author": ["someone"]},
    }
)

EXACT: list[tuple[Any, object]] = [
    (Side, Side.SELL),
    (Shape, Shape.BOX),
    (Shape, Shape.DOT),
    (Level | None, Level.LOW),
    (Fill, FILL),
    (Fill, FILL.model_copy(update={"size": float("nan"), "tags": frozenset({"a"})})),
    (Fill, FILL.model_copy(update={"at": NOON.astimezone(ZoneInfo("Europe/Berlin"))})),
    (Fill, FILL.model_copy(update={"more": {1: (Decimal(1), b"\xff")}})),
    (Fill | None, None),
    (dict[str, Fill], {"a": FILL, "~b": FILL}),
    (dict[Side, list[Fill]], {Side.BUY: [FILL]}),
    (deque[Fill], deque([FILL])),
    (set[tuple[float, Side]], {(1.0, Side.BUY)}),
    (tuple[Fill, ...], (FILL, FILL)),
    (Sequence[Fill], [FILL]),
    (Mapping[str, Fill], {"a": FILL}),
    (set[Side], {Side.BUY}),
    (StrictFill, StrictFill(side=Side.BUY)),
    (
        StrictFill,
        StrictFill(side=Side.BUY, levels=(Level.LOW,), parts=(StrictFill(side=Side.BUY),)),
    ),
    (Page[Fill], Page[Fill](items=[FILL], total=1)),
    (Open, Open.model_validate({"Name": "x", "more": [1, {"a": None}]})),
    (Leg, Leg(pair=Pair("BTC/USDT"), timeframe=Timeframe("5m"), fill=FILL)),
    (
        Leg,
        Leg(
            pair=Pair("BTC/USDT"),
            timeframe=Timeframe("1M"),
            below=[Leg(pair=Pair("ETH/USDT"), timeframe=Timeframe("5m"))],
        ),
    ),
    (Counter, Counter(1.5, {1})),
    (Point, Point(Side.BUY, Decimal("1.0"))),
    (list[Path], [Path("a/b")]),
    (Pair, Pair("BTC/USDT")),
    (Market, MARKET),
    (MarketSnapshot, MarketSnapshot(exchange="binance", taken_at=NOON, markets=(MARKET,))),
    (StrategyConfig, CONFIG),
]


@pytest.mark.parametrize(("annotation", "value"), EXACT, ids=range(len(EXACT)))
def test_a_typed_value_comes_back_identical(annotation: object, value: object) -> None:
    codec = codec_for(annotation)

    back = codec.decode(codec.encode(value))

    assert type(back) is type(value)
    assert repr(back) == repr(value)
    assert back is not value or isinstance(value, Enum | None)


@given(
    st.builds(
        Fill,
        side=st.sampled_from(Side),
        price=st.decimals(allow_nan=False, allow_infinity=False),
        at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))])),
        size=st.floats(),
        tags=st.frozensets(st.text(max_size=3), max_size=1),
        more=st.none() | st.tuples(st.binary(max_size=3)) | st.dictionaries(st.dates(), st.text()),
    )
)
def test_any_model_comes_back_identical(fill: Fill) -> None:
    codec = codec_for(list[Fill])

    assert repr(codec.decode(codec.encode([fill]))) == repr([fill])


@pytest.mark.parametrize(
    "annotation",
    [
        dict[str, list[int]],
        dict[str, Any],
        tuple[Decimal, ...] | None,
        Mapping[str, Sequence[datetime]],
        Literal["a", 1],
        Annotated[Name, "note"],
        list[Row],
        TypeAliasType("Rows", list[Row]),
        T,
        object,
    ],
    ids=str,
)
def test_plain_annotations_use_the_plain_codec(annotation: object) -> None:
    codec = codec_for(annotation)

    for value in ({"a": [1]}, (Decimal("1.0"),), [{"pair": "x", "size": 1}], None):
        assert repr(codec.decode(codec.encode(value))) == repr(value)


class Derived(Fill):
    extra: int = 1


class Changing(BaseModel):
    price: Decimal

    @field_validator("price")
    @classmethod
    def _twice(cls, price: Decimal) -> Decimal:
        return 2 * price


class Hiding(BaseModel):
    shown: int
    hidden: list[int] = Field(default_factory=list, exclude=True)


class Remembering(BaseModel):
    _seen: list[int] = PrivateAttr(default_factory=list)

    @classmethod
    def that_has_seen(cls) -> "Remembering":
        one = cls()
        one._seen.append(1)
        return one


CHANGED: list[tuple[Any, object]] = [
    (Fill, Derived(side=Side.BUY, price=Decimal(1), at=NOON)),
    (Fill, FILL.model_dump()),
    (Fill, FILL.model_copy(update={"size": 1})),
    (Fill, FILL.model_copy(update={"price": "1.50"})),
    (Fill, FILL.model_copy(update={"more": Side.BUY})),
    (Fill, None),
    (Counter, Counter(1)),
    (Counter, Counter(1.0, {True})),
    (set[tuple[float, Side]], {(1, Side.BUY)}),
    (deque[Decimal | Side], deque([1])),
    (deque[Side], deque([Side.BUY], maxlen=3)),
    (defaultdict[str, list[Side]], defaultdict(lambda: [Side.SELL], a=[Side.BUY])),
    (Side, "buy"),
    (list[Fill], (FILL,)),
    (Changing, Changing(price=Decimal(1))),
    (Hiding, Hiding(shown=1, hidden=[1])),
    (Remembering, Remembering.that_has_seen()),
    (Point, (Side.BUY, Decimal(1))),
    (dict[str, Fill], {"a": object()}),
]


@pytest.mark.parametrize(("annotation", "value"), CHANGED, ids=range(len(CHANGED)))
def test_a_value_that_would_change_is_rejected(annotation: object, value: object) -> None:
    codec = codec_for(annotation)

    with pytest.raises(TypeError, match="would not come back from the shared tier as it is"):
        codec.encode(value)


class Unknown:
    pass


@pytest.mark.parametrize("annotation", [Unknown, dict[str, Unknown], "Missing", list["Missing"]])  # type: ignore[name-defined]  # noqa: F821
def test_a_type_without_a_codec_is_rejected_at_once(annotation: object) -> None:
    with pytest.raises(TypeError, match="return annotation"):
        codec_for(annotation)


class Revealing(BaseModel):
    keys: deque[SecretStr]

    @field_serializer("keys")
    def _revealed(self, keys: deque[SecretStr]) -> list[str]:
        return [key.get_secret_value() for key in keys]


@dataclass
class Lost:
    x: "Missing"  # type: ignore[name-defined]  # noqa: F821


def test_a_field_with_an_unresolvable_type_is_named() -> None:
    with pytest.raises(TypeError, match=r"field of .*\.Lost has a type .* \(Missing\)"):
        codec_for(list[Lost])


class Account(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, extra="allow")
    name: str = "x"
    token: SecretStr | None = None
    key: Secret[str] | None = None
    more: Any = None
    _kept: object = PrivateAttr(default=None)

    @classmethod
    def that_keeps(cls, secret: object) -> "Account":
        one = cls()
        one._kept = secret
        return one


@dataclass(slots=True)
class Wallet:
    account: Account | None = None
    key: Secret[str] | None = None


def _holders() -> list[tuple[Any, object]]:
    ours, theirs = Secret("not-a-real-secret"), SecretStr("not-a-real-secret")
    return [
        (Account, Account(token=theirs)),
        (Account, Account(key=ours)),
        (Account, Account(more={"a": [(ours,)]})),
        (Account, Account.model_validate({"added": theirs})),
        (Account, Account.that_keeps(ours)),
        (Wallet, Wallet(key=ours)),
        (list[Wallet], [Wallet(), Wallet(Account(token=theirs))]),
        (dict[str, Any], {"a": Wallet(key=ours)}),
        (SecretStr, theirs),
        (Revealing, Revealing(keys=deque([theirs]))),
        (Secret[str], ours),
    ]


HOLDERS = _holders()


@pytest.mark.parametrize(("annotation", "value"), HOLDERS, ids=range(len(HOLDERS)))
def test_a_value_with_a_secret_is_not_shared(annotation: object, value: object) -> None:
    codec = codec_for(annotation)

    with pytest.raises(Uncacheable, match="it stays in this process") as caught:
        codec.encode(value)

    assert "not-a-real" not in str(caught.value)


def test_bytes_of_another_shape_are_rejected() -> None:
    fills, legs = codec_for(list[Fill]), codec_for(list[Leg])

    for payload in (fills.encode([FILL]), b"", b"p", b"j", b"x[]", b'p["a"]', b"j[1]", b"p~{"):
        with pytest.raises(Undecodable) as caught:
            legs.decode(payload)
        assert "1.50" not in str(caught.value)
        assert caught.value.__context__ is None


def test_a_payload_names_no_class() -> None:
    payload = codec_for(list[Fill]).encode([FILL])

    assert b"Fill" not in payload
    assert __name__.encode() not in payload


def _variants() -> list[object]:
    def made(name: str, **fields: Any) -> type:  # noqa: ANN401
        return type(name, (BaseModel,), {"__annotations__": fields, "__module__": "m"})

    def listed(name: str, **members: object) -> Enum:
        return Enum(name, members, module="m", qualname=name)

    return [
        made("A", x=int),
        made("B", x=int),
        made("A", x=float),
        made("A", y=int),
        made("A", x=int, y=int),
        made("A", x=list[int]),
        made("A", x=made("C", z=int)),
        made("A", x=made("C", z=str)),
        listed("A", x=1),
        listed("A", x=2),
        listed("A", x=1, y=2),
        Literal["x"],
        Literal["y"],
        dict[str, int],
        dict[str, float],
        list[int],
        Sequence[int],
        None,
        int | None,
    ]


def test_a_fingerprint_changes_with_the_shape() -> None:
    fingerprints = [codec_for(annotation).fingerprint for annotation in _variants()]

    assert len(set(fingerprints)) == len(fingerprints)
    assert fingerprints == [codec_for(annotation).fingerprint for annotation in _variants()]
    assert {len(fingerprint) for fingerprint in fingerprints} == {16}
