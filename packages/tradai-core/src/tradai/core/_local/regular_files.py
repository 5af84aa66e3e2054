"""Open files to read: regular ones of a sane size only.

A pipe or a terminal may never answer, and a device may never end.
"""

import errno
import os
import stat
from enum import Enum, unique
from pathlib import Path
from typing import BinaryIO, Final, final

_MIB: Final = 1024 * 1024
# What a path may lead to instead, each with the test for it.
_OTHER_KINDS: Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@final
@unique
class FileKind(Enum):
    """Kinds of files that are read, with the number of bytes that one may have; None is any."""

    CONFIGURATION = 4 * _MIB
    SOURCE = 100 * _MIB
    MANIFEST = 64 * _MIB
    MARKET_RULES = 256 * _MIB
    CANDLES = 2_048 * _MIB
    OBJECT = 4_096 * _MIB
    ANY_SIZE = None

    @property
    def largest(self) -> int | None:
        """Number of bytes that one may have."""
        largest: int | None = self.value
        return largest

    @property
    def expected(self) -> str:
        """A phrase that says what may be read."""
        limit = "" if self.value is None else f" of at most {self.value} bytes"
        return f"a regular file{limit}"


@final
class UnusableFileError(OSError):
    """A file is not a regular one, or too large; `file_errors` raises a `ValidationError` for it.

    Attributes:
        expected: What may be read instead.
    """

    def __init__(self, problem: str, kind: FileKind, path: str | Path) -> None:
        """Take the problem, such as "it is a named pipe"."""
        super().__init__(errno.EINVAL, f"{problem}, not {kind.expected}", str(path))
        self.expected = kind.expected


def open_regular_file(path: str | Path, kind: FileKind) -> BinaryIO:
    """Open the file at `path` to read it, at once whatever is there.

    Raises:
        UnusableFileError: It is not a regular file, or larger than its `kind` may be.
        OSError: It cannot be opened.
    """
    # Before it is opened too: opening alone changes some devices. A path object would cost as
    # much as opening a small file.
    _check(os.stat(path), kind, path)  # noqa: PTH116
    # Another one may have taken its place: without the flag, opening a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _check(os.fstat(descriptor), kind, path)
        # A path cannot be opened with these flags, and the caller closes the file.
        return open(descriptor, "rb")  # noqa: PTH123
    except BaseException:
        os.close(descriptor)
        raise


def read_regular_file(path: str | Path, kind: FileKind) -> bytes:
    """Return the bytes of the file at `path`.

    Raises:
        UnusableFileError: It is not a regular file, or larger than its `kind` may be.
        OSError: It cannot be read.
    """
    with open_regular_file(path, kind) as file:
        return file.read()


def _check(facts: os.stat_result, kind: FileKind, path: str | Path) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(facts.st_mode):
        names = (name for is_kind, name in _OTHER_KINDS if is_kind(facts.st_mode))
        raise UnusableFileError(f"it is {next(names, 'of another kind')}", kind, path)
    if kind.largest is not None and facts.st_size > kind.largest:
        raise UnusableFileError(f"it has {facts.st_size} bytes", kind, path)
