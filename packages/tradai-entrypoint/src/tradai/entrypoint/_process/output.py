"""Standard streams that may be closed, full or broken, and that take any character."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO, cast, final

_STANDARD: Final = (0, 1, 2)


@final
class OutputStream:
    """A text stream that notes its first error and drops what is written after it.

    A character that the stream cannot encode is written as an escape.

    Attributes:
        error: Why something that was written is lost; None while nothing is.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Write to `stream`; None is a stream that was closed before the program began."""
        self.error: OSError | None = None
        if stream is None:
            self.error = OSError(errno.EBADF, "it is closed")
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`."""
        with self._noting():
            if self._stream is not None:
                self._stream.write(text if text.isascii() else self._encodable(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._noting():
            if self._stream is not None:
                self._stream.flush()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    # The stream behind it has further attributes, of any type.
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return the attribute `name` of the stream."""
        return getattr(self._stream, name)

    def _encodable(self, text: str) -> str:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        return text.encode(encoding, "backslashreplace").decode(encoding)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            self.error = self.error or exc
            self._discard()

    def _discard(self) -> None:
        """Discard what is buffered: Python writes it at its end, and failing is exit code 120."""
        with suppress(OSError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)


@contextmanager
def checked_output() -> Iterator[OutputStream]:
    """Replace both standard streams inside the block; return standard output."""
    before = sys.stdout, sys.stderr
    output, errors = OutputStream(sys.stdout), OutputStream(sys.stderr)
    sys.stdout, sys.stderr = cast("TextIO", output), cast("TextIO", errors)
    try:
        yield output
    finally:
        for stream in (output, errors):
            stream.flush()
        sys.stdout, sys.stderr = before


def is_output_lost() -> bool:
    """Return whether standard output, inside of `checked_output`, could not be written."""
    return isinstance(sys.stdout, OutputStream) and sys.stdout.error is not None


def open_missing_descriptors() -> None:
    """Open the standard descriptors that are closed, or other files would get their numbers."""
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            # It gets the lowest free number, which is this one. The flag has no name there.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003
