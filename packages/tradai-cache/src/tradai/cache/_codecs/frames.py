"""Codec of frames, series and arrays: a JSON description and the raw bytes of their cells.

No library parses the bytes: a wrong length is detected before memory is read.
"""

from typing import TYPE_CHECKING, Any, Final

from tradai.cache._codecs.envelope import Payload
from tradai.cache._codecs.frame_columns import (
    Buffers,
    CellMemory,
    decode_column,
    decode_index,
    encode_column,
    encode_index,
)
from tradai.cache._codecs.plain import from_plain, to_plain

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

_SIZE: Final = 4  # bytes of the length of the description
_CELLS: Final = "biufcmMSU"


def to_frame(value: object) -> tuple[bytes | memoryview, ...]:
    """Return every bit of a frame, a series, an array or None, in parts that view its memory.

    Raises:
        Uncacheable: The value contains a secret.
        TypeError: The value has another type, or cannot be decoded exactly.
    """
    buffers = Buffers()
    head = to_plain(_encode(value, buffers))
    return (len(head).to_bytes(_SIZE), head, *buffers.parts)


def from_frame(payload: Payload) -> object:
    """Return the value that `to_frame` encoded; any other payload may raise any error."""
    if isinstance(payload, tuple):
        payload = b"".join(payload)
    start = _SIZE + int.from_bytes(payload[:_SIZE])
    head: Any = from_plain(payload[_SIZE:start])
    memory = CellMemory(memoryview(payload)[start:])
    if head is None:
        return None
    if head["kind"] == "array":
        cells = memory.array(head["dtype"], head["count"], head["at"])
        return cells.reshape(head["shape"]).transpose(head["axes"])
    decode: Any = _decode_frame if head["kind"] == "frame" else _decode_series
    frame = decode(head, memory)
    frame.attrs, frame.flags.allows_duplicate_labels = head["attrs"], head["duplicates"]
    return frame


def _encode(value: object, buffers: Buffers) -> object:
    if value is None:
        return None
    import numpy as np
    import pandas as pd

    if type(value) is pd.DataFrame:
        return _encode_frame(value, buffers)
    if type(value) is pd.Series:
        return _encode_series(value, buffers)
    if type(value) is np.ndarray:
        return _encode_array(value, buffers)
    message = (
        f"a {type(value).__qualname__} cannot be shared as a frame: expected exactly a DataFrame, "
        "a Series, an ndarray or None, as the return annotation says"
    )
    raise TypeError(message)


def _encode_frame(frame: "pd.DataFrame", buffers: Buffers) -> dict[str, object]:
    return {
        "kind": "frame",
        "cells": [encode_column(column, buffers) for _, column in frame.items()],
        "columns": encode_index(frame.columns, buffers),
        **_encode_rows(frame, buffers),
    }


def _encode_series(series: "pd.Series[Any]", buffers: Buffers) -> dict[str, object]:
    cells = encode_column(series, buffers)
    return {"kind": "series", "cells": cells, "name": series.name, **_encode_rows(series, buffers)}


def _encode_rows(frame: "pd.DataFrame | pd.Series[Any]", buffers: Buffers) -> dict[str, object]:
    return {
        "index": encode_index(frame.index, buffers),
        "attrs": frame.attrs,
        "duplicates": frame.flags.allows_duplicate_labels,
    }


def _encode_array(array: "npt.NDArray[Any]", buffers: Buffers) -> dict[str, object]:
    if array.dtype.kind not in _CELLS or not array.dtype.itemsize:
        message = (
            f"an array of dtype {array.dtype} cannot be shared exactly: expected numbers, bool, "
            "datetime64, timedelta64, or text and bytes of fixed length"
        )
        raise TypeError(message)
    # The axis with the largest steps in memory comes first, so that the order in memory returns.
    outer_first = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    cells = array.transpose(outer_first)
    return {
        "kind": "array",
        "dtype": array.dtype.str,
        "count": array.size,
        "shape": [*cells.shape],
        "axes": [outer_first.index(axis) for axis in range(array.ndim)],
        "at": buffers.add(cells),
    }


def _decode_series(head: Any, memory: CellMemory) -> "pd.Series[Any]":  # noqa: ANN401
    import pandas as pd

    index = decode_index(head["index"], memory)
    cells = decode_column(head["cells"], len(index), memory)
    series: pd.Series[Any] = pd.Series(
        cells, index=index, name=head["name"], dtype=cells.dtype, copy=False
    )
    return series


def _decode_frame(head: Any, memory: CellMemory) -> "pd.DataFrame":  # noqa: ANN401
    import pandas as pd

    index, columns = (decode_index(head[name], memory) for name in ("index", "columns"))
    block = _decode_block(head["cells"], len(index), memory)
    if block is not None:
        return pd.DataFrame(block, index=index, columns=columns, copy=False)
    arrays = [decode_column(encoded, len(index), memory) for encoded in head["cells"]]
    series = [pd.Series(array, dtype=array.dtype, copy=False) for array in arrays]
    frame = pd.DataFrame(dict(enumerate(series)), index=pd.RangeIndex(len(index)), copy=False)
    frame.index, frame.columns = index, columns
    return frame


def _decode_block(
    cells: list[list[Any]], count: int, memory: CellMemory
) -> "npt.NDArray[Any] | None":
    """Return columns of one dtype that are adjacent in memory as one block; else None."""
    if not cells or cells[0][0] != "cells":
        return None
    _, dtype, at = cells[0]
    step = memory.array(dtype, count, at).nbytes
    if cells != [["cells", dtype, at + position * step] for position in range(len(cells))]:
        return None
    return memory.array(dtype, len(cells) * count, at).reshape(len(cells), count).T
