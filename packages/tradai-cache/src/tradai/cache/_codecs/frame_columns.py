"""Columns and indexes of frames: a description, and buffers with the bits of every cell."""

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final

from tradai.cache._codecs.plain_scalars import decode_zone, encode_zone

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Array: TypeAlias = npt.NDArray[Any]
    Column: TypeAlias = pd.Series[Any] | pd.Index[Any]

_ALIGNED: Final = 8
_DTYPE: Final = re.compile(r"[<>|][biufcmMSU][0-9]+(?:\[[a-z0-9]+\])?", re.ASCII)
_FIXED: Final = "biufcmM"  # numbers, booleans and times


@final
class Buffers:
    """Bytes of arrays, to be joined."""

    def __init__(self) -> None:
        """Start empty."""
        self.parts: list[bytes | memoryview] = []
        self._size = 0

    def add(self, array: "Array") -> int:
        """Add the cells of `array` in C order, and return their offset."""
        import numpy as np

        self.parts.append(bytes(-self._size % _ALIGNED))
        at = self._size + len(self.parts[-1])
        self.parts.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        self._size = at + array.nbytes
        return at


@final
class CellMemory:
    """Writable memory for the arrays of one frame."""

    def __init__(self, data: memoryview) -> None:
        """Copy `data`."""
        import numpy as np

        # Copied by NumPy, which asks for huge pages: touching small ones takes most of the time.
        self._cells = np.frombuffer(data, np.uint8).copy() if data else np.empty(0, np.uint8)

    def array(self, dtype: str, count: int, at: int) -> "Array":
        """Return `count` cells from offset `at`; `ValueError` when they do not fit."""
        import numpy as np

        if not _DTYPE.fullmatch(dtype) or count < 0:
            raise ValueError
        if count == 0:
            return np.empty(0, dtype)
        return np.frombuffer(self._cells, dtype, count, at)


def encode_column(column: "Column", buffers: Buffers) -> list[object]:
    """Describe `column`, and add its cells to `buffers`.

    Raises:
        TypeError: Its dtype cannot be decoded exactly.
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
    """Describe `index`, and add its labels to `buffers`.

    Raises:
        TypeError: Its type cannot be decoded exactly.
    """
    import pandas as pd

    description: dict[str, object] = {"name": index.name, "count": len(index)}
    if type(index) is pd.RangeIndex:
        return description | {"range": [index.start, index.stop, index.step]}
    if type(index) not in (pd.Index, pd.DatetimeIndex, pd.TimedeltaIndex):
        message = (
            f"an index of type {type(index).__qualname__} cannot be shared exactly: "
            "move it into columns with reset_index"
        )
        raise TypeError(message)
    return description | {"labels": encode_column(index, buffers), "freq": _encode_freq(index)}


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
    # Without a dtype pandas would inspect the objects and choose one.
    dtype = labels.dtype if isinstance(labels, np.ndarray) else None
    return cast("pd.Index[Any]", pd.Index(labels, dtype=dtype, name=name, copy=False))


def _regular(labels: Any, freq: str) -> "pd.DatetimeIndex | pd.TimedeltaIndex":  # noqa: ANN401
    """Return `labels` as an index with `freq`; `ValueError` when they do not have it."""
    import numpy as np
    import pandas as pd

    is_span = labels.dtype.kind == "m"
    index = (pd.TimedeltaIndex if is_span else pd.DatetimeIndex)(labels, copy=False)
    if len(index):
        make: Any = pd.timedelta_range if is_span else pd.date_range
        made: pd.DatetimeIndex | pd.TimedeltaIndex = make(index[0], periods=len(index), freq=freq)
        # The check that pandas makes, in a tenth of the time.
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
        "one that its name describes completely"
    )
    raise TypeError(message)


def _instants(stamps: "Array", unit: object, zone: object) -> "pd.DatetimeIndex":
    import pandas as pd

    # By dtype: `tz_localize` takes ten times as long.
    dtype = pd.DatetimeTZDtype(cast("Any", unit), "UTC")
    utc = pd.DatetimeIndex(stamps, dtype=dtype, copy=False)
    return utc.tz_convert(decode_zone(zone))


def _texts(storage: object, is_nan: object, texts: object) -> Any:  # noqa: ANN401
    import pandas as pd

    dtype, make_array = cast("Any", pd.StringDtype), cast("Any", pd.array)
    # `na_value` came with pandas 3.
    na_value = {"na_value": float("nan")} if is_nan else {}
    return make_array(texts, dtype=dtype(storage, **na_value))


def _objects(values: list[object]) -> "Array":
    import numpy as np

    # One by one: NumPy would take tuples for one more dimension.
    cells = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        cells[position] = value
    return cells
