"""Trades of a backtest as the report lists them, and the figures that need each of them."""

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from tradai.core import TimeRange
from tradai.entrypoint._report.model import TradeRow
from tradai.entrypoint.freqtrade._results.results import TradeRecord, tag_text


def trade_rows(trades: Iterable[TradeRecord]) -> tuple[TradeRow, ...]:
    """Return `trades` by the time of their entry."""
    rows = map(_row, trades)
    return tuple(sorted(rows, key=lambda row: (row.opened_at, row.closed_at, row.pair)))


def fees_paid(trades: Iterable[TradeRecord]) -> float:
    """Return the fees of all filled orders in stake currency."""
    return math.fsum(fee for trade in trades for fee in _fees(trade))


def funding_fees(trades: Iterable[TradeRecord]) -> float:
    """Return the funding fees of all trades in stake currency; below zero they were paid."""
    return math.fsum(map(_funding, trades))


def funded_twice(trades: Iterable[TradeRecord], funded: Mapping[str, Container[int]]) -> int:
    """Return the number of trades of which the engine counts a funding fee twice.

    It does so where an order that neither opens nor closes the trade filled at the time of the fee:
    once with the position before the order, and once with that after it.

    Args:
        trades: Trades of contracts.
        funded: The times of the fees of each pair, in seconds since 1970.
    """
    return sum(any(at in funded[pair] for at in times) for pair, times in map(_changed, trades))


def exposure(rows: Sequence[TradeRow], period: TimeRange) -> float:
    """Return the share of `period` in which at least one trade was open."""
    total, reached = timedelta(0), period.start
    for row in rows:
        start, stop = max(row.opened_at, reached), min(row.closed_at, period.stop)
        if stop > start:
            total, reached = total + (stop - start), stop
    return total / (period.stop - period.start)


def longest_streaks(rows: Iterable[TradeRow]) -> tuple[int, int]:
    """Return the most wins and the most losses in a row, by the time of the exit."""
    closed = sorted(rows, key=lambda row: row.closed_at)
    signs = groupby(closed, key=lambda row: (row.profit_abs > 0) - (row.profit_abs < 0))
    longest = {1: 0, 0: 0, -1: 0}
    for sign, streak in signs:
        longest[sign] = max(longest[sign], sum(1 for _ in streak))
    return longest[1], longest[-1]


def daily_profits(rows: Iterable[TradeRow]) -> dict[date, float]:
    """Return the profit of the trades that closed on each day in UTC, in stake currency."""
    closed = sorted(rows, key=lambda row: row.closed_at)
    days = groupby(closed, key=lambda row: row.closed_at.date())
    return {day: math.fsum(row.profit_abs for row in trades) for day, trades in days}


def _row(trade: Mapping[str, Any]) -> TradeRow:
    return TradeRow(
        pair=trade["pair"],
        is_short=bool(trade.get("is_short")),
        leverage=float(trade.get("leverage") or 1),
        opened_at=_instant(trade["open_timestamp"]),
        closed_at=_instant(trade["close_timestamp"]),
        open_rate=float(trade["open_rate"]),
        close_rate=float(trade["close_rate"]),
        first_stop=_price(trade.get("initial_stop_loss_abs")),
        last_stop=_price(trade.get("stop_loss_abs")),
        profit_abs=float(trade["profit_abs"]),
        profit_ratio=float(trade["profit_ratio"]),
        enter_tag=tag_text(trade.get("enter_tag")),
        exit_reason=tag_text(trade["exit_reason"]),
    )


def _funding(trade: Mapping[str, Any]) -> float:
    # The engine writes none for spot trades.
    return float(trade.get("funding_fees") or 0)


def _fees(trade: Mapping[str, Any]) -> Iterator[float]:
    for order in trade.get("orders") or ():
        if order.get("order_filled_timestamp") is not None:
            rate = trade["fee_open" if order["ft_is_entry"] else "fee_close"]
            yield float(order["amount"]) * float(order["safe_price"]) * float(rate)


def _changed(trade: Mapping[str, Any]) -> tuple[str, list[float]]:
    """Return the pair, and when orders between the first and the last filled, in seconds."""
    filled = [each["order_filled_timestamp"] for each in trade.get("orders") or ()]
    times = sorted(each / 1000 for each in filled if each is not None)
    return str(trade["pair"]), [each for each in times[1:-1] if each > times[0]]


def _price(value: float | None) -> float | None:
    return float(value) if value else None


def _instant(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
