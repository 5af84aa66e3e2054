"""Staged candles of the traded pairs: read from the engine's layout, kept as one Parquet file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tradai.core import FileStore, Timeframe, file_errors, series_name
from tradai.core.exceptions import StorageError

VALUES: Final = ("open", "high", "low", "close", "volume")
_INSTANT: Final = pa.timestamp("ms", "UTC")
# Of kept candles, beside the pair.
_COLUMNS: Final = {"date": _INSTANT, **dict.fromkeys(VALUES, pa.float64())}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CandleTable:
    """Candles of one pair.

    Attributes:
        opened: Opening times in seconds since 1970, ascending.
        values: Open, high, low, close and volume, by these names.
    """

    pair: str
    timeframe: str
    opened: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]

    @property
    def candle_s(self) -> int:
        """Length of a candle in seconds."""
        return Timeframe(self.timeframe).seconds


def read_candles(folder: Path, pair: str, timeframe: str) -> CandleTable:
    """Read the candles that were staged in `folder`.

    Raises:
        StorageError: They cannot be read.
    """
    name = series_name(pair, timeframe)
    if ":" in pair:
        name = f"futures/{name.replace(':', '_')}-futures"
    table = _staged(folder / f"{name}.feather")
    values = {name: numbers(table[name]) for name in VALUES}
    return CandleTable(pair=pair, timeframe=timeframe, opened=seconds(table["date"]), values=values)


def read_times(path: Path) -> NDArray[np.int64]:
    """Read the times of a staged file, such as one of funding rates, in seconds since 1970.

    Raises:
        StorageError: It cannot be read.
    """
    return seconds(_staged(path)["date"])


def _staged(path: Path) -> pa.Table:
    try:
        with file_errors("read", path), pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()
    except pa.ArrowException as exc:
        raise _unreadable(path, str(exc)) from exc


def seconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return instants as seconds since 1970."""
    per_second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[column.type.unit]
    return _values(column, np.dtype(np.int64)) // per_second


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return the values of a column of float64 without a null."""
    return _values(column, np.dtype(np.float64))


def write_candles(tables: Sequence[CandleTable], path: Path) -> None:
    """Write `tables` to `path`, whole or not at all: pair, date and values, a row group a pair.

    Raises:
        StorageError: The disk refused.
    """
    buffer = pa.BufferOutputStream()
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("pair", text), *_COLUMNS.items()])
    with pq.ParquetWriter(buffer, schema, compression="zstd", use_dictionary=["pair"]) as writer:
        for table in tables:
            writer.write_table(_rows(table, schema))
    FileStore().write(path.resolve().as_uri(), buffer.getvalue().to_pybytes())


def read_kept_candles(path: Path, timeframe: str) -> list[CandleTable]:
    """Read what `write_candles` wrote to `path`.

    Raises:
        StorageError: It cannot be read.
    """
    try:
        with file_errors("read", path), pq.ParquetFile(path) as file:
            _check_columns(file.schema_arrow, path)
            groups = [file.read_row_group(number) for number in range(file.num_row_groups)]
    except pa.ArrowException as exc:
        raise _unreadable(path, str(exc)) from exc
    if not all(map(_is_whole, groups)):
        raise _unreadable(path, "a pair without rows, or a value that is missing or not finite")
    return [_kept(each, timeframe) for each in groups]


def _check_columns(schema: pa.Schema, path: Path) -> None:
    found = dict(zip(schema.names, schema.types, strict=True))
    wrong = [name for name, kind in _COLUMNS.items() if found.get(name) != kind]
    wrong += [] if "pair" in found else ["pair"]
    if wrong:
        raise _unreadable(path, f"columns that it lacks or has of another type: {', '.join(wrong)}")


def _is_whole(table: pa.Table) -> bool:
    has_values = len(table) > 0 and not any(column.null_count for column in table.columns)
    return has_values and all(np.isfinite(numbers(table[name])).all() for name in VALUES)


def _unreadable(path: Path, reason: str) -> StorageError:
    message = f"{path} has no candles that can be read ({reason}); run the backtest again"
    return StorageError(message, operation="read candles")


def _kept(table: pa.Table, timeframe: str) -> CandleTable:
    values = {name: numbers(table[name]) for name in VALUES}
    pair = str(table["pair"][0])
    return CandleTable(pair=pair, timeframe=timeframe, opened=seconds(table["date"]), values=values)


def _values(column: pa.ChunkedArray, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return what the buffers hold: pyarrow's own conversion would import pandas to look."""
    parts = (
        np.frombuffer(chunk.buffers()[1], dtype)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in column.chunks
    )
    return np.concatenate([np.empty(0, dtype), *parts])


def _rows(table: CandleTable, schema: pa.Schema) -> pa.Table:
    """Build the rows from buffers: from arrays of numpy, pyarrow would import pandas to look."""
    count = len(table.opened)
    name = pa.py_buffer(table.pair.encode())
    names = pa.StringArray.from_buffers(1, _buffer(np.array([0, name.size], np.int32)), name)
    zeros = _buffer(np.zeros(count, np.int32))
    pairs = pa.DictionaryArray.from_buffers(schema.field("pair").type, count, [None, zeros], names)
    dates = pa.Array.from_buffers(_INSTANT, count, [None, _buffer(table.opened * 1000)])
    values = (
        pa.Array.from_buffers(pa.float64(), count, [None, _buffer(table.values[name])])
        for name in VALUES
    )
    return pa.Table.from_arrays([pairs, dates, *values], schema=schema)


def _buffer(column: NDArray[np.generic]) -> pa.Buffer:
    return pa.py_buffer(np.ascontiguousarray(column))
