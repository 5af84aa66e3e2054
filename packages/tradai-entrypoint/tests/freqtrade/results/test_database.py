import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint.freqtrade._results import database
from tradai.entrypoint.freqtrade._results.database import (
    booked_orders,
    entry_orders,
    keep_database,
    trade_figures,
)

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

    assert entry_orders(tmp_path / "trades.sqlite") == {("BTC/USDT", "one"), ("BTC/USDT", "two")}
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

    assert entry_orders(tmp_path / "trades.sqlite") == {("BTC/USDT", "one"), ("BTC/USDT", "two")}
    assert not source.exists()


def test_a_database_that_is_locked_for_good_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, timeout=0))
    source = tmp_path / "engine.sqlite"
    with closing(connect(source, isolation_level=None)) as holder:
        holder.executescript(TABLES)
        holder.execute("INSERT INTO orders VALUES ('one', 'buy', 'BTC/USDT')")
        holder.execute("BEGIN EXCLUSIVE")

        keep_database(source, tmp_path / "trades.sqlite")

    assert entry_orders(tmp_path / "trades.sqlite") == {("BTC/USDT", "one")}


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


def test_trades_are_counted_and_their_profit_is_summed(tmp_path: Path) -> None:
    path = tmp_path / "trades.sqlite"
    with closing(sqlite3.connect(path)) as opened:
        opened.executescript(TABLES)
        rows = [(1, False, 2.5), (2, False, -1.25), (3, True, 0.5), (4, True, None)]
        opened.executemany("INSERT INTO trades VALUES (?, ?, ?)", rows)
        opened.commit()

    assert trade_figures(path, "USDT") == {
        "closed_trades": 2,
        "open_trades": 2,
        "realized_profit_USDT": 1.75,
    }


def test_without_a_database_there_are_no_trades(tmp_path: Path) -> None:
    figures = trade_figures(tmp_path / "trades.sqlite", "EUR")

    assert figures == {"closed_trades": 0, "open_trades": 0, "realized_profit_EUR": 0.0}


def test_orders_are_read_with_what_is_filled_and_whether_their_trade_is_open(
    tmp_path: Path,
) -> None:
    path = tmp_path / "trades.sqlite"
    with closing(sqlite3.connect(path)) as opened:
        opened.executescript(
            """
            CREATE TABLE trades (id INTEGER PRIMARY KEY, is_open BOOLEAN);
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY, ft_trade_id INTEGER, ft_order_side TEXT, ft_pair TEXT,
                ft_is_open BOOLEAN, order_id TEXT, filled FLOAT
            );
            INSERT INTO trades VALUES (1, 1), (2, 0);
            INSERT INTO orders VALUES
                (1, 1, 'buy', 'BTC/USDT', 0, '11', 0.1),
                (2, 1, 'stoploss', 'BTC/USDT', 1, '12', NULL),
                (3, 2, 'sell', 'ETH/USDT', 0, '13', 2),
                (4, 9, 'buy', 'ETH/USDT', 0, '14', 0);
            """
        )

    bought, stop, sold, orphan = booked_orders(path)

    assert bought == BookedOrder(
        pair="BTC/USDT",
        order_id="11",
        trade_id=1,
        side="buy",
        is_stop=False,
        is_open=False,
        filled=Decimal("0.1"),
        trade_is_open=True,
    )
    assert (stop.side, stop.is_stop, stop.is_open) == ("sell", True, True)
    assert stop.filled == 0
    assert (sold.side, sold.is_stop, sold.trade_is_open) == ("sell", False, False)
    assert not orphan.trade_is_open


def test_without_a_database_there_are_no_orders(tmp_path: Path) -> None:
    assert booked_orders(tmp_path / "trades.sqlite") == ()
