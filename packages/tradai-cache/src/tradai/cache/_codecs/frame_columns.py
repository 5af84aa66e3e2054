"""Columns and labels of frames as a description and buffers: the bits of every cell as they are."""

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final

from tradai.cache._codecs.plain_scalars import decode_zone, encode_zone

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Array: TypeAlias = npt.NDArray[Any]
    Column: TypeAlias = pd.Series[Any] | pd.Index[Any]

__all__ = [
    "Buffers",
    "CellMemory",
    "decode_column",
    "decode_index",
    "encode_column",
    "encode_index",
]

_ALIGNED: Final = 8
_DTYPE: Final = re.compile(r"[<>|][biufcmMSU][0-9]+(?:\[[a-z0-9]+\])?", re.ASCII)
_FIXED: Final = "biufcmM"  # numbers, truths and times


@final
class Buffers:
    """Bytes of arrays, to be joined."""

    def __init__(self) -> None:
        """Start empty."""
        self.parts: list[bytes | memoryview] = []
        self._size = 0

    def add(self, array: "Array") -> int:
        """Take the cells of `array` in C order, and return where they will be."""
        import numpy as np

        self.parts.append(bytes(-self._size % _ALIGNED))
        at = self._size + len(self.parts[-1])
        self.parts.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        self._size = at + array.nbytes
        return at


@final
class CellMemory:
    """CellMemory of its own for the arrays of one frame, so that they can be written to."""

    def __init__(self, data: memoryview) -> None:
        """Copy `data`."""
        import numpy as np

        # By NumPy, which asks for large pages: the rest of the time goes into touching small ones.
        self._cells = np.frombuffer(data, np.uint8).copy() if data else np.empty(0, np.uint8)

    def array(self, dtype: str, count: int, at: int) -> "Array":
        """Return `count` cells from `at` on; whatever does not fit raises `ValueError`."""
        import numpy as np

        if not _DTYPE.fullmatch(dtype) or count < 0:
            raise ValueError
        if count == 0:
            return np.empty(0, dtype)
        return np.frombuffer(self._cells, dtype, count, at)


def encode_column(column: "Column", buffers: Buffers) -> list[object]:
    """Describe `column`, whose cells go into `buffers`.

    Raises:
        TypeError: Its dtype is not one that comes back exactly.
    """
    import numpy as np
    import pandas as pd

    dtype: object = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in _FIXED:
        return ["cells", dtype.str, buffers.add(column.to_numpy())]
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return ["objects", column.tolist()]
    if isinstance(dtype, pd.DatetimeTZDtype):
        instants = buffers.add(pd.DatetimeIndex(column.array).asi8)
        return ["instants", dtype.unit, encode_zone(dtype.tz), instants]
    if isinstance(dtype, pd.StringDtype):
        texts = column.array.to_numpy(dtype=object, na_value=cast("Any", None)).tolist()
        return ["texts", dtype.storage, isinstance(dtype.na_value, float), texts]
    message = (
        f"a column or index of dtype {dtype} cannot be shared exactly: expected numbers, bool, "
        "datetime64, timedelta64, text or plain objects; convert it with astype"
    )
    raise TypeError(message)


def decode_column(encoded: Any, count: int, memory: CellMemory) -> Any:  # noqa: ANN401
    """Return the array of `count` cells that `encode_column` described."""
    kind, *facts = encoded
    if kind == "cells":
        return memory.array(facts[0], count, facts[1])
    if kind == "instants":
        unit, zone, at = facts
        return _instants(memory.array(f"<M8[{unit}]", count, at), unit, zone).array
    if kind == "texts":
        return _texts(*facts)
    if kind != "objects":
        raise ValueError
    return _objects(*facts)


def encode_index(index: "pd.Index[Any]", buffers: Buffers) -> dict[str, object]:
    """Describe `index`, whose labels go into `buffers`.

    Raises:
        TypeError: It is not one that comes back exactly.
    """
    import pandas as pd

    header: dict[str, object] = {"name": index.name, "count": len(index)}
    if type(index) is pd.RangeIndex:
        return header | {"range": [index.start, index.stop, index.step]}
    if type(index) not in (pd.Index, pd.DatetimeIndex, pd.TimedeltaIndex):
        message = (
            f"an index of type {type(index).__qualname__} cannot be shared exactly: "
            "move it into columns with reset_index"
        )
        raise TypeError(message)
    return header | {"labels": encode_column(index, buffers), "freq": _encode_freq(index)}


def decode_index(encoded: Any, memory: CellMemory) -> "pd.Index[Any]":  # noqa: ANN401
    """Return the index that `encode_index` described."""
    import numpy as np
    import pandas as pd

    name = encoded["name"]
    if "range" in encoded:
        start, stop, step = encoded["range"]
        return pd.RangeIndex(start, stop, step, name=name)
    labels = decode_column(encoded["labels"], encoded["count"], memory)
    if encoded["freq"] is not None:
        return _regular(labels, encoded["freq"]).rename(name)
    # Without it pandas would look at objects and choose a type of its own.
    dtype = labels.dtype if isinstance(labels, np.ndarray) else None
    index: pd.Index[Any] = pd.Index(labels, dtype=dtype, name=name, copy=False)
    return index


def _regular(labels: Any, freq: str) -> "pd.DatetimeIndex | pd.TimedeltaIndex":  # noqa: ANN401
    """Return `labels` as an index that knows its `freq`; `ValueError` when it is another one."""
    import numpy as np
    import pandas as pd

    is_span = labels.dtype.kind == "m"
    index = (pd.TimedeltaIndex if is_span else pd.DatetimeIndex)(labels, copy=False)
    if len(index):
        make: Any = pd.timedelta_range if is_span else pd.date_range
        made: pd.DatetimeIndex | pd.TimedeltaIndex = make(index[0], periods=len(index), freq=freq)
        # The same that pandas checks, in a tenth of its time.
        if made.dtype == index.dtype and np.array_equal(made.asi8, index.asi8):
            return made
    return type(index)(index, freq=freq)


def _encode_freq(index: "pd.Index[Any]") -> str | None:
    from pandas.tseries.frequencies import to_offset

    freq = getattr(index, "freq", None)
    if freq is None:
        return None
    if to_offset(freq.freqstr) == freq:
        return str(freq.freqstr)
    message = (
        f"an index with the freq {freq.freqstr} cannot be shared exactly: set it to None, or to "
        "one that its name tells all about"
    )
    raise TypeError(message)


def _instants(stamps: "Array", unit: object, zone: object) -> "pd.DatetimeIndex":
    import pandas as pd

    # Said by type: `tz_localize` takes ten times as long.
    dtype = pd.DatetimeTZDtype(cast("Any", unit), "UTC")
    utc = pd.DatetimeIndex(stamps, dtype=dtype, copy=False)
    return utc.tz_convert(decode_zone(zone))


def _texts(storage: object, is_nan: object, texts: object) -> Any:  # noqa: ANN401
    import pandas as pd

    kind, make = cast("Any", pd.StringDtype), cast("Any", pd.array)
    # The second argument came with pandas 3.
    return make(texts, dtype=kind(storage, **({"na_value": float("nan")} if is_nan else {})))


def _objects(values: list[object]) -> "Array":
    import numpy as np

    # One by one: NumPy would see tuples as one more dimension.
    cells = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        cells[position] = value
    return cells
