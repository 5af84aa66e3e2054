"""Write a series in one of the engine's formats, whole or not at all."""

import errno
import fcntl
import gzip
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from tradai.core import atomic_file, file_errors
from tradai.core.exceptions import TradAIError
from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

# Looks at a folder that others make and remove all the time.
_TRIES: Final = 100


@final
class FolderInUseError(TradAIError):
    """Another process writes into a folder of candles: try again when it has ended."""

    code = "folder_in_use"
    exit_code = 75
    retryable = True


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep other conversions out of `folder`, which is made if it is missing and stays if used.

    A file system that cannot lock folders (NFS) keeps none out.

    Raises:
        FolderInUseError: Another process writes into it.
        StorageError: The disk refused.
    """
    with file_errors("open", folder):
        descriptor, is_new = _locked(folder)
    try:
        yield
    finally:
        if is_new:
            # It stays where files are in it.
            with suppress(OSError):
                folder.rmdir()
        os.close(descriptor)


def _locked(folder: Path) -> tuple[int, bool]:
    """Return a descriptor with the lock of `folder`, and whether the folder was made for it."""
    for _ in range(_TRIES):
        is_new = _is_made(folder)
        # A writer that wrote nothing may have removed the folder meanwhile.
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                _lock(descriptor, folder)
                if os.path.samestat(os.fstat(descriptor), folder.stat()):
                    return descriptor, is_new
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


def _is_made(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"another process writes into {folder} just now: try again when it has ended"
        raise FolderInUseError(message) from None
    except OSError:
        # It cannot be locked (NFS).
        return


def write_series(rows: RawSeries, path: Path, file_format: str) -> None:
    """Write `rows` to `path`, which `sole_writer` lends; a file that is there is replaced.

    Raises:
        StorageError: The disk refused.
    """
    is_json = "json" in file_format
    data = _json(rows, file_format) if is_json else _arrow(rows, file_format)
    # A file store would wait for the lock of the folder, which this process holds.
    with file_errors("write", path):
        path.parent.mkdir(exist_ok=True)
        with atomic_file(path) as file:
            file.write(data)


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
