"""Codec of frames, series and arrays: every bit comes back, or the frame is rejected."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, date, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd  # noqa: TID253
import pytest
from hypothesis import given, strategies as st

from tradai.cache._codecs.codec import codec_for
from tradai.cache._codecs.secret_scan import Uncacheable, Undecodable
from tradai.core import Secret

FRAME = codec_for(pd.DataFrame | None)
SERIES = codec_for(pd.Series)
ARRAY = codec_for(np.ndarray)
BERLIN = ZoneInfo("Europe/Berlin")


def _bits(array: Any) -> object:  # noqa: ANN401
    """Return an object that is equal exactly for identical cells."""
    dtype = array.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        zone = repr(dtype.tz)
        return dtype.unit, zone, pd.DatetimeIndex(array).asi8.tobytes()
    if isinstance(dtype, pd.StringDtype):
        cells = [None if pd.isna(cell) else cell for cell in array]
        return dtype.storage, repr(dtype.na_value), cells
    if dtype.kind == "O":
        return "object", [(type(cell), repr(cell)) for cell in array]
    return dtype.str, np.asarray(array).tobytes()


def _seen(value: Any) -> object:  # noqa: ANN401
    """Return an object that is equal exactly for identical bits."""
    kind = type(value)
    if isinstance(value, np.ndarray):
        return kind, value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, pd.RangeIndex):
        return kind, value.start, value.stop, value.step, value.name
    if isinstance(value, pd.Index):
        return kind, _bits(value), value.name, repr(getattr(value, "freq", None))
    rows = (kind, _seen(value.index), value.attrs, value.flags.allows_duplicate_labels)
    if isinstance(value, pd.Series):
        return rows, _bits(value), value.name
    columns = [_bits(value.iloc[:, place]) for place in range(value.shape[1])]
    return rows, _seen(value.columns), columns


_DTYPES = ["<f8", "<f4", "<f2", "<i8", "<u1", "<c16", "<M8[s]", "<M8[ns]", "<m8[ms]", ">f8", ">i4"]


def _cells(rows: int) -> st.SearchStrategy[Any]:
    """Generate columns of any bits: every NaN, NaT, -0.0, subnormal numbers."""

    def raw(dtype: str) -> st.SearchStrategy[Any]:
        size = rows * np.dtype(dtype).itemsize
        return st.binary(min_size=size, max_size=size).map(lambda bits: np.frombuffer(bits, dtype))

    def listed(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(cells, min_size=rows, max_size=rows)

    objects = (
        st.none()
        | st.text(max_size=3)
        | st.decimals(allow_nan=False)
        | st.dates()
        | st.tuples(st.floats())
    )
    stamps = st.integers(-(2**60), 2**60)
    zones = st.sampled_from([UTC, BERLIN, timezone(timedelta(hours=-3))])
    return st.one_of(
        st.sampled_from(_DTYPES).flatmap(raw),
        listed(st.booleans()).map(lambda cells: np.array(cells, bool)),
        listed(objects).map(lambda cells: pd.Series(cells, dtype=object).array),
        listed(st.none() | st.text(max_size=3)).map(lambda cells: pd.array(cells, dtype="str")),
        st.builds(
            lambda cells, zone: (
                pd.DatetimeIndex(np.array(cells, "M8[ns]"), tz="UTC").tz_convert(zone).array
            ),
            listed(stamps),
            zones,
        ),
    )


_names = st.none() | st.text(max_size=3) | st.integers() | st.tuples(st.text(max_size=1))


def _indexes(rows: int) -> st.SearchStrategy[Any]:
    start = pd.Timestamp("2025-03-29 22:00", tz=BERLIN)
    return st.one_of(
        st.builds(
            lambda start, step: pd.RangeIndex(start, start + rows * step, step),
            st.integers(-3, 3),
            st.sampled_from([-2, 1, 3]),
        ),
        _cells(rows).filter(lambda cells: cells.dtype != "<f2").map(pd.Index),
        st.builds(
            lambda freq, unit: pd.date_range(start, periods=rows, freq=freq, unit=unit),
            st.sampled_from(["min", "D", "2h", "MS", "W-TUE"]),
            st.sampled_from(["s", "ms", "ns"]),
        ),
        st.just(pd.timedelta_range("1h", periods=rows, freq="7min")),
    )


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows, width = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    cells = {place: draw(_cells(rows)) for place in range(width)}
    frame = pd.DataFrame(cells, index=range(rows))
    frame.index = draw(_indexes(rows)).rename(draw(_names))
    labels = draw(st.lists(_names, min_size=width, max_size=width))
    frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False).rename(draw(_names))
    return frame


@given(frames())
def test_every_bit_of_a_frame_comes_back(frame: pd.DataFrame) -> None:
    assert _seen(FRAME.decode(FRAME.encode(frame))) == _seen(frame)


@given(frames().filter(lambda frame: frame.shape[1] > 0))
def test_every_bit_of_a_series_comes_back(frame: pd.DataFrame) -> None:
    series = frame.iloc[:, 0]

    assert _seen(SERIES.decode(SERIES.encode(series))) == _seen(series)


def candles(rows: int = 5) -> Any:  # noqa: ANN401
    opened = pd.date_range("2025-01-01", periods=rows, freq="5min", tz="UTC", name="date")
    names = ["open", "high", "low", "close", "volume"]
    values = {name: np.arange(float(rows)) + shift for shift, name in enumerate(names)}
    return pd.DataFrame(values, index=opened.as_unit("ms"))


NAN = np.array([0x7FF8000000000007, 0xFFF0000000000001], "u8").view("f8")


def _frames() -> dict[str, pd.DataFrame]:
    twice = pd.DataFrame([[1.0, 2]], columns=["a", "a"], index=[7]).astype({"a": "float32"})
    named = candles()
    named.columns.name = ("a", 1)
    named.attrs = {"source": ("binance", Decimal(1))}
    strict = candles().set_flags(allows_duplicate_labels=False)
    return {
        "candles": candles(),
        "a slice": candles(50).iloc[::3, [3, 1]],
        "rows of an array": pd.DataFrame(np.arange(12.0).reshape(4, 3)),
        "no freq": candles().iloc[[0, 1, 4]],
        "empty": candles(0),
        "no columns": candles()[[]],
        "nothing": pd.DataFrame(),
        "kinds of NaN": pd.DataFrame({"a": NAN, "b": [-0.0, 0.0], "c": [np.inf, -np.inf]}),
        "duplicate labels": pd.concat([twice, twice]),
        "mixed": pd.DataFrame({"a": [1], "b": ["x"], "c": [1.5], "d": [None], "e": [True]}),
        "text": pd.DataFrame({"a": ["x", None, "\U0001f600"]}, index=["\u20ac", "", "x"]),
        "text in Python": pd.DataFrame({"a": pd.array(["x", None], dtype="string[python]")}),
        "objects": pd.DataFrame({"a": [(1, 2), Decimal(1), None, date(2025, 1, 1)]}, dtype=object),
        "names and notes": named,
        "strict labels": strict,
        "Berlin": candles().tz_convert(BERLIN),
        "columns of dates": pd.DataFrame([[1, 2]], columns=pd.date_range("2025", periods=2)),
    }


@pytest.mark.parametrize("name", _frames())
def test_an_awkward_frame_comes_back(name: str) -> None:
    frame = _frames()[name]

    back = FRAME.decode(FRAME.encode(frame))

    assert _seen(back) == _seen(frame)
    assert isinstance(back, pd.DataFrame)
    pd.testing.assert_frame_equal(back, frame, check_exact=True, check_flags=True)


ARRAYS: list[Any] = [
    np.arange(6.0).reshape(2, 3),
    np.arange(6.0).reshape(2, 3).T,
    np.arange(24).reshape(2, 3, 4)[::-1, ::2],
    np.array(1.5),
    np.zeros((0, 3)),
    NAN,
    np.array(["a", "\u20ac\u20ac"]),
    np.array([b"a", b"bcd"]),
    np.array(["2025-01-01", "NaT"], "M8[ns]"),
    np.array([True]),
    np.array([1, 2], ">i2"),
]


@pytest.mark.parametrize("array", ARRAYS, ids=range(len(ARRAYS)))
def test_every_bit_of_an_array_comes_back(array: object) -> None:
    assert _seen(ARRAY.decode(ARRAY.encode(array))) == _seen(array)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_an_array_comes_back_in_its_order_in_memory(axes: tuple[int, int, int]) -> None:
    array = np.arange(24.0).reshape(2, 3, 4).transpose(axes)

    back: Any = ARRAY.decode(ARRAY.encode(array))

    assert (back.strides, back.tolist()) == (array.strides, array.tolist())


def test_none_in_place_of_a_frame_comes_back() -> None:
    assert FRAME.decode(FRAME.encode(None)) is None


def test_a_decoded_frame_is_writable() -> None:
    for name, frame in _frames().items():
        if frame.size and name != "text in Python":
            back: Any = FRAME.decode(FRAME.encode(frame))
            back.iloc[0, 0] = back.iloc[-1, 0]
            back.iloc[:, 0].to_numpy(copy=True)[:0] = 0
    array: Any = ARRAY.decode(ARRAY.encode(np.zeros(2)))
    array[0] = 1.0


def _unfit() -> dict[str, object]:
    good = candles()
    holidays = pd.offsets.CustomBusinessDay(holidays=["2025-01-02"])
    return {
        "category": good.assign(side=pd.Categorical(["a"] * 5)),
        "nullable": good.astype({"volume": "Float64"}),
        "period": good.assign(month=pd.period_range("2025", periods=5, freq="M")),
        "interval": good.set_index(pd.interval_range(0, 5)),
        "sparse": good.astype({"volume": "Sparse[float]"}),
        "Arrow": good.astype({"volume": "double[pyarrow]"}),
        "levels": good.set_index([[1] * 5, [2] * 5]),
        "levels of columns": good.set_axis(pd.MultiIndex.from_product([["a"], [*"bcdef"]]), axis=1),
        "categories": good.set_index(pd.CategoricalIndex([*"abcde"])),
        "a freq that is not all in its name": good.set_index(
            pd.date_range("2025-01-01", periods=5, freq=holidays)
        ),
        "objects of another library": pd.DataFrame({"a": [np.int64(1)]}, dtype=object),
        "objects": pd.DataFrame({"a": [object()]}),
        "a part of the class": type("Part", (pd.DataFrame,), {})({"a": [1]}),
        "not a frame": {"a": [1]},
        "notes that are not plain": _noted(),
    }


def _noted() -> object:
    frame = candles()
    frame.attrs = {"a": object()}
    return frame


@pytest.mark.parametrize("why", _unfit())
def test_a_frame_that_cannot_be_decoded_exactly_is_rejected(why: str) -> None:
    with pytest.raises(TypeError, match=r"cannot be shared"):
        FRAME.encode(_unfit()[why])


@pytest.mark.parametrize(
    "array",
    [
        np.array([1, "a"], object),
        np.zeros(1, [("a", "i4")]),
        np.ma.masked_array([1], [True]),
        np.zeros(1, [("a", "U0")])["a"],
        np.float64(1.5),
    ],
    ids=range(5),
)
def test_an_array_that_cannot_be_decoded_exactly_is_rejected(array: object) -> None:
    with pytest.raises(TypeError, match="cannot be shared"):
        ARRAY.encode(array)


def _secretive() -> list[pd.DataFrame]:
    secret = Secret("not-a-real-secret")
    cells = pd.DataFrame({"a": [secret]}, dtype=object)
    labels = pd.DataFrame({"a": [1]}, index=pd.Index([secret], dtype=object))
    names = candles()
    names.index.name = secret
    notes = candles()
    notes.attrs = {"key": [secret]}
    return [cells, labels, names, notes]


def test_a_frame_with_a_secret_is_not_shared() -> None:
    for frame in _secretive():
        with pytest.raises(Uncacheable):
            FRAME.encode(frame)


def _encoded(frame: object) -> bytes:
    """Return the stored bytes of a frame."""
    parts = FRAME.encode(frame)
    assert isinstance(parts, tuple)
    return b"".join(parts)


def _head(payload: bytes) -> Any:  # noqa: ANN401
    return json.loads(payload[4 : 4 + int.from_bytes(payload[:4])])


def _with_head(payload: bytes, head: object) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(4) + text + payload[4 + int.from_bytes(payload[:4]) :]


LIES: dict[str, Callable[[Any], object]] = {
    "more rows": lambda head: head["index"].update(count=10**12),
    "fewer rows": lambda head: head["index"].update(count=-1),
    "one row more": lambda head: head["index"].update(count=6),
    "all rows": lambda head: head["index"].update(count=-1),
    "far away": lambda head: head["cells"][0].__setitem__(2, 10**12),
    "before": lambda head: head["cells"][0].__setitem__(2, -8),
    "objects": lambda head: head["cells"][0].__setitem__(1, "|O8"),
    "a record": lambda head: head["cells"][0].__setitem__(1, "i4,i4"),
    "no such dtype": lambda head: head["cells"][0].__setitem__(1, "<f7"),
    "no such column": lambda head: head["cells"].__setitem__(0, ["pickle", ""]),
    "no columns": lambda head: head.update(cells=[]),
    "too few columns": lambda head: head["cells"].pop(),
    "no such zone": lambda head: head["index"]["labels"].__setitem__(2, "../passwd"),
    "no such unit": lambda head: head["index"]["labels"].__setitem__(1, "century"),
    "another freq": lambda head: head["index"].update(freq="D"),
    "a huge freq": lambda head: head["index"].update(freq="9" * 30 + "D"),
    "notes": lambda head: head.update(attrs=7),
    "no notes": lambda head: head.pop("attrs"),
    "no kind": lambda head: head.pop("kind"),
    "a series": lambda head: head.update(kind="series"),
    "an array": lambda head: head.update(kind="array"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_false_description_is_rejected(lie: str) -> None:
    payload = _encoded(candles())
    head = _head(payload)
    assert FRAME.decode(_with_head(payload, head)) is not None

    LIES[lie](head)

    with pytest.raises(Undecodable):
        FRAME.decode(_with_head(payload, head))


@pytest.mark.parametrize(
    "payload", [b"", b"\x00", b"\xff" * 8, b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x02{}", b"ARROW1"]
)
def test_bytes_that_are_not_a_frame_are_rejected(payload: bytes) -> None:
    with pytest.raises(Undecodable):
        FRAME.decode(payload)


def test_a_truncated_frame_is_rejected() -> None:
    payload = _encoded(candles())

    for length in range(len(payload)):
        with pytest.raises(Undecodable):
            FRAME.decode(payload[:length])
