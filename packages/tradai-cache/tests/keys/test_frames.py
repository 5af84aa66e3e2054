"""Digests of frames: shape, types, labels and every byte matter."""

from collections.abc import Callable
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import pytest

from tradai.cache import Cache
from tradai.cache._keys.digest import digest_of

# Untyped: the stubs of pandas lack half of what is used here.
pd = pytest.importorskip("pandas")
Frame: TypeAlias = Any

TIMES = pd.date_range("2025-01-01", periods=4, freq="h", tz="UTC", name="at")


def _frame() -> Frame:
    return pd.DataFrame(
        {
            "number": [1.5, float("nan"), -0.0, 2.0],
            "text": ["a", None, "", "b"],
            "kind": pd.Categorical(["x", "y", "x", None]),
            "time": TIMES,
            "naive": TIMES.tz_localize(None),
            "whole": pd.array([1, None, 2, 3], dtype="Int64"),
            "truth": pd.array([True, None, False, True], dtype="boolean"),
            "real": pd.array([1.5, None, 2.5, 3.5], dtype="Float64"),
            "month": pd.period_range("2025-01", periods=4, freq="M"),
            "span": pd.interval_range(0, 4),
            "object": pd.Series([1, "x", (2,), None], dtype=object, index=TIMES).array,
            "length": pd.to_timedelta([1, 2, 3, 4], unit="h"),
        },
        index=TIMES,
    )


def _with(column: str, value: object) -> Callable[[Frame], object]:
    def change(frame: Frame) -> object:
        frame[column] = value
        return frame

    return change


def _attributed(frame: Frame) -> Frame:
    other = frame.copy()
    other.attrs["source"] = "binance"
    return other


# Each changes the same frame.
CHANGES: dict[str, Callable[[Frame], object]] = {
    "nothing": lambda frame: frame,
    "a number": lambda frame: frame.assign(number=[1.5, float("nan"), -0.0, 3.0]),
    "the sign of zero": lambda frame: frame.assign(number=[1.5, float("nan"), 0.0, 2.0]),
    "a type": lambda frame: frame.astype({"number": "float32"}),
    "a text": lambda frame: frame.assign(text=["a", None, "", "c"]),
    "no text": lambda frame: frame.assign(text=["a", "", "", "b"]),
    "a category": lambda frame: frame.assign(kind=pd.Categorical(["x", "y", "y", None])),
    "all categories": lambda frame: frame.assign(kind=frame["kind"].cat.add_categories(["z"])),
    "their order": lambda frame: frame.assign(kind=frame["kind"].cat.as_ordered()),
    "a zone": lambda frame: frame.assign(time=TIMES.tz_convert("Europe/Berlin")),
    "a unit": lambda frame: frame.assign(time=TIMES.as_unit("s")),
    "a mask": lambda frame: frame.assign(whole=pd.array([1, 0, 2, 3], dtype="Int64")),
    "a truth": lambda frame: frame.assign(truth=pd.array([True, None, True, True])),
    "a real": lambda frame: frame.assign(real=pd.array([1.5, None, 2.5, 4.5], dtype="Float64")),
    "a month": lambda frame: frame.assign(month=pd.period_range("2025-02", periods=4, freq="M")),
    "a span": lambda frame: frame.assign(span=pd.interval_range(1, 5)),
    "an object": _with("object", pd.Series([1, "x", (3,), None], dtype=object, index=TIMES)),
    "a length": lambda frame: frame.assign(length=pd.to_timedelta([1, 2, 3, 5], unit="h")),
    "a label": lambda frame: frame.rename(columns={"number": "Number"}),
    "the order of columns": lambda frame: frame[frame.columns[::-1]],
    "the order of rows": lambda frame: frame[::-1],
    "the index": lambda frame: frame.set_axis(TIMES + pd.Timedelta(1, "h")),
    "its zone": lambda frame: frame.tz_convert("Europe/Berlin"),
    "its name": lambda frame: frame.rename_axis("when"),
    "its kind": lambda frame: frame.reset_index(drop=True),
    "its kind, again": lambda frame: frame.set_axis(pd.Index([0, 1, 2, 3])),
    "its levels": lambda frame: frame.set_axis(pd.MultiIndex.from_product([[1, 2], ["a", "b"]])),
    "its frequency": lambda frame: frame.set_axis(pd.DatetimeIndex(list(TIMES), name="at")),
    "the name of columns": lambda frame: frame.rename_axis(columns="field"),
    "fewer rows": lambda frame: frame[:3],
    "no rows": lambda frame: frame[:0],
    "no columns": lambda frame: frame[[]],
    "attributes": _attributed,
    "a column of it": lambda frame: frame["number"],
    "another name of that": lambda frame: frame["number"].rename("other"),
    "its index": lambda frame: frame.index,
    "its columns": lambda frame: frame.columns,
    "its numbers": lambda frame: frame["number"].to_numpy(),
    "its categories": lambda frame: pd.CategoricalIndex(frame["kind"]),
    "its periods": lambda frame: pd.PeriodIndex(frame["month"]),
    "its spans": lambda frame: pd.IntervalIndex(frame["span"]),
    "its lengths": lambda frame: pd.TimedeltaIndex(frame["length"]),
    "an instant": lambda _: TIMES[0],
    "an instant elsewhere": lambda _: TIMES[0].tz_convert("Europe/Berlin"),
    "a duration": lambda _: pd.Timedelta(1, "h"),
    "a period": lambda _: pd.Period("2025-01"),
    "an interval": lambda _: pd.Interval(0, 1),
    "no time": lambda _: pd.NaT,
    "nothing known": lambda _: pd.NA,
}


def test_every_change_of_a_frame_changes_the_digest() -> None:
    digests = {name: digest_of(change(_frame())) for name, change in CHANGES.items()}

    same = [pair for pair in combinations(CHANGES, 2) if digests[pair[0]] == digests[pair[1]]]
    assert same == []


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_frame_has_the_same_digest(name: str) -> None:
    change = CHANGES[name]

    assert digest_of(change(_frame())) == digest_of(change(_frame()))


def test_the_memory_layout_of_an_array_does_not_matter() -> None:
    array = np.arange(12.0).reshape(3, 4)

    assert digest_of(array) == digest_of(np.asfortranarray(array))
    assert digest_of(array[:, ::2]) == digest_of(array[:, ::2].copy())


@pytest.mark.parametrize("place", [0, 2_500, 4_999])
def test_long_frames_and_arrays_are_not_shortened(place: int) -> None:
    @Cache().cached(ttl=60)
    def total(values: Any) -> float:  # noqa: ANN401 - frames and arrays
        return float(np.asarray(values).sum())

    array = np.zeros(5_000)
    frame = pd.DataFrame({"close": array})
    assert (total(array), total(frame)) == (0.0, 0.0)
    array[place] = 1.0

    assert (total(array), total(pd.DataFrame({"close": array}))) == (1.0, 1.0)


@pytest.mark.parametrize(
    "column",
    [pd.array([1], dtype="Sparse[int]"), pd.array([1], dtype="int64[pyarrow]")],
    ids=["sparse", "arrow"],
)
def test_a_column_without_an_exact_encoding_is_rejected(column: Any) -> None:  # noqa: ANN401
    with pytest.raises(TypeError, match="cannot be part of a key"):
        digest_of(pd.DataFrame({"a": column}))
