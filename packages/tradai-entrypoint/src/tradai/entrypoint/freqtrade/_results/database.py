"""The engine's trade database: its trades and orders, wherever it is kept."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final, LiteralString, Protocol

from tradai.core import JsonValue
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.reconcile import OrderKey
from tradai.entrypoint._live.postgres_schema import PostgresSchema
from tradai.entrypoint.freqtrade._results.postgres import PostgresDatabase
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile

# The engine's own names (freqtrade 2026.9).
_ENTRY_ORDERS: Final = "SELECT ft_pair, order_id FROM orders WHERE ft_order_side = 'buy'"
# An entry that waits to be filled is no open trade yet.
_TRADES: Final = """
    SELECT is_open, count(*), sum(coalesce(realized_profit, 0)) FROM trades
    WHERE amount <> 0 OR NOT is_open GROUP BY 1
"""
_COUNT: Final = "SELECT count(*) FROM trades"
_ORDERS: Final = """
    SELECT ft_pair, order_id, ft_trade_id, ft_order_side, ft_is_open, coalesce(filled, 0),
           coalesce(trades.is_open, false)
    FROM orders LEFT JOIN trades ON trades.id = ft_trade_id ORDER BY orders.id
"""
_EXIT_ORDERS: Final = "SELECT count(*) FROM orders WHERE ft_order_side <> 'buy'"
_FUNDS: Final = """
    SELECT coalesce(sum(CASE WHEN is_open THEN amount * open_rate END), 0)
           - coalesce(sum(realized_profit), 0) FROM trades
"""
_STRATEGIES: Final = "SELECT DISTINCT coalesce(strategy, 'an unknown strategy') FROM trades"
_STOP: Final = "stoploss"


class EngineDatabase(Protocol):
    """A trade database of the engine, which may have it open; its text is its URL."""

    @property
    def url(self) -> str:
        """Its URL without user and password."""

    def engine_url(self) -> str:
        """Return its URL for the engine, with user and password: for standard input alone."""

    def check(self) -> None:
        """Check that the engine could trade with it; nothing is changed.

        Raises:
            ConfigurationError: Its driver is not installed, the login is refused, or the role may
                not write.
            TradingError: It has the trades of another account or strategy.
            ExternalServiceError: It cannot be reached.
        """

    def prepare(self) -> None:
        """Make the place of the database where it does not exist, after `check`.

        Raises:
            TradAIError: See `check`; a disk may refuse as well.
        """

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return the rows of `query`; none when the engine has not made its tables yet.

        Raises:
            ExternalServiceError: It cannot be read.
            ConfigurationError: Its driver is not installed, or the login is refused.
        """

    def copy_to(self, target: Path) -> bool:
        """Copy it into an SQLite file, and return whether there was anything to copy.

        Raises:
            ExternalServiceError: It cannot be copied; nothing is left of the copy.
            ConfigurationError: Its driver is not installed, or the login is refused.
        """


def database_at(place: Path | PostgresSchema) -> EngineDatabase:
    """Return the database at `place`, which need not exist yet."""
    return SqliteFile(place) if isinstance(place, Path) else PostgresDatabase(place)


def entry_orders(database: EngineDatabase) -> set[OrderKey]:
    """Return the entry orders in `database`; none when it does not exist.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    return {(pair, str(order_id)) for pair, order_id in database.rows(_ENTRY_ORDERS)}


def count_exit_orders(database: EngineDatabase) -> int:
    """Return the number of orders in `database` that close a position; 0 without a database.

    The engine removes none of them.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    return sum(row[0] for row in database.rows(_EXIT_ORDERS))


def funds_in_trades(database: EngineDatabase) -> Decimal:
    """Return the cost of the open positions in `database`, less the profit that was realized.

    The stake currency of the account and this are the funds before any profit.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    return sum((Decimal(str(row[0])) for row in database.rows(_FUNDS)), start=Decimal())


def booked_orders(database: EngineDatabase) -> tuple[BookedOrder, ...]:
    """Return all orders in `database`, which the engine may have open; none without a database.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    return tuple(_booked(*row) for row in database.rows(_ORDERS))


def traded_strategies(database: EngineDatabase) -> set[str]:
    """Return the classes of the strategies that have traded in `database`.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    return {str(row[0]) for row in database.rows(_STRATEGIES)}


def has_tables(database: EngineDatabase) -> bool:
    """Return whether the engine has made its tables in `database`.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    return bool(database.rows(_COUNT))


def trade_figures(database: EngineDatabase, currency: str) -> dict[str, JsonValue]:
    """Return the numbers of trades in `database`, and their realized profit in `currency`.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    rows = {bool(row[0]): row[1:] for row in database.rows(_TRADES)}
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
