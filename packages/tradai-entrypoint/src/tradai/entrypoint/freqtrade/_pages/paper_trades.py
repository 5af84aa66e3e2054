"""Trades of a dry-run, as its database has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, final

from tradai.core.exceptions import StorageError
from tradai.entrypoint._report.model import TradeRow
from tradai.entrypoint.freqtrade._results.database import EngineDatabase
from tradai.entrypoint.freqtrade._results.statistics import ClosedTrade

# The engine's own names (freqtrade 2026.9). What partial exits have made is in `realized_profit`.
_CLOSED: Final = """
    SELECT pair, is_short, open_date, close_date, open_rate, close_rate, initial_stop_loss,
           stop_loss, coalesce(realized_profit, close_profit_abs, 0), coalesce(close_profit, 0),
           coalesce(enter_tag, ''), coalesce(exit_reason, ''), coalesce(leverage, 1)
    FROM trades WHERE NOT is_open AND close_date IS NOT NULL ORDER BY open_date, id
"""
_OPEN: Final = """
    SELECT pair, is_short, open_date, amount, open_rate, stake_amount, stop_loss,
           coalesce(realized_profit, 0), coalesce(enter_tag, '')
    FROM trades WHERE is_open ORDER BY open_date, id
"""
_FILLED: Final = """
    SELECT ft_pair, ft_order_side = CASE WHEN is_short THEN 'sell' ELSE 'buy' END,
           ft_order_side, coalesce(ft_order_tag, ''), order_date, average, orders.filled
    FROM orders JOIN trades ON trades.id = ft_trade_id
    WHERE orders.filled > 0 AND average > 0 AND order_date IS NOT NULL
    ORDER BY order_date, orders.id
"""
# The columns of the queries that hold dates and numbers, by their place in a row. SQLite keeps
# text in a column of numbers, as another program may have written it.
_CLOSED_DATES: Final = {2: "open_date", 3: "close_date"}
_CLOSED_NUMBERS: Final = {
    4: "open_rate",
    5: "close_rate",
    6: "initial_stop_loss",
    7: "stop_loss",
    8: "realized_profit",
    9: "close_profit",
    12: "leverage",
}
_OPEN_DATES: Final = {2: "open_date"}
_OPEN_NUMBERS: Final = {
    3: "amount",
    4: "open_rate",
    5: "stake_amount",
    6: "stop_loss",
    7: "realized_profit",
}
_FILLED_DATES: Final = {4: "order_date"}
_FILLED_NUMBERS: Final = {5: "average", 6: "filled"}


@final
@dataclass(frozen=True, slots=True)
class Position:
    """A position that is still open, or an entry that waits to be filled.

    Attributes:
        amount: Amount that was bought; 0 of an entry that waits.
        stake: Its cost, in stake currency.
        stop: Price of its stop; None without one.
        realized: Profit of its partial exits, in stake currency.
    """

    pair: str
    is_short: bool
    opened_at: datetime
    amount: float
    open_rate: float
    stake: float
    stop: float | None
    realized: float
    enter_tag: str

    @property
    def is_filled(self) -> bool:
        """Whether some of its entry was filled."""
        return self.amount != 0


@final
@dataclass(frozen=True, slots=True)
class FilledOrder:
    """An order that was filled, at least in part.

    Attributes:
        tag: Entry tag, or the reason of the exit.
        price: Mean price of what was filled.
        amount: Amount that was filled.
    """

    pair: str
    is_entry: bool
    side: str
    tag: str
    ordered_at: datetime
    price: float
    amount: float


def closed_trades(database: EngineDatabase) -> tuple[TradeRow, ...]:
    """Return the closed trades in `database`, by the time of their entry.

    Raises:
        TradAIError: It cannot be read, or has text as a number; see `EngineDatabase.rows`.
    """
    return tuple(map(_closed, _rows(database, _CLOSED, _CLOSED_DATES, _CLOSED_NUMBERS)))


def positions(database: EngineDatabase) -> tuple[Position, ...]:
    """Return the open trades in `database`, whose entry has been filled or not, by their time.

    Raises:
        TradAIError: It cannot be read, or has text as a number; see `EngineDatabase.rows`.
    """
    rows = _rows(database, _OPEN, _OPEN_DATES, _OPEN_NUMBERS)
    return tuple(
        Position(pair, bool(short), opened, amount, rate, stake, stop or None, *rest)
        for pair, short, opened, amount, rate, stake, stop, *rest in rows
    )


def filled_orders(database: EngineDatabase) -> Iterator[FilledOrder]:
    """Yield the filled orders in `database`, by their time.

    Raises:
        TradAIError: It cannot be read, or has text as a number; see `EngineDatabase.rows`.
    """
    rows = _rows(database, _FILLED, _FILLED_DATES, _FILLED_NUMBERS)
    for pair, is_entry, side, tag, at, *amounts in rows:
        yield FilledOrder(pair, bool(is_entry), side, tag, at, *amounts)


def figures_of(trade: TradeRow) -> ClosedTrade:
    """Return the part of `trade` that the figures need."""
    return ClosedTrade(
        pair=trade.pair,
        closed_at=trade.closed_at,
        profit_abs=trade.profit_abs,
        exit_reason=trade.exit_reason,
        duration=trade.closed_at - trade.opened_at,
        enter_tag=trade.enter_tag,
    )


def _closed(row: tuple[Any, ...]) -> TradeRow:
    pair, is_short, opened, closed, open_rate, close_rate, *others = row
    first_stop, last_stop, profit_abs, profit_ratio, enter_tag, exit_reason, leverage = others
    return TradeRow(
        pair=pair,
        is_short=bool(is_short),
        opened_at=opened,
        closed_at=closed,
        open_rate=float(open_rate),
        close_rate=float(close_rate or open_rate),
        first_stop=first_stop or None,
        last_stop=last_stop or None,
        profit_abs=float(profit_abs),
        profit_ratio=float(profit_ratio),
        enter_tag=enter_tag,
        exit_reason=exit_reason,
        leverage=float(leverage),
    )


def _rows(
    database: EngineDatabase,
    query: LiteralString,
    dates: Mapping[int, str],
    numbers: Mapping[int, str],
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of `query`, whose columns hold what they should; dates become instants."""
    for row in database.rows(query):
        cells = list(row)
        for place, column in numbers.items():
            if isinstance(cells[place], str | bytes):
                raise _unreadable(database, column, "a number")
        for place, column in dates.items():
            try:
                # The engine stores text of UTC.
                cells[place] = datetime.fromisoformat(cells[place]).replace(tzinfo=UTC)
            except (TypeError, ValueError) as exc:
                raise _unreadable(database, column, "a date") from exc
        yield tuple(cells)


def _unreadable(database: EngineDatabase, column: str, expected: str) -> StorageError:
    message = (
        f"{database} has a trade or an order whose {column} is not {expected}: another program has "
        "changed it; put an unchanged copy there, or mend the row with sqlite3"
    )
    return StorageError(message, operation="read trades")
