"""Read a series as it is: unsorted, repeated and missing values stay, for a report on them."""

import gzip
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, final

from tradai.core import FileKind, FileStore, Timeframe
from tradai.core.exceptions import ValidationError
from tradai.entrypoint.freqtrade._candles.data_file import PARTITIONS, TRADES, DataFile
from tradai.entrypoint.freqtrade._datasets.trade_ids import repeated_trades

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

# Errors on bytes that are no such file, or only a part of one.
_DAMAGE: Final = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,  # Arrow raises it for an encoding that it does not read.
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
# Places of columns in the rows of a JSON file of trades: time, id, type, side, price, amount, cost.
_TRADE_PLACES: Final = {"time": 0, "price": 4, "amount": 5}
_OLD_FUNDING_WIDTH: Final = 6
# Years 2001 to 2096 in seconds, which would be weeks of 1970.
_EARLIEST_S: Final = 1_000_000_000
_LATEST_S: Final = 4_000_000_000


@final
@dataclass(frozen=True, slots=True, eq=False)
class RawSeries:
    """The rows of a file, in its order.

    Attributes:
        opened: Times in epoch milliseconds, of the rows that have one.
        cells: Numbers by column; a missing one is not a number.
        undated: Number of rows without a time, which are left out.
        uneven: Whether the time of each row is between two milliseconds in the file; None where it
            cannot be.
        zone: Time zone of the dates in the file; None without one, and UTC where times are numbers
            of JSON.
        again: Of trades, whether a row is equal to one before it, which has its id; None of other
            kinds.
        texts: Names of the columns of numbers that are stored as text, in files of Arrow.
    """

    opened: "npt.NDArray[np.int64]"
    cells: "Mapping[str, npt.NDArray[np.float64]]"
    undated: int = 0
    uneven: "npt.NDArray[np.bool_] | None" = None
    zone: str | None = "UTC"
    again: "npt.NDArray[np.bool_] | None" = None
    texts: tuple[str, ...] = ()

    def digest(self) -> str:
        """Return the digest of the rows in order of time, which is that of equal rows only."""
        import numpy as np

        order = self.opened.argsort(kind="stable")
        digest = sha256(self.opened[order].tobytes())
        for name in sorted(self.cells):
            column = self.cells[name][order]
            # A number that is missing has many bit patterns.
            digest.update(np.where(np.isnan(column), np.nan, column).tobytes())
        return f"{self.undated}-{digest.hexdigest()}"


def read_raw(file: DataFile) -> RawSeries:
    """Return the rows of `file`.

    Raises:
        ValidationError: It is no such file, or only a part of one.
        NotFoundError: There is none.
        StorageError: The disk refused.
    """
    if file.file_format == PARTITIONS and file.timeframe is not None:
        return _from_partitions(file, file.timeframe)
    data = FileStore(kind=FileKind.CANDLES).read(file.path.absolute().as_uri()).data
    try:
        raw = _from_json(data, file) if "json" in file.file_format else _from_arrow(data, file)
        _check_unit(raw)
    except ValidationError:
        # A `ValueError` too: the file is whole, and its rows are not usable.
        raise
    except _DAMAGE as exc:
        reason = str(exc).partition("\n")[0] or type(exc).__name__
        message = (
            f"{file.path} cannot be read as {file.file_format}: it is damaged or half-written "
            f"({reason}); download it again"
        )
        expected = f"a whole {file.file_format} file with {', '.join(file.columns)}"
        raise ValidationError(message, field=str(file.path), expected=expected) from exc
    _check_years(raw, file)
    return raw


def _check_years(raw: RawSeries, file: DataFile) -> None:
    """Raise `ValidationError` for a row that no time range can name."""
    from tradai.core.frames import outside_years

    # Present times in microseconds are far beyond them, too.
    if problem := outside_years(raw.opened):
        expected = "milliseconds since 1970"
        message = f"{file.path}: {problem}; expected {expected}"
        raise ValidationError(message, field=str(file.path), expected=expected)


def _check_unit(raw: RawSeries) -> None:
    if len(raw.opened) and ((raw.opened > _EARLIEST_S) & (raw.opened < _LATEST_S)).all():
        message = f"the times, such as {raw.opened[0]}, are seconds, not milliseconds since 1970"
        raise ValueError(message)


def _from_partitions(file: DataFile, timeframe: Timeframe) -> RawSeries:
    from tradai.core.frames import ParquetDataRepository

    columns = ParquetDataRepository(file.path.parent).get_columns(file.pair, timeframe)
    return RawSeries(columns.opened, columns.cells)


def _from_json(data: bytes, file: DataFile) -> RawSeries:
    text = gzip.decompress(data) if file.file_format == "json.gz" else data
    rows = json.loads(text)
    if not isinstance(rows, list):
        message = "the file holds no list of rows"
        raise TypeError(message)
    places = _places(rows, file)
    columns = {name: [row[place] for row in rows] for name, place in places.items()}
    raw = _dated(columns.pop("time"), columns)
    if file.kind != TRADES:
        return raw
    return replace(raw, again=repeated_trades(raw.opened, _ids(rows), raw.cells))


def _ids(rows: list[Any]) -> list[str | None]:
    """Return the ids of the trades that have a time."""
    pairs = (
        (row.get("timestamp"), row.get("id")) if isinstance(row, dict) else row[:2] for row in rows
    )
    return [None if name is None else str(name) for time, name in pairs if time is not None]


def _places(rows: list[Any], file: DataFile) -> Mapping[str, int | str]:
    """Return the place, or the key, of each column in a row."""
    if file.kind == TRADES:
        if rows and isinstance(rows[0], dict):
            return {"time": "timestamp", "price": "price", "amount": "amount"}
        return _TRADE_PLACES
    places = {"time": 0, **{name: at for at, name in enumerate(file.columns, start=1)}}
    widths = {len(row) for row in rows} - {len(places)}
    if widths == {_OLD_FUNDING_WIDTH} and file.kind == "funding_rate":
        return places
    if widths:
        message = f"a row has {min(widths)} values where {len(places)} were expected"
        raise ValueError(message)
    return places


def _dated(times: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> RawSeries:
    import numpy as np

    has_time = np.array([time is not None for time in times], dtype=bool)
    opened = np.array([time for time in times if time is not None], dtype=np.int64)
    cells = {
        name: np.array([math.nan if cell is None else cell for cell in column], dtype=np.float64)
        for name, column in columns.items()
    }
    kept = {name: column[has_time] for name, column in cells.items()}
    return RawSeries(opened, kept, undated=int(len(times) - has_time.sum()))


def _from_arrow(data: bytes, file: DataFile) -> RawSeries:
    import pyarrow as pa

    table = _table(pa.BufferReader(data), file)
    time = "timestamp" if file.kind == TRADES else "date"
    names = dict(zip(file.columns, file.columns, strict=True))
    if file.kind == "funding_rate" and "funding_rate" not in table.column_names:
        names = {"funding_rate": "open"}
    _check_names((time, *names.values()), table.column_names, file)
    dated = table.filter(table[time].is_valid())
    cells = {name: _floats(dated[column], column, file) for name, column in names.items()}
    kind = table[time].type
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    raw = RawSeries(
        _stamps(dated[time]),
        cells,
        undated=len(table) - len(dated),
        uneven=_uneven(dated[time]),
        zone=zone,
        texts=tuple(name for name, column in names.items() if _is_text(table[column].type)),
    )
    if file.kind != TRADES:
        return raw
    ids = dated["id"] if "id" in table.column_names else [None] * len(dated)
    return replace(raw, again=repeated_trades(raw.opened, ids, raw.cells))


def _check_names(names: Sequence[str], found: Sequence[str], file: DataFile) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        expected = f"the columns {', '.join(names)}"
        there = ", ".join(found) or "none"
        message = f"{file.path}: {', '.join(missing)} is missing among the columns {there}"
        raise ValidationError(message, field=str(file.path), expected=expected)


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _table(source: "pa.BufferReader", file: DataFile) -> "pa.Table":
    if file.file_format == "feather":
        from pyarrow import feather

        return feather.read_table(source, memory_map=False)
    import pyarrow.parquet as pq

    return pq.ParquetFile(source).read()


def _stamps(times: "pa.ChunkedArray") -> "npt.NDArray[np.int64]":
    import numpy as np
    import pyarrow as pa

    if pa.types.is_timestamp(times.type):
        times = times.cast(pa.timestamp("ms", tz=times.type.tz), safe=False)
    return _numbers(times.cast(pa.int64()), np.dtype(np.int64))


def _uneven(times: "pa.ChunkedArray") -> "npt.NDArray[np.bool_] | None":
    """Return which of `times` are between two milliseconds; None where their unit is longer."""
    import numpy as np
    import pyarrow as pa

    finer = {"us": 1_000, "ns": 1_000_000}
    if not pa.types.is_timestamp(times.type) or times.type.unit not in finer:
        return None
    stored = _numbers(times.cast(pa.int64()), np.dtype(np.int64))
    is_uneven: npt.NDArray[np.bool_] = stored % finer[times.type.unit] != 0
    return is_uneven


def _floats(cells: "pa.ChunkedArray", column: str, file: DataFile) -> "npt.NDArray[np.float64]":
    import numpy as np
    import pyarrow as pa

    types, kind = pa.types, cells.type
    is_number = (types.is_floating, types.is_integer, types.is_decimal, types.is_null)
    if not _is_text(kind) and not any(is_kind(kind) for is_kind in is_number):
        message = f"{file.path}: {column} is of {kind}, not of numbers"
        raise ValidationError(message, field=str(file.path), expected="numbers")
    return _numbers(cells.cast(pa.float64()).fill_null(math.nan), np.dtype(np.float64))


def _numbers(cells: "pa.ChunkedArray", dtype: "np.dtype[Any]") -> "npt.NDArray[Any]":
    """Return `cells` as ``to_numpy`` does, which would import pandas."""
    import numpy as np

    chunks = [
        np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
        for chunk in cells.chunks
        if len(chunk)
    ]
    return np.concatenate([np.empty(0, dtype), *chunks])
