"""Write a series in one of the engine's formats, whole or not at all."""

import gzip
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradai.core import FileStore
from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


def write_series(rows: RawSeries, path: Path, file_format: str) -> None:
    """Write `rows` to `path`; a file that is there is replaced.

    Raises:
        StorageError: The disk refused.
    """
    is_json = "json" in file_format
    data = _json(rows, file_format) if is_json else _arrow(rows, file_format)
    FileStore().write(path.absolute().as_uri(), data)


def _json(rows: RawSeries, file_format: str) -> bytes:
    columns = [rows.opened.tolist(), *(_cells(cells) for cells in rows.cells.values())]
    text = json.dumps(list(zip(*columns, strict=True)), separators=(",", ":")).encode()
    return gzip.compress(text, mtime=0) if file_format == "json.gz" else text


def _cells(cells: "npt.NDArray[np.float64]") -> list[float | None]:
    return [cell if math.isfinite(cell) else None for cell in cells.tolist()]


def _arrow(rows: RawSeries, file_format: str) -> bytes:
    import pyarrow as pa

    instants = _array(rows.opened, pa.timestamp("ms", tz="UTC"))
    columns = {name: _array(cells, pa.float64()) for name, cells in rows.cells.items()}
    table, sink = pa.table({"date": instants, **columns}), pa.BufferOutputStream()
    if file_format == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, sink, write_page_checksum=True)
    else:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table)
    return bytes(sink.getvalue())


def _array(numbers: "npt.NDArray[Any]", kind: "pa.DataType") -> "pa.Array":
    """Return `numbers` as ``pyarrow.array`` does, which would import pandas."""
    import numpy as np
    import pyarrow as pa

    data = pa.py_buffer(np.ascontiguousarray(numbers))
    return pa.Array.from_buffers(kind, len(numbers), [None, data])
