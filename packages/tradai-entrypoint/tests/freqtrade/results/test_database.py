import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint.freqtrade._results import database
from tradai.entrypoint.freqtrade._results.database import entry_orders, keep_database

TABLES = """
CREATE TABLE trades (id INTEGER PRIMARY KEY);
CREATE TABLE orders (order_id TEXT, ft_order_side TEXT);
"""


@pytest.fixture
def written(tmp_path: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """A database whose rows are in its write-ahead log alone, and a connection that holds it."""
    path = tmp_path / "engine.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.executescript(TABLES)
        with closing(sqlite3.connect(path, isolation_level=None)) as viewer:
            viewer.execute("BEGIN")
            viewer.execute("SELECT * FROM orders").fetchall()
            writer.executemany(
                "INSERT INTO orders VALUES (?, ?)",
                [("one", "buy"), ("two", "buy"), ("out", "sell")],
            )
            yield path, viewer


def test_a_database_that_a_viewer_has_open_is_kept_with_all_its_rows(
    written: tuple[Path, sqlite3.Connection], tmp_path: Path
) -> None:
    source, _ = written

    keep_database(source, tmp_path / "trades.sqlite")

    assert entry_orders(tmp_path / "trades.sqlite") == {"one", "two"}
    assert source.exists()
    assert not (tmp_path / "trades.sqlite-wal").exists()


def test_a_database_that_cannot_be_copied_is_moved_with_its_write_ahead_log(
    written: tuple[Path, sqlite3.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError

    monkeypatch.setattr(database, "_copy", refuse)
    source, _ = written

    keep_database(source, tmp_path / "trades.sqlite")

    assert entry_orders(tmp_path / "trades.sqlite") == {"one", "two"}
    assert not source.exists()


def test_a_database_that_is_locked_for_good_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, timeout=0))
    source = tmp_path / "engine.sqlite"
    with closing(connect(source, isolation_level=None)) as holder:
        holder.executescript(TABLES)
        holder.execute("INSERT INTO orders VALUES ('one', 'buy')")
        holder.execute("BEGIN EXCLUSIVE")

        keep_database(source, tmp_path / "trades.sqlite")

    assert entry_orders(tmp_path / "trades.sqlite") == {"one"}


def test_a_copy_that_lacks_rows_is_not_trusted(
    written: tuple[Path, sqlite3.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([[0, 2], [0, 3]])
    monkeypatch.setattr(database, "_counts", lambda _: next(counts))
    source, _ = written

    keep_database(source, tmp_path / "trades.sqlite")

    assert not source.exists()
    assert not (tmp_path / "trades.sqlite.copy").exists()


def test_a_database_that_is_missing_has_no_orders_and_a_damaged_one_is_an_error(
    tmp_path: Path,
) -> None:
    path = tmp_path / "trades.sqlite"
    assert entry_orders(path) == set()

    path.write_text("not a database at all, whatever its name says")

    with pytest.raises(StorageError, match="cannot be read"):
        entry_orders(path)
