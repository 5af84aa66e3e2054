"""Candles as Parquet and Feather files, encoded and decoded by pyarrow."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tradai.core.exceptions import ValidationError
from tradai.core.frames._columns import (
    COLUMNS,
    OUTSIDE,
    STORABLE,
    CandleColumns,
    Floats,
    Stamps,
    candles_error,
    check_columns,
)

Number = TypeVar("Number", np.int64, np.float64)

# Errors that pyarrow raises on damaged bytes, even on lengths no memory can hold.
DAMAGE: Final = (
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
)

_INSTANT: Final = pa.timestamp("ms", tz="UTC")
_UTC: Final = ("UTC", "+00:00")
_FINER: Final = {"us": 1_000, "ns": 1_000_000}
_TEXT_KINDS: Final = (pa.types.is_string, pa.types.is_large_string)
# A column without any value has no kind of its own.
_NUMBER_KINDS: Final = (
    *(pa.types.is_floating, pa.types.is_integer),
    *(pa.types.is_decimal, pa.types.is_null),
)


def encode_parquet(columns: CandleColumns, *, use_dictionary: bool = False) -> pa.Buffer:
    """Return the candles as a Parquet file, with checksums.

    Prices hardly repeat: a dictionary of them costs time and space.
    """
    # Only here, because a run stages its candles as Feather files.
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(_table(columns), sink, use_dictionary=use_dictionary, write_page_checksum=True)
    return sink.getvalue()


def encode_feather(columns: CandleColumns) -> pa.Buffer:
    """Return the candles as a Feather file."""
    table, sink = _table(columns), pa.BufferOutputStream()
    # The function for Feather files would import pandas.
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def decode_parquet(data: bytes, what: str) -> CandleColumns:
    """Return the candles in a Parquet file, checked; `what` names them in messages.

    Raises one of `DAMAGE` for other bytes.

    Raises:
        ValidationError: They are not candles in the standard form.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    _check_names(file.schema_arrow.names, what)
    return _columns(file.read(columns=["date", *COLUMNS]), what)


def decode_feather(data: bytes, what: str) -> CandleColumns:
    """Return the candles in a Feather file, as `decode_parquet` does for a Parquet file."""
    from pyarrow import feather

    table = feather.read_table(pa.BufferReader(data), memory_map=False)
    _check_names(table.column_names, what)
    return _columns(table, what)


def damaged(path: Path, problem: object, *, advice: str) -> ValidationError:
    """Return the error for a file of candles that cannot be read because of the `problem`."""
    expected = "a whole file of candles"
    message = f"cannot read candles from {path}: {problem}; {advice}"
    return ValidationError(message, field="frame", expected=expected)


def _table(columns: CandleColumns) -> pa.Table:
    cells = {name: _array(columns.cells[name], pa.float64()) for name in COLUMNS}
    return pa.table({"date": _array(columns.opened, _INSTANT), **cells})


def _array(numbers: Stamps | Floats, kind: pa.DataType) -> pa.Array:
    """Return `numbers` as `pyarrow.array` does, which would import pandas."""
    data = pa.py_buffer(np.ascontiguousarray(numbers))
    return pa.Array.from_buffers(kind, len(numbers), [None, data])


def _check_names(found: Sequence[str], what: str) -> None:
    missing = [name for name in ("date", *COLUMNS) if name not in found]
    if missing:
        there = ", ".join(found) or "none"
        raise candles_error(what, f"{', '.join(missing)} is missing among the columns {there}")


def _columns(table: pa.Table, what: str) -> CandleColumns:
    opened = _opened(table["date"], what)
    cells = {name: _floats(table[name], name, what) for name in COLUMNS}
    columns = check_columns(CandleColumns(opened, cells), what)
    kept = STORABLE.places(opened)
    if kept != slice(0, len(opened)):
        row = kept.stop if kept.start == 0 else 0
        at = np.datetime64(int(opened[row]), "ms").astype("datetime64[s]")
        raise candles_error(what, f"row {row + 1} is of {at}, {OUTSIDE}")
    return columns


def _opened(dates: pa.ChunkedArray, what: str) -> Stamps:
    if not pa.types.is_timestamp(dates.type) or dates.type.tz not in _UTC:
        raise candles_error(what, "the dates are not in UTC")
    if dates.null_count:
        raise candles_error(what, "the dates do not rise strictly")
    stamps: Stamps = _numbers(dates, np.dtype(np.int64))
    if dates.type.unit == "s":
        return stamps * 1_000
    finer = _FINER.get(dates.type.unit, 1)
    opened: Stamps = stamps // finer if finer > 1 else stamps
    if not (opened * finer == stamps).all():
        raise candles_error(what, "the dates are not whole milliseconds")
    return opened


def _floats(cells: pa.ChunkedArray, name: str, what: str) -> Floats:
    if not any(is_kind(cells.type) for is_kind in _NUMBER_KINDS):
        kind = "text" if any(is_kind(cells.type) for is_kind in _TEXT_KINDS) else cells.type
        raise candles_error(what, f"{name} is of {kind}, not of numbers")
    if not pa.types.is_float64(cells.type):
        cells = cells.cast(pa.float64(), safe=False)
    if cells.null_count:
        cells = cells.fill_null(math.nan)
    floats: Floats = _numbers(cells, np.dtype(np.float64))
    return floats


def _numbers(cells: pa.ChunkedArray, dtype: np.dtype[Number]) -> npt.NDArray[Number]:
    """Return the numbers of `cells`, none of them missing, as ``to_numpy`` does without pandas."""
    chunks: list[npt.NDArray[Number]] = [
        np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
        for chunk in cells.chunks
        if len(chunk)
    ]
    return chunks[0] if len(chunks) == 1 else np.concatenate([np.empty(0, dtype), *chunks])
