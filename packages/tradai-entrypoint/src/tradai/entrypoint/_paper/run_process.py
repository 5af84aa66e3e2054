"""The process of a run, by the lock that it holds on its journal for as long as it lives."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradai.core import file_errors
from tradai.entrypoint._store.names import JOURNAL_NAME


@contextmanager
def locked_run(folder: Path) -> Iterator[bool]:
    """Hold the run in `folder` still inside the block; False says that a process has it.

    The lock of a process that was killed is free.

    Raises:
        NotFoundError: The run has no journal.
        StorageError: The journal cannot be opened.
    """
    journal = folder / JOURNAL_NAME
    with file_errors("lock", journal):
        descriptor = os.open(journal, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def lives(folder: Path) -> bool:
    """Return whether a process has the run in `folder`.

    Raises:
        NotFoundError: The run has no journal.
        StorageError: The journal cannot be opened.
    """
    with locked_run(folder) as is_free:
        return not is_free
