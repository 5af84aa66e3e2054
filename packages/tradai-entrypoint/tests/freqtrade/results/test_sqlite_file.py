import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint.freqtrade._results import sqlite_file
from tradai.entrypoint.freqtrade._results.database import booked_orders, entry_orders
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile, keep_database

TABLES = """
CREATE TABLE trades (id INTEGER PRIMARY KEY, is_open BOOLEAN, realized_profit FLOAT);
CREATE TABLE orders (order_id TEXT, ft_order_side TEXT, ft_pair TEXT);
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
                "INSERT INTO orders VALUES (?, ?, 'BTC/USDT')",
                [("one", "buy"), ("two", "buy"), ("out", "sell")],
            )
            yield path, viewer


def test_a_database_that_a_viewer_has_open_is_kept_with_all_its_rows(
    written: tuple[Path, sqlite3.Connection], tmp_path: Path
) -> None:
    source, _ = written

    keep_database(source, tmp_path / "trades.sqlite")

    assert entry_orders(SqliteFile(tmp_path / "trades.sqlite")) == {
        ("BTC/USDT", "one"),
        ("BTC/USDT", "two"),
    }
    assert source.exists()
    assert not (tmp_path / "trades.sqlite-wal").exists()


def test_a_database_that_cannot_be_copied_is_moved_with_its_write_ahead_log(
    written: tuple[Path, sqlite3.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError

    monkeypatch.setattr(sqlite_file, "_copy", refuse)
    source, _ = written

    keep_database(source, tmp_path / "trades.sqlite")

    assert entry_orders(SqliteFile(tmp_path / "trades.sqlite")) == {
        ("BTC/USDT", "one"),
        ("BTC/USDT", "two"),
    }
    assert not source.exists()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no lock; five seconds are usual."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))


@pytest.mark.usefixtures("no_waiting")
def test_a_database_that_is_locked_for_good_is_moved(tmp_path: Path) -> None:
    source = tmp_path / "engine.sqlite"
    with closing(sqlite3.connect(source, isolation_level=None)) as holder:
        holder.executescript(TABLES)
        holder.execute("INSERT INTO orders VALUES ('one', 'buy', 'BTC/USDT')")
        holder.execute("BEGIN EXCLUSIVE")

        keep_database(source, tmp_path / "trades.sqlite")

    assert entry_orders(SqliteFile(tmp_path / "trades.sqlite")) == {("BTC/USDT", "one")}


def test_a_copy_that_lacks_rows_is_not_trusted(
    written: tuple[Path, sqlite3.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([[0, 2], [0, 3]])
    monkeypatch.setattr(sqlite_file, "_counts", lambda _: next(counts))
    source, _ = written

    keep_database(source, tmp_path / "trades.sqlite")

    assert not source.exists()
    assert not (tmp_path / "trades.sqlite.copy").exists()


def test_a_file_is_copied_for_a_run_and_one_that_does_not_exist_is_not_made(
    written: tuple[Path, sqlite3.Connection], tmp_path: Path
) -> None:
    source, _ = written
    copy, absent = tmp_path / "copy.sqlite", tmp_path / "absent.sqlite"

    assert SqliteFile(source).copy_to(copy)
    assert not SqliteFile(absent).copy_to(tmp_path / "none.sqlite")

    assert entry_orders(SqliteFile(copy)) == {("BTC/USDT", "one"), ("BTC/USDT", "two")}
    assert not absent.exists()
    assert not (tmp_path / "none.sqlite").exists()


def test_a_copy_that_cannot_be_made_is_an_error_that_names_both(
    written: tuple[Path, sqlite3.Connection], tmp_path: Path
) -> None:
    source, folder = written[0], tmp_path / "none"

    with pytest.raises(StorageError, match=f"{source} cannot be copied .* disk of {folder}"):
        SqliteFile(source).copy_to(folder / "copy.sqlite")


@pytest.mark.usefixtures("no_waiting")
def test_a_database_that_another_program_has_locked_is_named_so(tmp_path: Path) -> None:
    source = tmp_path / "engine.sqlite"
    with closing(sqlite3.connect(source, isolation_level=None)) as other:
        other.executescript(TABLES)
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(StorageError, match=r"cannot be copied .*locked.*: close the program"):
            SqliteFile(source).copy_to(tmp_path / "copy.sqlite")


def test_a_file_has_its_folder_made_and_is_named_by_its_path(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "state" / "trades.sqlite")

    file.check()
    file.prepare()

    assert file.path.parent.is_dir()
    assert file.url == file.engine_url() == f"sqlite:///{tmp_path}/state/trades.sqlite"
    assert str(file) == str(file.path)


def test_a_file_whose_tables_are_not_made_yet_has_no_rows(tmp_path: Path) -> None:
    """The engine was killed, or the disk was full, between the file and its tables."""
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    half = tmp_path / "half.sqlite"
    with closing(sqlite3.connect(half)) as database:
        database.execute("CREATE TABLE trades (id INTEGER PRIMARY KEY)")

    assert (booked_orders(SqliteFile(empty)), booked_orders(SqliteFile(half))) == ((), ())


def test_a_file_of_other_columns_cannot_be_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")

    with pytest.raises(StorageError, match=r"other\.sqlite cannot be read .no such column"):
        entry_orders(SqliteFile(tmp_path / "other.sqlite"))


def test_a_folder_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state").touch()

    with pytest.raises(StorageError, match=r"state cannot be made .* TRADAI_LIVE_DATABASES"):
        SqliteFile(tmp_path / "state" / "trades.sqlite").prepare()


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 99])
def test_a_file_that_is_no_trade_database_is_blamed_and_not_the_disk(
    tmp_path: Path, content: bytes
) -> None:
    source = tmp_path / "engine.sqlite"
    source.write_bytes(content)

    with pytest.raises(StorageError, match=f"{source} cannot be copied .*: it is damaged, or no"):
        SqliteFile(source).copy_to(tmp_path / "copy.sqlite")

    assert {path.name for path in tmp_path.iterdir()} == {"engine.sqlite"}


def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    source = tmp_path / "engine.sqlite"
    source.mkdir()

    with pytest.raises(StorageError, match=r"unable to open .*: look at the disk") as caught:
        SqliteFile(source).copy_to(tmp_path / "copy.sqlite")

    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_BUSY_RECOVERY, "close the program that has it open"),
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, "close the program that has it open"),
        (sqlite3.SQLITE_PERM, "look at the disk"),
        (sqlite3.SQLITE_READONLY_ROLLBACK, "look at the disk"),
        (sqlite3.SQLITE_IOERR_READ, "look at the disk"),
        (sqlite3.SQLITE_FULL, "look at the disk"),
        (sqlite3.SQLITE_NOTADB, "it is damaged, or no trade database"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "it is damaged, or no trade database"),
    ],
)
def test_the_advice_follows_the_kind_of_the_error(
    written: tuple[Path, sqlite3.Connection],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    advice: str,
) -> None:
    error = sqlite3.OperationalError("it refuses")
    error.sqlite_errorcode = code

    def refuse(_: object) -> None:
        raise error

    monkeypatch.setattr(sqlite_file, "_counts", refuse)

    with pytest.raises(StorageError, match=f"cannot be copied .*: {advice}"):
        SqliteFile(written[0]).copy_to(tmp_path / "copy.sqlite")
