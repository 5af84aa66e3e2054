"""The spool of a tracked run: a file of sealed lines, which one process at a time adds to."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, final

from tradai.core import file_errors, seal_line, unseal_line
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError

SPOOL_NAME: Final = "tracking.jsonl"
SCHEMA: Final = 1
# Facts that come several to a record, and count one by one.
MANY: Final = frozenset({"params", "tags", "points"})


@final
class SpoolBusyError(StorageError):
    """Another process, or another thread of this one, has the spool open."""

    code = "spool_busy"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolRecord:
    """One record: a start, params, tags, points, an artifact, an end, or the delivery of all.

    Attributes:
        number: Number of the record in its spool, from 1.
        run: Number of the run in its spool: 0, or that of a child.
        kind: Kind of the value.
        value: JSON, by `kind`.
    """

    number: int
    run: int
    kind: str
    value: Any

    @property
    def weight(self) -> int:
        """Number of facts that the server has to take."""
        if self.kind in MANY:
            return len(self.value)
        return int(self.kind in {"artifact", "end"})


@final
class Spool:
    """Records of a run, each on disk for a killed process once `append` returns.

    The lock of the file tells whether its process lives. Only `sync` waits for the disk itself, so
    a power loss can take the records since then; they are whole or gone.

    Attributes:
        folder: Folder of the run.
        path: The file.
        weight: Number of facts in the records so far.
        lost: Number of records that were there once, and are damaged now.
    """

    def __init__(self, folder: Path, flags: int) -> None:
        """Open and lock the file; `create` and `resume` are meant to be called."""
        self.folder = folder
        self.weight = 0
        self.lost = 0
        self.path = folder / SPOOL_NAME
        self._next = 1
        self._is_torn = False
        self._process = os.getpid()
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | flags, 0o600)
        try:
            # A process that delivers runs may have opened a new one: it closes it, for it is empty.
            wait = 0 if flags & os.O_CREAT else fcntl.LOCK_NB
            fcntl.flock(self._file, fcntl.LOCK_EX | wait)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Create the spool of a run in `folder`.

        Raises:
            ValidationError: There is one already.
            StorageError: The disk refused.
        """
        path = folder / SPOOL_NAME
        try:
            with file_errors("create", path):
                return cls(folder, os.O_CREAT | os.O_EXCL)
        except StorageError as exc:
            if not isinstance(exc.__cause__, FileExistsError):
                raise
            message = f"a run is tracked in {folder} already: choose another folder"
            expected = "a folder without a tracked run"
            raise ValidationError(message, field="folder", expected=expected) from exc

    @classmethod
    def resume(cls, folder: Path) -> Self | None:
        """Open the spool in `folder`, whose process is gone; None without one.

        Raises:
            SpoolBusyError: Its process lives.
            StorageError: The disk refused, or a newer version made it.
        """
        path = folder / SPOOL_NAME
        try:
            with file_errors("open", path):
                spool = cls(folder, 0)
        except NotFoundError:
            return None
        except StorageError as exc:
            if not isinstance(exc.__cause__, BlockingIOError):
                raise
            message = f"the run in {folder} is sent by its own process"
            raise SpoolBusyError(message, operation="lock") from exc
        try:
            spool._count()
        except NotFoundError:
            # It was removed meanwhile: its run did not begin.
            spool.close()
            return None
        except BaseException:
            spool.close()
            raise
        return spool

    @property
    def is_open(self) -> bool:
        """Whether records can be added."""
        return self._file >= 0

    @property
    def is_unreadable(self) -> bool:
        """Whether there is something in the file, and no record of it can be read."""
        return self._next == 1 and os.fstat(self._file).st_size > 0

    @property
    def written_at_ms(self) -> int:
        """Time of the last record, in milliseconds since 1970."""
        return os.fstat(self._file).st_mtime_ns // 1_000_000

    def append(self, kind: str, value: object, *, run: int = 0) -> SpoolRecord:
        """Add a record and return it. Not for two threads at once.

        Raises:
            StorageError: The disk refused; the record is not there, and the next one is whole.
            SpoolBusyError: This is a forked child: the records are counted by its parent.
        """
        if self._process != os.getpid():
            message = f"the run in {self.folder} is reported by the process that started it alone"
            raise SpoolBusyError(message, operation="append")
        record = SpoolRecord(number=self._next, run=run, kind=kind, value=value)
        line = seal_line({"n": self._next, "run": run, kind: value})
        line = b"\n" + line if self._is_torn else line
        self._is_torn = True
        with file_errors("append to", self.path):
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        self._is_torn = False
        self._next += 1
        self.weight += record.weight
        return record

    def sync(self) -> None:
        """Wait until the records are safe on the disk itself."""
        with file_errors("sync", self.path):
            os.fsync(self._file)

    def records(self, offset: int = 0) -> Iterator[tuple[SpoolRecord, int]]:
        """Yield the records behind the byte `offset`, each with the offset behind it.

        Raises:
            StorageError: The disk refused, or a newer version made the spool.
        """
        yield from read_spool(self.path, offset)

    def discard(self) -> None:
        """Close and remove the spool of a run that did not begin."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Release the file; closing twice is allowed."""
        if self._file >= 0:
            if self._process == os.getpid():
                # To close it does not release the lock while a forked child lives.
                fcntl.flock(self._file, fcntl.LOCK_UN)
            os.close(self._file)
            self._file = -1

    def _count(self) -> None:
        self._end_last_line()
        for record, _ in self.records():
            # A record that was cut off while it was written has left its number to the next one.
            self.lost += record.number - self._next
            self._next = record.number + 1
            self.weight += record.weight

    def _end_last_line(self) -> None:
        """End a line that its writer did not: it may be whole without its end."""
        with file_errors("append to", self.path):
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                os.write(self._file, b"\n")


def read_spool(path: Path, offset: int = 0) -> Iterator[tuple[SpoolRecord, int]]:
    """Yield the records of the spool at `path`, as `Spool.records` does."""
    with file_errors("read", path), path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            if (content := unseal_line(line)) is not None:
                yield _record(content, path), offset


def _record(content: dict[str, Any], path: Path) -> SpoolRecord:
    number, run = content.pop("n"), content.pop("run")
    ((kind, value),) = content.items()
    if kind == "start" and value["schema"] > SCHEMA:
        message = (
            f"{path} was written by a newer version of tradai-mlflow (schema {value['schema']}, "
            f"this one reads {SCHEMA}): update tradai-mlflow; nothing of it was sent"
        )
        raise StorageError(message, operation="read")
    return SpoolRecord(number=number, run=run, kind=kind, value=value)
