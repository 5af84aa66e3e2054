"""The process of a run, by the lock that it holds on its journal for as long as it lives."""

from contextlib import AbstractContextManager
from pathlib import Path

from tradai.core import FileJournal
from tradai.entrypoint._store.names import JOURNAL_NAME


def locked_run(folder: Path) -> AbstractContextManager[bool]:
    """Hold the run in `folder` still inside the block; False says that a process has it.

    The lock of a process that was killed is free.

    Raises:
        NotFoundError: The run has no journal.
        StorageError: The journal cannot be opened.
    """
    return FileJournal(folder / JOURNAL_NAME).without_writers()


def lives(folder: Path) -> bool:
    """Return whether a process has the run in `folder`; one that starts is not disturbed.

    Raises:
        NotFoundError: The run has no journal.
        StorageError: The journal cannot be opened.
    """
    return FileJournal(folder / JOURNAL_NAME).has_writer()
