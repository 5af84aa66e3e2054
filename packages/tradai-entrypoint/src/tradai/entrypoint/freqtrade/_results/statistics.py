"""Compute the figures of a backtest from its closed trades.

The engine's own final balance and CAGR can be wrong: positions it closes at the very end may be
missing from the balance, and it counts whole days only. Both are computed here again. Everything
is a float because the engine computes in floats.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, groupby
from typing import Final, final

from tradai.core import TimeRange
from tradai.entrypoint._report.model import BalancePoint, TradeStats

_DAY: Final = timedelta(days=1)
_YEAR: Final = timedelta(days=365)
# Of a mean and a deviation: where all returns are equal, the deviation is that of rounding.
_LARGEST_RATIO: Final = 1e9


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """The part of a trade that the figures need.

    Attributes:
        profit_abs: In stake currency, fees included.
        duration: Time the trade was open.
    """

    pair: str
    closed_at: datetime
    profit_abs: float
    exit_reason: str
    duration: timedelta
    enter_tag: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Figures of a backtest.

    Attributes:
        period: From the open of the first candle to the close of the last one.
        final_balance: Starting balance plus the profit of every trade.
        cagr: Yearly growth of the balance; None over less than a day, and where it is not a number.
        max_drawdown: The largest fall of the balance, as a ratio of its highest value before; 0
            when it never fell.
        balance: The balance from the start on, one point per closing instant; open trades do not
            count.
    """

    period: TimeRange
    starting_balance: float
    final_balance: float
    cagr: float | None
    max_drawdown: float
    total: TradeStats
    per_pair: tuple[TradeStats, ...]
    per_entry_tag: tuple[TradeStats, ...]
    per_exit_reason: tuple[TradeStats, ...]
    balance: tuple[BalancePoint, ...]


def known_ratio(ratio: float) -> float | None:
    """Return a ratio of a mean to a deviation; None where it is made of rounding errors."""
    return ratio if abs(ratio) < _LARGEST_RATIO else None


def summarize(
    trades: Sequence[ClosedTrade],
    *,
    starting_balance: float,
    period: TimeRange,
    pairs: Iterable[str] = (),
) -> Summary:
    """Compute the figures of `trades`.

    Args:
        trades: Closed trades in any order.
        starting_balance: Balance before the first trade, in stake currency.
        period: Time the backtest covers.
        pairs: Pairs to list even when nothing was traded on them.
    """
    balances = list(_balances(trades, starting_balance, period.start))
    drawdowns = list(_drawdowns([balance for _, balance in balances]))
    final_balance = balances[-1][1]
    return Summary(
        period=period,
        starting_balance=starting_balance,
        final_balance=final_balance,
        cagr=_cagr(starting_balance, final_balance, period),
        max_drawdown=max(drawdowns),
        total=_trade_stats("total", trades, starting_balance),
        per_pair=_grouped(trades, starting_balance, lambda trade: trade.pair, known=pairs),
        per_entry_tag=_grouped(trades, starting_balance, lambda trade: trade.enter_tag),
        per_exit_reason=_grouped(trades, starting_balance, lambda trade: trade.exit_reason),
        balance=tuple(
            BalancePoint(at, balance, drawdown)
            for (at, balance), drawdown in zip(balances, drawdowns, strict=True)
        ),
    )


def _balances(
    trades: Iterable[ClosedTrade], starting_balance: float, start: datetime
) -> Iterator[tuple[datetime, float]]:
    balance = starting_balance
    yield start, balance
    in_time = sorted(trades, key=lambda trade: trade.closed_at)
    # Trades that close together are one step, so that their order cannot make a drawdown.
    for instant, closing in groupby(in_time, key=lambda trade: trade.closed_at):
        balance += math.fsum(trade.profit_abs for trade in closing)
        yield instant, balance


def _drawdowns(balances: Sequence[float]) -> Iterator[float]:
    """Yield the fall from the highest balance so far, as a ratio of it; 0 at a new high."""
    for balance, peak in zip(balances, accumulate(balances, max), strict=True):
        yield (peak - balance) / peak


def _cagr(starting_balance: float, final_balance: float, period: TimeRange) -> float | None:
    time = period.stop - period.start
    if time < _DAY or final_balance < 0:
        return None
    try:
        return math.pow(final_balance / starting_balance, _YEAR / time) - 1
    except OverflowError:
        return None


def _grouped(
    trades: Iterable[ClosedTrade],
    starting_balance: float,
    name_of: Callable[[ClosedTrade], str],
    known: Iterable[str] = (),
) -> tuple[TradeStats, ...]:
    groups: dict[str, list[ClosedTrade]] = {name: [] for name in known}
    for trade in trades:
        groups.setdefault(name_of(trade), []).append(trade)
    return tuple(_trade_stats(name, groups[name], starting_balance) for name in sorted(groups))


def _trade_stats(name: str, trades: Sequence[ClosedTrade], starting_balance: float) -> TradeStats:
    profits = [trade.profit_abs for trade in trades]
    won = [profit for profit in profits if profit > 0]
    lost = [profit for profit in profits if profit < 0]
    profit_abs = math.fsum(profits)
    count = len(profits)
    duration_s = math.fsum(trade.duration.total_seconds() for trade in trades)
    return TradeStats(
        name=name,
        trades=count,
        wins=len(won),
        draws=count - len(won) - len(lost),
        losses=len(lost),
        profit_abs=profit_abs,
        profit_ratio=profit_abs / starting_balance,
        winrate=len(won) / count if count else None,
        profit_factor=math.fsum(won) / -math.fsum(lost) if lost else None,
        expectancy=profit_abs / count if count else None,
        mean_duration_s=duration_s / count if count else None,
    )
