"""The engine's output: cut into lines, redacted, written to a log file and passed on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

from tradai.core import (
    CUT_LOOK_AHEAD,
    LONGEST_LINE,
    mask_named_values,
    printable,
    redact,
    safe_cut,
)
from tradai.core.exceptions import StorageError

# The log and its predecessors have at most this much each: an engine whose exchange is away repeats
# a traceback many times a second, for as long as that lasts.
_FILE_BYTES: Final = 16 * 1024 * 1024
_PREDECESSORS: Final = 4


@final
class EngineOutput:
    """Splits the output into lines, which it writes and passes on.

    Bytes that are not UTF-8 become replacement characters, and in the log control characters
    become escapes. A last line without its newline is passed on at the end, a line of more than
    64 KiB in pieces. A log that is full becomes ``engine.log.1``, that one ``engine.log.2``,
    and the oldest is removed. When the disk refuses a line, the engine is to be stopped in good
    order, so the lines are passed on all the same.

    Attributes:
        error: Why the disk refused a line; None while it did not.
    """

    def __init__(self, log_file: Path, on_line: Callable[[str], None]) -> None:
        """Open `log_file` for appending.

        Raises:
            StorageError: The disk refused.
        """
        self._path = log_file
        self._on_line = on_line
        self._incomplete = b""
        self.error: StorageError | None = None
        try:
            self._open()
        except OSError as exc:
            raise self._write_error(exc) from exc

    def __enter__(self) -> Self:
        """Return the output itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def feed(self, data: bytes) -> None:
        """Process the next bytes."""
        *lines, self._incomplete = (self._incomplete + data).split(b"\n")
        while len(self._incomplete) > LONGEST_LINE + CUT_LOOK_AHEAD:
            cut = safe_cut(self._incomplete, LONGEST_LINE, _masked)
            lines.append(self._incomplete[:cut])
            self._incomplete = self._incomplete[cut:]
        self._pass_on(lines)

    def finish(self) -> None:
        """Pass on the last line, if it lacked its newline."""
        lines, self._incomplete = [self._incomplete] if self._incomplete else [], b""
        self._pass_on(lines)

    def _pass_on(self, lines: list[bytes]) -> None:
        texts = [_masked(line.decode(errors="replace").rstrip("\r")) for line in lines]
        try:
            self._write("".join(f"{_inert(text)}\n" for text in texts).encode())
        except OSError as exc:
            self.error = self.error or self._write_error(exc)
        for text in texts:
            with self.storing():
                self._on_line(text)

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Note the error when the disk refuses inside the block, and go on after it."""
        try:
            yield
        except StorageError as exc:
            self.error = self.error or exc

    def _open(self) -> None:
        self._file = self._path.open("ab", buffering=0)
        self._size = self._file.tell()

    def _write(self, data: bytes) -> None:
        if self._size >= _FILE_BYTES:
            self._rotate()
        self._size += len(data)
        rest = memoryview(data)
        while rest:
            # A disk that is nearly full takes a part without an error.
            rest = rest[self._file.write(rest) :]

    def _rotate(self) -> None:
        """Start a new log and keep the last few."""
        logs = [self._path]
        logs += [Path(f"{self._path}.{number}") for number in range(1, _PREDECESSORS + 1)]
        for older, newer in pairwise(reversed(logs)):
            if newer.exists():
                newer.replace(older)
        self._file.close()
        self._open()

    def _write_error(self, exc: OSError) -> StorageError:
        return StorageError(
            f"the engine's log {self._path} cannot be written: {exc.strerror}; free some space, "
            "or choose another folder for the runs",
            operation="write",
        )


def _masked(line: str) -> str:
    """Return `line` without secrets; the engine and the strategy may log any they are given."""
    return mask_named_values(redact(line))


def _inert(line: str) -> str:
    """Return `line` with its control characters as escapes, except for tabs: it may be printed."""
    return "\t".join(map(printable, line.split("\t")))
