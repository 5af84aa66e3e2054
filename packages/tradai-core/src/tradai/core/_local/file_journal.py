"""The journal of a run in one file of JSON lines."""

import errno
import fcntl
import io
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, cast, final

from tradai.core._documents.json_values import JsonValue, freeze, thaw
from tradai.core._fork_lock import ForkLock
from tradai.core._local.atomic_files import (
    file_errors,
    make_folder,
    release_lock,
    sync_folder,
)
from tradai.core._local.file_uri import file_path
from tradai.core._local.regular_files import FileKind, open_regular_file
from tradai.core._local.sealed_lines import seal_line, unseal_line
from tradai.core._logging.setup import LoggerMixin
from tradai.core._ports.protocols import Clock, JournalEntry
from tradai.core._secrets.redaction import redact, redact_value
from tradai.core._time.clock import SystemClock
from tradai.core.exceptions import ValidationError

# A look for a writer shares the lock for an instant; a lock that is shared for longer is an error.
_LOOKS: Final = 1000
_LOOK_S: Final = 0.001


@final
class FileJournal(LoggerMixin):
    """Run journal in a file: one JSON object per line, only ever added to.

    `append` returns when the disk has confirmed the entry (``fsync``), so neither a killed process
    nor a power loss takes a confirmed entry away, if the disk itself keeps what it confirms. The
    entry being written at that moment may be missing, torn, or there without having been
    confirmed. Every line carries its number and a CRC-32 of itself: a torn or damaged line is
    skipped with a warning in the log, and the next entry starts on a line of its own. A gap in the
    numbers says that a confirmed entry was damaged later.

    One writer at a time: the first `append` locks the file until `close`, and the lock of a process
    that was killed is free, once its forked children are gone too. They are other writers. Reading
    needs no lock.
    """

    def __init__(self, path: str | Path, *, clock: Clock | None = None) -> None:
        """Keep the journal at `path`, a path or ``file:`` URI; nothing is opened yet."""
        self._path = file_path(path)
        self._clock = clock or SystemClock()
        self._lock = ForkLock()
        self._file: io.FileIO | None = None
        self._process = os.getpid()
        self._next = 1

    def append(self, event: str, /, **facts: JsonValue) -> None:
        """Record `event` and wait until it is on disk; see `RunJournal`.

        Raises:
            ValidationError: A fact is not JSON, or is NaN or infinite.
            StorageError: The disk refused, or another writer has this journal open.
        """
        clean = clean_facts(event, facts)
        with self._lock, file_errors("append to", self._path):
            try:
                self._write(redact(event), clean)
            except BaseException:
                # Part of the line may be on disk; opening the file again finds out.
                self._release()
                raise

    def entries(self) -> Iterator[JournalEntry]:
        """Yield the entries on disk; a file that does not exist yet has none."""
        if not self._path.exists():
            return
        with (
            file_errors("read", self._path),
            open_regular_file(self._path, FileKind.ANY_SIZE) as file,
        ):
            for number, line in enumerate(file, start=1):
                entry = _entry(line)
                if entry is not None:
                    yield entry
                else:
                    facts = {"path": str(self._path), "line": number}
                    self.logger.warning("damaged journal line skipped", extra=facts)

    def close(self) -> None:
        """Release the file to other writers; appending again takes it back."""
        with self._lock:
            self._release()

    def has_writer(self) -> bool:
        """Return whether a process has the journal open to write, without being in its way.

        Raises:
            NotFoundError: There is no such file.
            StorageError: It cannot be opened.
        """
        with file_errors("lock", self._path), self._path.open("rb") as file:
            return not _locks(file.fileno(), fcntl.LOCK_SH)

    @contextmanager
    def without_writers(self) -> Iterator[bool]:
        """Keep writers away inside the block; False says that a process is writing.

        Raises:
            NotFoundError: There is no such file.
            StorageError: It cannot be opened.
        """
        with file_errors("lock", self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            yield _locks_alone(descriptor)
        finally:
            os.close(descriptor)

    def _write(self, event: str, facts: Mapping[str, JsonValue]) -> None:
        if self._process != os.getpid():
            # A forked child: the file is its parent's.
            self._release()
        file = self._file = self._file or self._open()
        at = self._clock.now().isoformat()
        line = seal_line({"sequence": self._next, "at": at, "event": event, "facts": facts})
        _write_all(file, line)
        os.fsync(file.fileno())
        self._next += 1

    def _open(self) -> io.FileIO:
        make_folder(self._path.parent)
        file = io.FileIO(self._path, "a+", opener=_open_private)
        try:
            _require_alone(file.fileno())
            sync_folder(self._path.parent)
            self._next = 1 + max((entry.sequence for entry in self.entries()), default=0)
            if _ends_torn(file):
                _write_all(file, b"\n")
        except BaseException:
            file.close()
            raise
        self._process = os.getpid()
        return file

    def _release(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with file:
                release_lock(file.fileno(), self._process)


def clean_facts(event: str, facts: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return `facts` as plain JSON without secrets.

    Raises:
        ValidationError: A fact is not JSON, or is NaN or infinite.
    """
    for name, fact in facts.items():
        try:
            freeze(fact)
        except ValidationError as exc:
            message = f"fact {name!r} of {event!r} cannot be kept: expected {exc.expected}"
            raise ValidationError(message, field=name, expected=exc.expected) from exc
    return cast("Mapping[str, JsonValue]", redact_value(thaw(facts)))


def _entry(line: bytes) -> JournalEntry | None:
    content = unseal_line(line)
    if content is None:
        return None
    return JournalEntry(
        sequence=content["sequence"],
        at=datetime.fromisoformat(content["at"]),
        event=content["event"],
        facts=content["facts"],
    )


def _locks_alone(descriptor: int) -> bool:
    """Lock a file for one writer; False when there is another one, which a look is not."""
    for _ in range(_LOOKS):
        if _locks(descriptor, fcntl.LOCK_EX):
            return True
        if not _locks(descriptor, fcntl.LOCK_SH):
            return False
        time.sleep(_LOOK_S)
    return False


def _require_alone(descriptor: int) -> None:
    if not _locks_alone(descriptor):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _locks(descriptor: int, lock: int) -> bool:
    try:
        fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _ends_torn(file: io.FileIO) -> bool:
    size = file.seek(0, os.SEEK_END)
    return size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"


def _write_all(file: io.FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
