"""Figures of a backtest, computed from its closed trades.

The engine's own final balance and CAGR can be wrong: positions it closes at the very end may be
missing from the balance, and it counts whole days only. Both are computed here again. Everything
is a float because the engine computes in floats.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, final

__all__ = ["ClosedTrade", "Drawdown", "EquityPoint", "Period", "Summary", "Tally", "summarize"]

_DAY: Final = timedelta(days=1)
_YEAR: Final = timedelta(days=365)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """What the figures need of a trade; `profit_abs` is in stake currency, fees included."""

    pair: str
    closed_at: datetime
    profit_abs: float
    exit_reason: str
    duration: timedelta


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time a backtest covers: from the open of its first candle to the close of its last."""

    start: datetime
    stop: datetime


@final
@dataclass(frozen=True, slots=True)
class EquityPoint:
    """The balance once every trade closing at this instant is closed; open ones count nothing."""

    at: datetime
    balance: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """A fall of the closed-trade balance from its highest point before.

    Attributes:
        absolute: The fall in stake currency.
        ratio: The fall as a part of the balance at the peak.
        peak_at: When the balance was highest; the start of the period when no trade raised it.
        trough_at: When it was lowest.
    """

    absolute: float
    ratio: float
    peak_at: datetime
    trough_at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Figures of some of the trades, such as those of one pair.

    Attributes:
        name: What the trades share.
        profit_abs: Sum of their profits in stake currency.
        profit_ratio: That sum as a part of the starting balance.
        winrate: Part of the trades that won; None without trades.
        profit_factor: What the winners won over what the losers lost; None without losers.
        expectancy: Mean profit of a trade in stake currency; None without trades.
        mean_duration_s: Mean time a trade was open; None without trades.
    """

    name: str
    trades: int
    wins: int
    draws: int
    losses: int
    profit_abs: float
    profit_ratio: float
    winrate: float | None
    profit_factor: float | None
    expectancy: float | None
    mean_duration_s: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Figures of a backtest.

    Attributes:
        final_balance: Starting balance plus the profit of every trade.
        cagr: Yearly growth of the balance; None over less than a day, and beyond all numbers.
        max_drawdown: The largest fall in stake currency; None when the balance never fell.
        max_underwater_ratio: The largest fall as a part of the balance at its peak.
        equity: The balance from the start on, one point per closing instant.
    """

    period: Period
    starting_balance: float
    final_balance: float
    cagr: float | None
    max_drawdown: Drawdown | None
    max_underwater_ratio: float
    total: Tally
    per_pair: tuple[Tally, ...]
    per_exit_reason: tuple[Tally, ...]
    equity: tuple[EquityPoint, ...]


def summarize(
    trades: Sequence[ClosedTrade],
    *,
    starting_balance: float,
    period: Period,
    pairs: Iterable[str] = (),
) -> Summary:
    """Compute the figures of `trades`.

    Args:
        trades: Closed trades in any order.
        starting_balance: Balance before the first trade, in stake currency.
        period: Time the backtest covers.
        pairs: Pairs to list even when nothing was traded on them.
    """
    equity = _equity(trades, starting_balance, period.start)
    drawdowns = _drawdowns(equity)
    final_balance = equity[-1].balance
    return Summary(
        period=period,
        starting_balance=starting_balance,
        final_balance=final_balance,
        cagr=_cagr(starting_balance, final_balance, period),
        max_drawdown=max(drawdowns, key=lambda fall: fall.absolute, default=None),
        max_underwater_ratio=max((fall.ratio for fall in drawdowns), default=0.0),
        total=_tally("total", trades, starting_balance),
        per_pair=_tallies(trades, starting_balance, lambda trade: trade.pair, known=pairs),
        per_exit_reason=_tallies(trades, starting_balance, lambda trade: trade.exit_reason),
        equity=equity,
    )


def _equity(
    trades: Iterable[ClosedTrade], starting_balance: float, start: datetime
) -> tuple[EquityPoint, ...]:
    points = [EquityPoint(start, starting_balance)]
    in_time = sorted(trades, key=lambda trade: trade.closed_at)
    for instant, closing in groupby(in_time, key=lambda trade: trade.closed_at):
        profit = math.fsum(trade.profit_abs for trade in closing)
        points.append(EquityPoint(instant, points[-1].balance + profit))
    return tuple(points)


def _drawdowns(equity: Sequence[EquityPoint]) -> list[Drawdown]:
    """Return the fall at each point below an earlier one."""
    falls = []
    peak = equity[0]
    for point in equity:
        fall = peak.balance - point.balance
        if fall < 0:
            peak = point
        elif fall > 0:
            ratio = fall / peak.balance
            falls.append(Drawdown(absolute=fall, ratio=ratio, peak_at=peak.at, trough_at=point.at))
    return falls


def _cagr(starting_balance: float, final_balance: float, period: Period) -> float | None:
    time = period.stop - period.start
    if time < _DAY or final_balance < 0:
        return None
    try:
        return math.pow(final_balance / starting_balance, _YEAR / time) - 1
    except OverflowError:
        return None


def _tallies(
    trades: Iterable[ClosedTrade],
    starting_balance: float,
    name_of: Callable[[ClosedTrade], str],
    known: Iterable[str] = (),
) -> tuple[Tally, ...]:
    groups: dict[str, list[ClosedTrade]] = {name: [] for name in known}
    for trade in trades:
        groups.setdefault(name_of(trade), []).append(trade)
    return tuple(_tally(name, groups[name], starting_balance) for name in sorted(groups))


def _tally(name: str, trades: Sequence[ClosedTrade], starting_balance: float) -> Tally:
    profits = [trade.profit_abs for trade in trades]
    won = [profit for profit in profits if profit > 0]
    lost = [profit for profit in profits if profit < 0]
    profit_abs = math.fsum(profits)
    count = len(profits)
    duration_s = math.fsum(trade.duration.total_seconds() for trade in trades)
    return Tally(
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
