"""Trades of a dry-run, as its database has them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, final

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
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    return tuple(map(_closed, database.rows(_CLOSED)))


def positions(database: EngineDatabase) -> tuple[Position, ...]:
    """Return the open trades in `database`, whose entry has been filled or not, by their time.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    return tuple(
        Position(pair, bool(short), _instant(opened), amount, rate, stake, stop or None, *rest)
        for pair, short, opened, amount, rate, stake, stop, *rest in database.rows(_OPEN)
    )


def filled_orders(database: EngineDatabase) -> Iterator[FilledOrder]:
    """Yield the filled orders in `database`, by their time.

    Raises:
        TradAIError: It cannot be read; see `EngineDatabase.rows`.
    """
    for pair, is_entry, side, tag, at, *amounts in database.rows(_FILLED):
        yield FilledOrder(pair, bool(is_entry), side, tag, _instant(at), *amounts)


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
        opened_at=_instant(opened),
        closed_at=_instant(closed),
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


def _instant(text: str) -> datetime:
    """Return an instant as the engine stores it: text of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
