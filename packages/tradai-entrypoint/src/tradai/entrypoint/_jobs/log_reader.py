"""Lines of a log file that is still being written."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, final

from tradai.core import CUT_LOOK_AHEAD, LONGEST_LINE, JobLine, redact, safe_cut

_MOST_READ: Final = LONGEST_LINE + CUT_LOOK_AHEAD


@final
class LogReader:
    """Yields each line once, as soon as it is whole. Secrets are masked.

    Bytes that are not UTF-8 become replacement characters. A line of more than 64 KiB arrives in
    pieces, which are numbered like lines.
    """

    def __init__(self, path: Path) -> None:
        """Read the log `path` from its start; it need not exist yet."""
        self._path = path
        self._file: BinaryIO | None = None
        self._position = 0
        self._number = 0

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    @property
    def number(self) -> int:
        """Number of the last line that was read."""
        return self._number

    @property
    def position(self) -> int:
        """Number of bytes that were read."""
        return self._position

    def lines(self, *, end: int | None) -> Iterator[JobLine]:
        """Yield the lines that were added since the last call.

        Args:
            end: Size of the log when the job ended: the last line may lack its newline. None
                while the job runs.
        """
        if self._file is None and self._path.exists():
            self._file = self._path.open("rb")
        while self._file is not None and (data := self._next(self._file, end)):
            self._position += len(data)
            self._number += 1
            yield JobLine(number=self._number, text=_text(data))

    def _next(self, file: BinaryIO, end: int | None) -> bytes:
        """Return the next line or piece; nothing when it is not whole yet."""
        file.seek(self._position)
        most = _MOST_READ if end is None else min(_MOST_READ, end - self._position)
        data = file.readline(max(0, most))
        is_whole = data.endswith(b"\n") or len(data) == _MOST_READ
        is_last = end is not None and self._position + len(data) == end
        return _piece(data) if is_whole or is_last else b""


def _piece(line: bytes) -> bytes:
    if len(line.rstrip(b"\n")) <= LONGEST_LINE:
        return line
    return line[: safe_cut(line, LONGEST_LINE, redact)]


def _text(data: bytes) -> str:
    return redact(data.decode(errors="replace").removesuffix("\n").removesuffix("\r"))
