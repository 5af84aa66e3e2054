"""Copies and sizes of values in memory. Private, so tested directly."""

import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd  # noqa: TID253
import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr

from tradai.cache._memory.copying import copier_for, private_copy, size_of
from tradai.core import Pair, Secret, Timeframe, freeze


class Side(Enum):
    BUY = "buy"


class Point(NamedTuple):
    x: object


@dataclass(frozen=True, slots=True)
class Frozen:
    x: object


@dataclass
class Open:
    x: list[int] = field(default_factory=list)


class FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True)
    x: object = None


class ModelWithMore(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class OpenModel(BaseModel):
    x: list[int]


class ModelWithMemory(BaseModel):
    model_config = ConfigDict(frozen=True)
    _seen: int = PrivateAttr(default=1)

    def see(self) -> None:
        self._seen += 1

    def sights(self) -> int:
        return self._seen


@dataclass(frozen=True)
class Book:
    depth: int

    @cached_property
    def levels(self) -> list[int]:
        return list(range(self.depth))


class WildText(str):  # noqa: SLOT000
    seen: list[int]


FIXED: list[object] = [
    None,
    "x",
    b"x",
    7,
    1.5,
    Decimal(1),
    datetime(2025, 1, 1, tzinfo=UTC),
    Side.BUY,
    Pair("BTC/USDT"),
    Timeframe("5m"),
    Secret("not-a-real-secret"),
    (1, ("x", frozenset({2}))),
    Point(1),
    Frozen((1, 2)),
    FrozenModel(x=("y", 1)),
    freeze({"a": [1, {"b": 2}]}),
    len,
    OpenModel,
    np.float64(1.5),
]


@pytest.mark.parametrize("value", FIXED, ids=range(len(FIXED)))
def test_an_immutable_value_is_shared(value: object) -> None:
    assert private_copy(value) is value
    assert copier_for(value) is None


def _wild() -> WildText:
    text = WildText("x")
    text.seen = [1]
    return text


# A mutable value, a change by a caller, and a text that shows the change.
OPEN: list[tuple[Callable[[], object], Callable[..., object], Callable[..., object]]] = [
    (lambda: {"a": 1}, lambda held: held.update(a=2), lambda held: held["a"]),
    (lambda: [1], lambda held: held.append(2), len),
    (lambda: {1}, lambda held: held.add(2), len),
    (lambda: {"a": [{"b": 1}]}, lambda held: held["a"][0].update(b=2), repr),
    (lambda: ([1],), lambda held: held[0].append(2), repr),
    (lambda: Point([1]), lambda held: held.x.append(2), repr),
    (lambda: Frozen({1: [1]}), lambda held: held.x[1].append(2), repr),
    (Open, lambda held: held.x.append(2), repr),
    (lambda: OpenModel(x=[1]), lambda held: held.x.append(2), repr),
    (lambda: FrozenModel(x=[1]), lambda held: held.x.append(2), repr),
    (
        lambda: ModelWithMore.model_validate({"z": 1}),
        lambda held: held.model_extra.update(z=2),
        repr,
    ),
    (ModelWithMemory, ModelWithMemory.see, ModelWithMemory.sights),
    (_wild, lambda held: held.seen.append(2), lambda held: repr(held.seen)),
    (lambda: WildText("x"), lambda held: setattr(held, "seen", [1]), lambda held: repr(vars(held))),
    (lambda: Book(2), lambda held: held.levels.append(2), lambda held: repr(held.levels)),
    (lambda: bytearray(b"x"), lambda held: held.append(1), bytes),
    (lambda: np.zeros(2), lambda held: held.fill(1), lambda held: held.sum()),
    (lambda: pd.DataFrame({"a": [1.0]}), lambda held: held.isetitem(0, [2.0]), repr),
    (lambda: pd.DataFrame({"a": [1.0]}), lambda held: held.iloc.__setitem__((0, 0), 2.0), repr),
    (lambda: pd.DataFrame({"a": ["x"]}), lambda held: held.insert(1, "b", 1), repr),
    (lambda: pd.DataFrame({"a": [1]}), lambda held: setattr(held.index, "name", "z"), repr),
    (lambda: pd.Series([1.0]), lambda held: held.iloc.__setitem__(0, 2.0), repr),
    (lambda: {"a": pd.Series([1])}, lambda held: held["a"].iloc.__setitem__(0, 2), repr),
]


@pytest.mark.parametrize("make", OPEN, ids=range(len(OPEN)))
def test_callers_cannot_change_the_kept_value(
    make: tuple[Callable[[], object], Callable[..., object], Callable[..., object]],
) -> None:
    build, change, show = make
    given = build()
    before = show(given)

    kept = private_copy(given)
    copier = copier_for(kept)
    assert copier is not None
    one, other = copier(kept), copier(kept)
    for held in (given, one):
        assert type(held) is type(kept)
        change(held)
        assert show(held) != before

    assert show(kept) == show(other) == show(copier(kept)) == before


def test_a_copied_frame_outlives_its_original() -> None:
    kept = private_copy(pd.DataFrame({"a": np.arange(3.0), "b": np.arange(3.0)}))
    copier = copier_for(kept)
    assert copier is not None
    held = copier(kept)
    assert isinstance(held, pd.DataFrame)
    del kept

    held.iloc[0, 0] = 7.0

    assert held["a"].tolist() == [7.0, 1.0, 2.0]


@pytest.mark.parametrize("wrap", [pd.Series, pd.Index, lambda cells: pd.DataFrame({"a": cells})])
def test_a_frame_with_mutable_cells_is_rejected(wrap: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="cells that can change"):
        private_copy(wrap([[1], [2]]))

    assert private_copy(wrap([Decimal(1), (2, "x")])) is not None


def test_a_value_that_cannot_be_copied_is_rejected() -> None:
    for value in (threading.Lock(), [threading.Lock()], (x for x in [1])):
        with pytest.raises(TypeError, match="cannot be copied: cache plain data"):
            private_copy(value)


def test_the_size_of_frames_and_arrays_is_that_of_their_cells() -> None:
    cells = np.zeros((1_000, 6))
    frame = pd.DataFrame(cells)

    assert 48_000 <= size_of(cells) < 49_000
    assert 48_000 <= size_of(cells[::2][::-1]) + 24_000 < 49_000
    assert 48_000 <= size_of(frame) < 50_000
    assert 8_000 <= size_of(frame[0]) < 9_000
    assert size_of(pd.DataFrame({"a": ["x" * 1_000 + str(n) for n in range(100)]})) > 100_000
    assert size_of({"a": [frame], "b": frame}) < 50_000


def test_the_size_of_a_value_includes_its_parts() -> None:
    text = "x" * 10_000

    for value in (
        [text],
        deque([text]),
        {"a": (text,)},
        Frozen([text]),
        OpenModel.model_construct(x=[text]),
    ):
        assert 10_000 < size_of(value) < 12_000
    assert size_of([text, text]) < 12_000
    assert size_of(None) == sys.getsizeof(None)


def test_the_size_of_a_recursive_value_is_finite() -> None:
    held: list[object] = []
    held.append(held)

    assert size_of(held) < 200


def _counter() -> Callable[[], int]:
    counts: list[int] = []
    return lambda: len(counts)


@pytest.mark.parametrize("value", [_counter(), [].append, {"count": _counter()}])
def test_a_function_with_state_of_its_own_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        private_copy(value)
