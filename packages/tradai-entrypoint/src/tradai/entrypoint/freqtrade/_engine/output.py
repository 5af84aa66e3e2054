"""The engine's output: cut into lines, redacted, written to a log file and passed on."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

from tradai.core import redact
from tradai.core.exceptions import StorageError

# A longer line is cut into pieces, so that memory stays bounded whatever the engine prints.
_LINE_BYTES: Final = 64 * 1024


@final
class EngineOutput:
    """Splits the output into lines, which it writes and passes on.

    Bytes that are not UTF-8 become replacement characters. A last line without its newline is
    passed on at the end.
    """

    def __init__(self, log_file: Path, on_line: Callable[[str], None]) -> None:
        """Open `log_file` for appending.

        Raises:
            StorageError: The disk refused.
        """
        self._path = log_file
        self._on_line = on_line
        self._incomplete = b""
        try:
            self._file = log_file.open("ab", buffering=0)
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
        """Process the next bytes.

        Raises:
            StorageError: The disk refused.
        """
        *lines, self._incomplete = (self._incomplete + data).split(b"\n")
        if len(self._incomplete) > _LINE_BYTES:
            lines.append(self._incomplete)
            self._incomplete = b""
        self._pass_on(lines)

    def finish(self) -> None:
        """Pass on the last line, if it lacked its newline.

        Raises:
            StorageError: The disk refused.
        """
        lines, self._incomplete = [self._incomplete] if self._incomplete else [], b""
        self._pass_on(lines)

    def _pass_on(self, lines: list[bytes]) -> None:
        texts = [redact(line.decode(errors="replace").rstrip("\r")) for line in lines]
        try:
            self._file.write("".join(text + "\n" for text in texts).encode())
        except OSError as exc:
            raise self._write_error(exc) from exc
        for text in texts:
            self._on_line(text)

    def _write_error(self, exc: OSError) -> StorageError:
        return StorageError(
            f"the engine's log {self._path} cannot be written: {exc.strerror}; free some space, "
            "or choose another folder for the runs",
            operation="write",
        )
