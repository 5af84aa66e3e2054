import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint.freqtrade._results.database import (
    booked_orders,
    count_exit_orders,
    entry_orders,
    funds_in_trades,
    trade_figures,
)
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile

TABLES = """
CREATE TABLE trades (
    id INTEGER PRIMARY KEY, is_open BOOLEAN, amount FLOAT, realized_profit FLOAT
);
"""


def test_a_database_that_is_missing_has_no_orders_and_a_damaged_one_is_an_error(
    tmp_path: Path,
) -> None:
    path = tmp_path / "trades.sqlite"
    assert entry_orders(SqliteFile(path)) == set()

    path.write_text("not a database at all, whatever its name says")

    with pytest.raises(StorageError, match="cannot be read"):
        entry_orders(SqliteFile(path))


def test_orders_that_close_a_position_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "trades.sqlite"
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("CREATE TABLE orders (order_id TEXT, ft_order_side TEXT)")
        opened.executemany("INSERT INTO orders VALUES (?, ?)", [("in", "buy"), ("out", "sell")])
        opened.commit()

    assert count_exit_orders(SqliteFile(path)) == 1
    assert count_exit_orders(SqliteFile(tmp_path / "none.sqlite")) == 0


def test_funds_in_trades_are_the_cost_of_open_positions_less_the_profit_so_far(
    tmp_path: Path,
) -> None:
    path = tmp_path / "trades.sqlite"
    with closing(sqlite3.connect(path)) as opened:
        opened.execute(
            "CREATE TABLE trades (is_open BOOLEAN, amount FLOAT, open_rate FLOAT,"
            " realized_profit FLOAT)"
        )
        before = funds_in_trades(SqliteFile(path))
        rows = [(1, 2.0, 50.0, None), (1, 0.0, 50.0, None), (0, 1.0, 70.0, 12.5), (1, 1, 10, -2)]
        opened.executemany("INSERT INTO trades VALUES (?, ?, ?, ?)", rows)
        opened.commit()

    assert (before, funds_in_trades(SqliteFile(path))) == (Decimal(0), Decimal("99.5"))
    assert funds_in_trades(SqliteFile(tmp_path / "none.sqlite")) == 0


def test_trades_are_counted_and_their_profit_is_summed(tmp_path: Path) -> None:
    path = tmp_path / "trades.sqlite"
    with closing(sqlite3.connect(path)) as opened:
        opened.executescript(TABLES)
        # The last one waits for its entry to be filled; an entry that was cancelled is closed.
        opened.executemany(
            "INSERT INTO trades VALUES (?, ?, ?, ?)",
            [
                *((1, False, 1.0, 2.5), (2, False, 0.0, -1.25), (3, True, 2.0, 0.5)),
                *((4, True, 2.0, None), (5, True, 0.0, None)),
            ],
        )
        opened.commit()

    assert trade_figures(SqliteFile(path), "USDT") == {
        "closed_trades": 2,
        "open_trades": 2,
        "realized_profit_USDT": 1.75,
    }


def test_without_a_database_there_are_no_trades(tmp_path: Path) -> None:
    figures = trade_figures(SqliteFile(tmp_path / "trades.sqlite"), "EUR")

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

    bought, stop, sold, orphan = booked_orders(SqliteFile(path))

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
    assert booked_orders(SqliteFile(tmp_path / "trades.sqlite")) == ()
