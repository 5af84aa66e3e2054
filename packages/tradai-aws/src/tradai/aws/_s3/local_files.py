"""Files as the source and the target of S3 transfers."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final, final

from tradai.core import ErrorTable, S3Path
from tradai.core.exceptions import StorageError, ValidationError

__all__ = ["FileContent", "file_content", "target_file", "whole_file"]


def _refused(error: OSError, action: str, path: Path) -> StorageError:
    message = f"cannot {action} {path}: {error.strerror or error}; check the path and the disk"
    return StorageError(message, operation=action)


_REFUSALS: Final = ErrorTable({OSError: _refused})


@final
class FileContent:
    """The content of an open file, readable from several threads at once."""

    def __init__(self, descriptor: int, path: Path) -> None:
        """Read `descriptor`, the open file at `path`."""
        self._descriptor = descriptor
        self._path = path
        self._facts = self._fresh_facts()
        self.size = self._facts[0]

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, fewer at the end.

        Raises:
            StorageError: The file cannot be read, or has changed since reading began.
        """
        with _REFUSALS.translated("read", self._path):
            data = os.pread(self._descriptor, length, start)
            if self._fresh_facts() == self._facts:
                return data
        message = f"cannot read {self._path}: it is being written meanwhile; wait, then try again"
        raise StorageError(message, operation="read", retryable=True)

    def _fresh_facts(self) -> tuple[int, int]:
        facts = os.fstat(self._descriptor)
        return facts.st_size, facts.st_mtime_ns


@contextmanager
def file_content(path: Path) -> Iterator[FileContent]:
    """Lend the content of the file at `path`.

    Raises:
        StorageError: There is no file to read.
    """
    with _REFUSALS.translated("read", path):
        file = path.open("rb")
    with file:
        yield FileContent(file.fileno(), path)


def target_file(source: S3Path, path: Path) -> Path:
    """Return where to put the object at `source`: `path`, or inside when that is a folder.

    Raises:
        ValidationError: The last part of the key cannot be the name of a file in that folder.
    """
    if not path.is_dir():
        return path.resolve()
    name = source.key.rpartition("/")[2]
    if name in {"", ".", ".."} or "\\" in name or PurePosixPath(name).name != name:
        expected = "a key that ends in the name of a file; or name the file yourself"
        message = f"{source} cannot be put into {path}: expected {expected}"
        raise ValidationError(message, field="path", expected=expected)
    return path.resolve() / name


@contextmanager
def whole_file(path: Path) -> Iterator[int]:
    """Lend the descriptor of a new file, which takes its place at `path` whole and safe on disk.

    It has the permissions of the file at `path`, when there is one. When the block fails, what was
    at `path` is still there and nothing else.

    Raises:
        StorageError: The disk refused.
    """
    temporary = path.with_name(f".tradai-{secrets.token_hex(8)}.tmp")
    try:
        with _REFUSALS.translated("write", path):
            with temporary.open("x+b", buffering=0) as file:
                with suppress(FileNotFoundError):
                    os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
                yield file.fileno()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
