"""Keep the engine's database whole, and read its trades and orders."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.reconcile import OrderKey

DATABASE_NAME: Final = "trades.sqlite"
# The engine's own names (freqtrade 2026.9).
_TABLES: Final = ("trades", "orders")
_ENTRY_ORDERS: Final = "SELECT ft_pair, order_id FROM orders WHERE ft_order_side = 'buy'"
_TRADES: Final = (
    "SELECT is_open, count(*), sum(coalesce(realized_profit, 0)) FROM trades GROUP BY 1"
)
_ORDERS: Final = """
    SELECT ft_pair, order_id, ft_trade_id, ft_order_side, ft_is_open, coalesce(filled, 0),
           coalesce(trades.is_open, 0)
    FROM orders LEFT JOIN trades ON trades.id = ft_trade_id ORDER BY orders.id
"""
_STOP: Final = "stoploss"
_WRITE_AHEAD_LOG: Final = "-wal"


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


def entry_orders(database: Path) -> set[OrderKey]:
    """Return the entry orders in `database`; none when it does not exist.

    Raises:
        StorageError: It cannot be read.
    """
    return {(pair, str(order_id)) for pair, order_id in _rows(database, _ENTRY_ORDERS)}


def booked_orders(database: Path) -> tuple[BookedOrder, ...]:
    """Return all orders in `database`, which the engine may have open; none without a database.

    Raises:
        StorageError: It cannot be read.
    """
    return tuple(_booked(*row) for row in _rows(database, _ORDERS))


def trade_figures(database: Path, currency: str) -> dict[str, JsonValue]:
    """Return the numbers of trades in `database`, and their realized profit in `currency`.

    Raises:
        StorageError: It cannot be read.
    """
    rows = {bool(row[0]): row[1:] for row in _rows(database, _TRADES)}
    closed, opened = rows.get(False, (0, 0.0)), rows.get(True, (0, 0.0))
    return {
        "closed_trades": closed[0],
        "open_trades": opened[0],
        f"realized_profit_{currency}": round(closed[1] + opened[1], 8),
    }


# The columns of one row.
def _booked(  # noqa: PLR0913, PLR0917
    pair: str,
    order_id: str,
    trade_id: int,
    side: str,
    is_open: int,
    filled: float,
    trade_is_open: int,
) -> BookedOrder:
    return BookedOrder(
        pair=pair,
        order_id=str(order_id),
        trade_id=trade_id,
        side="buy" if side == "buy" else "sell",
        is_stop=side == _STOP,
        is_open=bool(is_open),
        filled=Decimal(str(filled)),
        trade_is_open=bool(trade_is_open),
    )


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(database)) as opened:
            return opened.execute(query).fetchall()
    except sqlite3.Error as exc:
        message = f"{database} cannot be read ({exc}): open it with sqlite3"
        raise StorageError(message, operation="read trades") from exc


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
    if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        message = "another process has locked it"
        raise sqlite3.OperationalError(message)


def _counts(database: sqlite3.Connection) -> list[int]:
    # The names are constants of this module.
    counts = (f"SELECT count(*) FROM {table}" for table in _TABLES)  # noqa: S608
    return [database.execute(count).fetchone()[0] for count in counts]
