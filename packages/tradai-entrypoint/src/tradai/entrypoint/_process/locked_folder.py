"""Folders that several processes make, lock and remove at once."""

import errno
import fcntl
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

# Looks at a folder that others make and remove all the time.
_TRIES: Final = 100


def open_locked(folder: Path, lock: int) -> tuple[int, bool]:
    """Lock `folder`, made where it is missing; return a descriptor, and whether it was made.

    The lock is that of the folder at this path: one that was removed meanwhile is made again.
    A file system that cannot lock folders (NFS) is accepted.

    Args:
        folder: The folder.
        lock: The operation of `fcntl.flock`.

    Raises:
        BlockingIOError: Another process has the lock, and `lock` does not wait for it.
        OSError: The disk refused.
    """
    for _ in range(_TRIES):
        is_made = _is_made(folder)
        with suppress(FileNotFoundError), ExitStack() as opened:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            opened.callback(os.close, descriptor)
            _lock(descriptor, lock)
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                opened.pop_all()
                return descriptor, is_made
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


def _lock(descriptor: int, lock: int) -> None:
    try:
        fcntl.flock(descriptor, lock)
    except BlockingIOError:
        raise
    except OSError:
        return


def _is_made(folder: Path) -> bool:
    # With `exist_ok`, a folder that goes just after it was found is an error.
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True
