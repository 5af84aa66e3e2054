"""Files on the local disk: their URIs, writes that survive a crash, refusals that name the path."""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tradai.core._error_translation import ErrorTable
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError

__all__ = [
    "durable_copy",
    "file_path",
    "is_temporary",
    "locked",
    "make_folder",
    "refusals",
    "sync_folder",
]

_FILE_URI: Final = re.compile(r"file:(?://(?:localhost)?(?=/))?(?!//)(.+)", re.DOTALL)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]+:")
_TEMPORARY: Final = re.compile(r"\.tradai-[0-9a-f]{16}\.tmp")
_EXPECTED: Final = "a path, or a URI such as file:///runs/1 or file:runs/1"

_NO_FOLDER: Final = "a part of the path is a file, not a folder; choose another place"
_REASONS: Final = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space or raise the quota",
    errno.EACCES: "permission denied; grant it to this user, or choose another place",
    errno.EPERM: "the operation is not permitted here; choose another place",
    errno.EROFS: "the file system is read-only; mount it writable, or choose another place",
    errno.EAGAIN: "another process is writing it; stop that process, or choose another place",
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
}


def _missing(_: OSError, action: str, path: Path) -> NotFoundError:
    message = f"cannot {action} {path}: there is no such file; check the path"
    return NotFoundError(message, kind="file", key=str(path))


def _folder(_: OSError, action: str, path: Path) -> NotFoundError:
    message = f"cannot {action} {path}: it is a folder, not a file; check the path"
    return NotFoundError(message, kind="file", key=str(path))


def _refused(error: OSError, action: str, path: Path) -> StorageError:
    reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}; check the disk")
    message = f"cannot {action} {path}: {reason}"
    return StorageError(message, operation=action.split(maxsplit=1)[0])


_REFUSALS: Final = ErrorTable(
    {FileNotFoundError: _missing, IsADirectoryError: _folder, OSError: _refused}
)


def file_path(uri: str | Path) -> Path:
    """Return the path that a ``file:`` URI or a plain path names.

    >>> file_path("file:///runs/run%201").as_posix()
    '/runs/run 1'

    Raises:
        ValidationError: `uri` is empty, has another scheme or names another host.
    """
    if isinstance(uri, Path):
        return uri
    match = _FILE_URI.fullmatch(uri)
    path = unquote(match[1], errors="surrogateescape") if match else uri
    if not path or "\0" in path or (not match and _SCHEME.match(path)):
        message = f"{uri!r} does not name a file: expected {_EXPECTED}"
        raise ValidationError(message, field="uri", expected=_EXPECTED)
    return Path(path)


def refusals(action: str, path: Path) -> AbstractContextManager[None]:
    """Say what the disk refused: `action` fits before `path`, and its first word is the operation.

    Raises:
        NotFoundError: There is no file at `path`.
        StorageError: Anything else went wrong; the message says what helps.
    """
    return _REFUSALS.translated(action, path)


@contextmanager
def locked(folder: Path, *, needed: bool) -> Iterator[None]:
    """Keep every other thread and process that asks for the same lock out of `folder`.

    A file system that cannot lock folders (NFS) is put up with, unless the lock is `needed`.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with nullcontext() if needed else suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def durable_copy(data: bytes, path: Path) -> Iterator[Path]:
    """Lend a temporary file beside `path` that holds `data`, safe on disk.

    It has the permissions of the file at `path`, when there is one. On the way out whatever has
    become of the folder is made safe as well, and the temporary file is removed if still there.
    """
    temporary = path.with_name(f".tradai-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def is_temporary(name: str) -> bool:
    """Tell whether a file of this name was left behind by a writer that was killed."""
    return _TEMPORARY.fullmatch(name) is not None


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents, safe on disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` safe on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
