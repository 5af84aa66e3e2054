import enum
import io
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn, TypeAlias
from unittest.mock import MagicMock, Mock
from uuid import UUID

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tradai.core import Secret, configure_logging

Line = dict[str, Any]
# Never registered on purpose: its place gives it away.
HIDDEN = "obviously-fake-value-in-its-place"


pd = pytest.importorskip("pandas")

ReadLine: TypeAlias = Callable[[io.StringIO], dict[str, Any]]


def fail(*_: object) -> NoReturn:
    message = "broken on purpose"
    raise RuntimeError(message)


class Broken:
    """Raises whenever it is looked at."""

    __str__ = __repr__ = __len__ = __iter__ = __bool__ = __eq__ = __hash__ = fail


class BrokenKey:
    """A key that cannot be shown."""

    __str__ = __repr__ = fail


class BrokenItems(dict[str, object]):
    items = keys = __iter__ = __len__ = fail


class BrokenList(list[object]):
    __iter__ = __len__ = __getitem__ = fail


class BrokenText(str):
    __slots__ = ()
    # Signatures are what is broken here.
    __str__ = __repr__ = __format__ = encode = isascii = fail  # type: ignore[assignment]


class BrokenNumber(float):
    __abs__ = __float__ = __repr__ = fail


class LyingClass:
    def __getattribute__(self, name: str) -> NoReturn:
        fail()


class Lazy(Mapping[str, object]):
    """A mapping that makes its values when they are asked for."""

    def __getitem__(self, name: str) -> object:
        return len(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "bb"))

    def __len__(self) -> int:
        return 2


class BrokenLazy(Lazy):
    __getitem__ = __len__ = fail


class Side(enum.Enum):
    BUY = "buy"


class Rank(enum.IntEnum):
    FIRST = 1


class Account(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str
    password: SecretStr
    api_key: str = HIDDEN
    kept: str = Field(default=HIDDEN, repr=False)


@dataclass
class Order:
    pair: str
    bot_token: str = HIDDEN
    kept: str = field(default=HIDDEN, repr=False)


@dataclass
class Login:
    """Prints its own text, with its secret in it."""

    user: str
    password: str = HIDDEN

    def __str__(self) -> str:
        return f"{self.user}:{self.password}"


class Point(NamedTuple):
    x: int
    secret: str = HIDDEN


class Attribute(NamedTuple):
    name: str
    repr: bool = True


class LikeAttrs:
    __attrs_attrs__ = (Attribute("user"), Attribute("api_secret"), Attribute("kept", repr=False))

    def __init__(self) -> None:
        self.user = "me"
        self.api_secret = self.kept = HIDDEN


class HalfBroken:
    """A dataclass with a field that cannot be read."""

    __dataclass_fields__ = Order.__dataclass_fields__
    pair = property(fail)


def cycle() -> list[object]:
    ring: list[object] = [1]
    ring.append(ring)
    return ring


def deep() -> object:
    value: object = "end"
    for _ in range(5000):
        value = [value]
    return value


def deep_mapping() -> object:
    value: object = "end"
    for _ in range(5000):
        value = {"in": value}
    return value


def own_mapping() -> object:
    ring: dict[str, object] = {}
    ring["self"] = ring
    return ring


def chained() -> BaseException:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__context__ = second, first
    return first


NASTY: dict[str, Callable[[], object]] = {
    "nan": lambda: float("nan"),
    "infinity": lambda: [float("inf"), {"x": float("-inf")}],
    "tiny float": lambda: [1.5e-5, 5e-324, -0.0, 1e-4],
    "large float": lambda: [1e16, -1e22, 1.7976931348623157e308, 9999999999999998.0],
    "bytes": lambda: b"\xff\x00fake",
    "bytearray": lambda: bytearray(b"\xff\x00fake"),
    "memoryview": lambda: memoryview(b"\xff\x00fake"),
    "cycle": cycle,
    "cycle of mappings": own_mapping,
    "deep": deep,
    "deep mapping": deep_mapping,
    "broken": Broken,
    "broken in a list": lambda: [1, Broken(), 2],
    "broken key": lambda: {BrokenKey(): 1},
    "broken mapping": BrokenItems,
    "broken list": lambda: BrokenList([1]),
    "broken text": lambda: BrokenText("a"),
    "broken number": lambda: BrokenNumber(1.5),
    "broken lazy mapping": BrokenLazy,
    "lazy mapping": Lazy,
    "lying class": LyingClass,
    "lone surrogate": lambda: "a\ud800b",
    "lone surrogate key": lambda: {"a\udfff": 1},
    "letters beyond ASCII": lambda: "caf\u00e9 \U0001f4c8",
    "line ends": lambda: "a\nb\r\nc\u2028d\u2029e\x85f\x0bg",
    "control characters": lambda: "".join(map(chr, range(32))) + "\x7f\x9b",
    "a delete character": lambda: "a\x7fb",
    "huge integer": lambda: 10**5000,
    "integer past 64 bits": lambda: [2**64, 2**64 - 1, -(2**63), -(2**63) - 1],
    "decimal": lambda: [Decimal("sNaN"), Decimal("1E-8"), Decimal("1E+999999999")],
    "complex": lambda: 1 + 2j,
    "fraction": lambda: Fraction(1, 3),
    "set": lambda: {1, "a", None},
    "deque": lambda: deque([1, 2]),
    "range": lambda: range(10**12),
    "views": lambda: [{"a": 1}.keys(), {"a": 1}.values(), {"a": 1}.items()],
    "tuple keys": lambda: {(1, 2): 3, None: 4, True: 5, 1.5: 6, b"b": 7},
    "keys that look alike": lambda: {1: "a", "1": "b"},
    "numpy": lambda: {"a": np.float64("nan"), "b": np.int64(7), "c": np.arange(3)},
    "numpy scalars": lambda: [np.bool_(1), np.float32(0.5), np.datetime64("2025-01-01", "ns")],
    "numpy without dimension": lambda: [np.array(1.5), np.array("a"), np.longdouble(1)],
    "numpy of objects": lambda: np.array([Broken()], dtype=object),
    "frame": lambda: pd.DataFrame({"api_key": [HIDDEN], "close": [1.5]}),
    "series": lambda: pd.Series([HIDDEN]),
    "times of pandas": lambda: [pd.Timestamp("2025-01-01", tz="UTC"), pd.NaT, pd.NA],
    "model": lambda: Account(name="me", password=SecretStr(HIDDEN)),
    "model with more": lambda: Account.model_validate(
        {"name": "me", "password": "x", "db_token": HIDDEN}
    ),
    "model class": lambda: Account,
    "dataclass": lambda: [Order(pair="BTC/USDT")],
    "dataclass that prints itself": lambda: Login("me"),
    "dataclass half broken": HalfBroken,
    "like attrs": LikeAttrs,
    "named tuple": lambda: Point(1),
    "namespace": lambda: SimpleNamespace(user="me", token=HIDDEN),
    "keys that name secrets": lambda: {"apiKey": HIDDEN, "x": [{"Authorization": [HIDDEN]}]},
    "secret": lambda: Secret(HIDDEN),
    "exception": lambda: ValueError("bad"),
    "exception group": lambda: ExceptionGroup("bad", [ValueError("a"), OSError(2, "b")]),
    "exceptions in a ring": chained,
    "class": lambda: Order,
    "function": lambda: cycle,
    "generator": lambda: (x for x in range(3)),
    "time": lambda: datetime(2025, 1, 1, tzinfo=UTC),
    "date and time of day": lambda: [date(2025, 1, 1), time(12, 30), timedelta(hours=1)],
    "enum": lambda: [Side.BUY, Rank.FIRST, Side],
    "path": lambda: Path("a/b"),
    "uuid": lambda: UUID(int=7),
    "mock": MagicMock,
    "mock of a mapping": lambda: Mock(spec=dict),
    "mock of a number": lambda: Mock(spec=int),
    "lock": threading.Lock,
    "long list": lambda: list(range(100_000)),
    "long text": lambda: "x" * 10_000_000,
    "long key": lambda: {"x" * 1_000_000: 1},
    "long bytes": lambda: b"\xff" * 100_000,
    "wide tree": lambda: [[[list(range(50))] * 50] * 50] * 50,
    "wide tree of nothing": lambda: [[[[None] * 50] * 50] * 50] * 50,
}


@pytest.mark.parametrize("name", NASTY)
def test_any_value_is_one_line_of_json(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine, name: str
) -> None:
    value = NASTY[name]()

    log.info("said", extra={"value": value, "after": 1})

    line = the_line(stream)
    assert (line["message"], line["after"]) == ("said", 1)
    assert "value" in line
    assert HIDDEN not in stream.getvalue()
    assert len(stream.getvalue()) < 100_000


def test_a_cycle_is_followed_a_few_times(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
    log.info("said", extra={"value": cycle()})

    assert str(the_line(stream)["value"]).count("[") == 9


def test_a_huge_value_does_not_push_out_the_others(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
    log.info("said", extra={"first": list(range(1_000)), "second": list(range(100))})

    line = the_line(stream)
    assert line["first"][-2:] == [498, "<more>"]
    assert line["second"] == list(range(100))


@pytest.mark.parametrize("name", NASTY)
def test_the_line_is_the_same_with_and_without_orjson(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with_it, without = io.StringIO(), io.StringIO()
    record = logging.makeLogRecord({"msg": "said", "levelno": 20, "value": NASTY[name]()})

    configure_logging(stream=with_it)
    logging.getLogger().handlers[-1].handle(record)
    monkeypatch.setitem(sys.modules, "orjson", None)
    configure_logging(stream=without)
    logging.getLogger().handlers[-1].handle(record)

    assert with_it.getvalue() == without.getvalue() != ""


# Values that are printed whole when they are the message: the caller says so.
PRINTED = {"series", "frame"}


@pytest.mark.parametrize("name", NASTY)
def test_any_message_is_one_line_of_json(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine, name: str
) -> None:
    log.info(NASTY[name]())

    assert the_line(stream)["level"] == "INFO"
    assert name in PRINTED or HIDDEN not in stream.getvalue()


@pytest.mark.parametrize("name", NASTY)
def test_any_argument_is_one_line_of_json(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine, name: str
) -> None:
    log.info("said %s", NASTY[name]())

    assert the_line(stream)["level"] == "INFO"
    assert name in PRINTED or HIDDEN not in stream.getvalue()


@pytest.mark.parametrize("name", NASTY)
def test_any_value_is_one_console_line(stream: io.StringIO, name: str) -> None:
    configure_logging(format="console", stream=stream)

    logging.getLogger("tradai.test.console").info("said", extra={"value": NASTY[name]()})

    text = stream.getvalue()
    assert text.endswith("[tradai.test.console]\n")
    assert text[:-1].isprintable()
    assert "not-a-real-secret" not in text
