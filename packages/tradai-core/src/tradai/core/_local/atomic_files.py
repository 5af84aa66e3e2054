"""Atomic file writes that survive a crash, folder locks, and disk errors as our errors."""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, Final

from tradai.core._error_translation import ErrorTable
from tradai.core._local.regular_files import UnusableFileError
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError

_TEMPORARY: Final = re.compile(r"\.tradai-[0-9a-f]{16}\.tmp")
_NO_FOLDER: Final = "a part of the path is a file, not a folder; choose another place"
_REASONS: Final = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space or raise the quota",
    errno.EFBIG: "it is larger than files may be; raise the limit on their size (ulimit -f)",
    errno.EACCES: "permission denied; grant it to this user, or choose another place",
    errno.EPERM: "the operation is not permitted here; choose another place",
    errno.EROFS: "the file system is read-only; mount it writable, or choose another place",
    errno.EAGAIN: "another process is writing it; stop that process, or choose another place",
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
}


_WRITING: Final = frozenset({"append", "copy", "create", "keep", "make", "write"})


def _missing_file(_: OSError, action: str, path: Path) -> NotFoundError:
    reason = "there is no such file; check the path"
    if action.partition(" ")[0] in _WRITING and not path.parent.exists():
        reason = f"there is no folder {path.parent}; make it, or choose another place"
    return NotFoundError(f"cannot {action} {path}: {reason}", kind="file", key=str(path))


def _folder_instead(_: OSError, action: str, path: Path) -> NotFoundError:
    message = f"cannot {action} {path}: it is a folder, not a file; check the path"
    return NotFoundError(message, kind="file", key=str(path))


def _unusable_file(error: UnusableFileError, action: str, path: Path) -> ValidationError:
    message = f"cannot {action} {path}: {error.strerror}"
    return ValidationError(message, field=str(path), expected=error.expected)


def _storage_error(error: OSError, action: str, path: Path) -> StorageError:
    reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}; check the disk")
    message = f"cannot {action} {path}: {reason}"
    return StorageError(message, operation=action.partition(" ")[0])


_FILE_ERRORS: Final = ErrorTable(
    {
        FileNotFoundError: _missing_file,
        IsADirectoryError: _folder_instead,
        UnusableFileError: _unusable_file,
        OSError: _storage_error,
    }
)


def file_errors(action: str, path: Path) -> AbstractContextManager[None]:
    """Return a context manager that raises errors of the file system as ours.

    The message is "cannot `action` `path`: the reason", so `action` is a verb, perhaps with an
    object; its first word becomes the operation of the error.

    Raises:
        NotFoundError: The file at `path` does not exist.
        ValidationError: It is not a regular file, or too large.
        StorageError: Anything else went wrong; the message says what helps.
    """
    return _FILE_ERRORS.translated(action, path)


@contextmanager
def locked(folder: Path, *, needed: bool) -> Iterator[None]:
    """Hold the lock of `folder`, exclusive among all threads and processes that ask for it.

    A file system that cannot lock folders (NFS) is accepted, unless the lock is `needed`.
    """
    descriptor, process = os.open(folder, os.O_RDONLY | os.O_DIRECTORY), os.getpid()
    try:
        with nullcontext() if needed else suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        release_lock(descriptor, process)
        os.close(descriptor)


def release_lock(descriptor: int, process: int) -> None:
    """Release the lock of a file that `process` has locked, and closes next.

    To close it does not release it while a forked child lives; and the child must leave it alone.
    """
    if os.getpid() == process:
        # Where there can be no lock, there is none to release.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def atomic_file(
    path: Path, *, put: Callable[[Path, Path], object] = Path.replace
) -> Iterator[BinaryIO]:
    """Lend a new file that takes its place at `path` whole and safe on disk, or not at all.

    It has the permissions of the file at `path`, when there is one. When the block or the disk
    fails, `path` is as it was and nothing is left beside it. The new file may be read, and its
    descriptor written to; it must not be closed.

    Args:
        path: Where the file goes, in a folder that exists; a link at `path` is replaced.
        put: Moves the finished file, its first argument, to `path`, its second.

    Raises:
        OSError: The disk refused; see `file_errors`.
    """
    temporary = path.with_name(f".tradai-{secrets.token_hex(8)}.tmp")
    with _synced_after(path.parent):
        try:
            with temporary.open("x+b") as file:
                with suppress(FileNotFoundError):
                    os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
                yield file
                file.flush()
                os.fsync(file.fileno())
            put(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def is_temporary(name: str) -> bool:
    """Tell whether a file of this name is one that a killed writer left behind."""
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
    with _synced_after(folder):
        pass


@contextmanager
def _synced_after(folder: Path) -> Iterator[None]:
    """Make the names in `folder` safe on disk after the block.

    A folder for which that is not possible, such as one of mode 0300, is refused before the block.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
