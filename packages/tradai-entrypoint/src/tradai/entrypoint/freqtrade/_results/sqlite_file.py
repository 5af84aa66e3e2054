"""A trade database in an SQLite file, and copies of it that are whole."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString, final

from tradai.core.exceptions import StorageError

DATABASE_NAME: Final = "trades.sqlite"
# The engine's own names (freqtrade 2026.9).
_TABLES: Final = ("trades", "orders")
_WRITE_AHEAD_LOG: Final = "-wal"
_LOCKED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NO_DATABASE: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
_NO_SUCH_TABLE: Final = "no such table"


@final
@dataclass(frozen=True, slots=True)
class SqliteFile:
    """An `EngineDatabase`: a file, which has one writer at a time by its lease.

    Attributes:
        path: The file, absolute.
    """

    path: Path

    def __str__(self) -> str:
        """Show the path."""
        return str(self.path)

    @property
    def url(self) -> str:
        """Its URL."""
        return f"sqlite:///{self.path}"

    def engine_url(self) -> str:
        """Return its URL, which has no password."""
        return self.url

    def check(self) -> None:
        """Leave it to the disk checks: nothing else can keep the engine from a file."""

    def prepare(self) -> None:
        """Make its folder."""
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            message = (
                f"{folder} cannot be made ({exc.strerror}): let TRADAI_LIVE_DATABASES name a "
                "folder on a disk that can be written"
            )
            raise StorageError(message, operation="make folder") from exc

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return the rows of `query`; none without a file, or without its tables."""
        if not self.path.exists():
            return []
        try:
            with closing(sqlite3.connect(self.path)) as opened:
                return opened.execute(query).fetchall()
        except sqlite3.Error as exc:
            # The engine was ended before it had made them.
            if _is_without_table(exc):
                return []
            message = f"{self.path} cannot be read ({exc}): open it with sqlite3"
            raise StorageError(message, operation="read trades") from exc

    def copy_to(self, target: Path) -> bool:
        """Copy it to `target`, with the rows of its write-ahead log."""
        if not self.path.exists():
            return False
        try:
            copy_database(self.path, target)
        except (sqlite3.Error, OSError) as exc:
            message = f"{self.path} cannot be copied ({exc}): {self._advice(target.parent)}"
            raise StorageError(message, operation="copy trades") from exc
        return True

    def _advice(self, folder: Path) -> str:
        """Return what to do about a copy in `folder` that failed."""
        try:
            with closing(sqlite3.connect(self.path, timeout=0)) as opened:
                _counts(opened)
        except sqlite3.Error as exc:
            if _kind(exc.sqlite_errorcode) in _LOCKED:
                return "close the program that has it open"
            if _kind(exc.sqlite_errorcode) in _NO_DATABASE or _is_without_table(exc):
                return "it is damaged, or no trade database of the engine; put a good copy there"
            return f"look at the disk of {self.path.parent}, and at the rights of the file"
        return f"look at the disk of {folder}"


def keep_database(source: Path, target: Path) -> None:
    """Copy the database at `source` to `target`, with the rows of its write-ahead log.

    Another process may have it open, for example a viewer. A database that cannot be copied is
    moved together with its write-ahead log, which needs no space.

    Raises:
        OSError: It can be neither copied nor moved.
    """
    try:
        copy_database(source, target)
    except (sqlite3.Error, OSError):
        source.rename(target)
        log = source.with_name(source.name + _WRITE_AHEAD_LOG)
        if log.exists():
            log.rename(target.with_name(target.name + _WRITE_AHEAD_LOG))


def copy_database(source: Path, target: Path) -> None:
    """Copy the database at `source` to `target`, with the rows of its write-ahead log.

    Raises:
        sqlite3.Error: It cannot be copied; nothing is left of the copy.
        OSError: The disk refused; nothing is left of the copy.
    """
    copy = target.with_name(f"{target.name}.copy")
    try:
        _copy(source, copy)
        copy.rename(target)
    except (sqlite3.Error, OSError):
        copy.unlink(missing_ok=True)
        raise


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy, progress=_give_up_when_locked)
        # A file of its own: a write-ahead log would have to travel with it.
        copy.execute("PRAGMA journal_mode=DELETE")
        if _counts(copy) != _counts(original):
            message = "rows are missing in the copy"
            raise sqlite3.DatabaseError(message)


def _give_up_when_locked(status: int, _remaining: int, _total: int) -> None:
    # Without this the copy is tried again and again, for as long as another process holds a lock.
    if _kind(status) in _LOCKED:
        message = "another process has locked it"
        raise sqlite3.OperationalError(message)


def _kind(code: int) -> int:
    """Return the primary code of an extended one: its lowest byte."""
    return code & 0xFF


def _is_without_table(error: sqlite3.Error) -> bool:
    return str(error).startswith(_NO_SUCH_TABLE)


def _counts(database: sqlite3.Connection) -> list[int]:
    # The names are constants of this module.
    counts = (f"SELECT count(*) FROM {table}" for table in _TABLES)  # noqa: S608
    return [database.execute(count).fetchone()[0] for count in counts]
