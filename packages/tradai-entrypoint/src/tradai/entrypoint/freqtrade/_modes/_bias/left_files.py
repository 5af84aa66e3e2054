"""Files that a backtest of the look-ahead analysis leaves to the next one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

# Where a strategy may leave files, beside the folder that the engine runs in.
_PLACES: Final = ("HOME", "TMPDIR")


@contextmanager
def nothing_left(candles: Path) -> Iterator[None]:
    """Undo afterwards what has changed in the folders that a strategy may write to.

    A file that was there before, such as a database that the module of the strategy makes when it
    is imported, gets its content back; a new one is removed.

    Args:
        candles: Folder of the engine's candles, which may be large and keep what they have.
    """
    # The engine has a relative path of it.
    kept = candles.absolute()
    before = {path: _content(path) for path in _entries(kept)}
    yield
    for path in sorted({*_entries(kept)} - {*before}):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    for path, content in before.items():
        if content is not None and content != _content(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _entries(kept: Path) -> Iterator[Path]:
    """Yield the files and folders that a strategy may have made, outside of `kept`."""
    for place in {Path.cwd(), *(Path(os.environ[name]) for name in _PLACES)}:
        yield from (path for path in place.rglob("*") if not path.is_relative_to(kept))


def _content(path: Path) -> bytes | None:
    """Return the content of a regular file; None of anything else, such as the engine's pipe."""
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None
