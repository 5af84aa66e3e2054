"""Local files as the source of S3 uploads and the target of downloads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, final

from tradai.core import FileKind, S3Path, atomic_file, file_errors, open_regular_file
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError


@final
class FileContent:
    """The content of an open file, readable from several threads at once."""

    def __init__(self, descriptor: int, path: Path) -> None:
        """Read `descriptor`, the open file at `path`."""
        self._descriptor = descriptor
        self._path = path
        self._stat = self._size_and_time()
        self.size = self._stat[0]

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, fewer at the end.

        Raises:
            StorageError: The file cannot be read, or has changed since reading began.
        """
        with _storage_errors("read", self._path):
            data = os.pread(self._descriptor, length, start)
            if self._size_and_time() == self._stat:
                return data
        message = f"cannot read {self._path}: it is being written meanwhile; wait, then try again"
        raise StorageError(message, operation="read", retryable=True)

    def _size_and_time(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns


@contextmanager
def file_content(path: Path) -> Iterator[FileContent]:
    """Open the file at `path` for reading.

    Raises:
        ValidationError: It is not a regular file.
        StorageError: The file cannot be opened.
    """
    with _storage_errors("read", path):
        file = open_regular_file(path, FileKind.ANY_SIZE)
    with file:
        yield FileContent(file.fileno(), path)


def target_file(source: S3Path, path: Path) -> Path:
    """Return the file to write the object at `source` to: `path`, or inside when it is a folder.

    Raises:
        ValidationError: The last part of the key is not a valid file name.
    """
    # `Path.resolve` raises RuntimeError for a link that leads to itself, before Python 3.13.
    place = Path(os.path.realpath(path))
    if not path.is_dir():
        return place
    name = source.key.rpartition("/")[2]
    if name in {"", ".", ".."} or "\\" in name or PurePosixPath(name).name != name:
        expected = "a key that ends in a file name, or the path of a file"
        message = f"{source} cannot be written into the folder {path}: expected {expected}"
        raise ValidationError(message, field="path", expected=expected)
    return place / name


@contextmanager
def download_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes its place at `path` whole and safe on disk, or not at all.

    Raises:
        StorageError: The disk refused.
    """
    with _storage_errors("write", path), atomic_file(path) as file:
        yield file


@contextmanager
def _storage_errors(action: str, path: Path) -> Iterator[None]:
    """Raise errors of the file system as `StorageError`.

    A path that is missing is one too: `NotFoundError` is for the object.
    """
    try:
        with file_errors(action, path):
            yield
    except NotFoundError as exc:
        if exc.kind != "file":
            raise
        raise StorageError(str(exc), operation=action) from exc.__cause__
