"""Slippage of a dry-run: its fills beside the prices at which a backtest would have filled."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias, final

from tradai.core import DataRepository, Timeframe, backend_for
from tradai.core.exceptions import NotFoundError
from tradai.entrypoint.freqtrade._pages.paper_trades import FilledOrder

METHOD: Final = (
    "A backtest fills an entry, and an exit by signal, at the opening price of the candle after "
    "the signal. A fill of the dry-run is compared with the opening price of the candle in which "
    "its order was placed; plus is worse than the backtest, minus is better. Exits by stop, "
    "return (ROI), force, emergency or liquidation are left out: a backtest fills them inside a "
    "candle, at a price of their own, or never makes them."
)
# The engine's names of exits that no signal makes. Any other tag may be one of the strategy.
_NOT_BY_SIGNAL: Final = frozenset(
    {
        "",
        "emergency_exit",
        "force_exit",
        "liquidation",
        "roi",
        "sold_on_exchange",
        "stop_loss",
        "stoploss_on_exchange",
        "trailing_stop_loss",
    }
)

OpenPrice: TypeAlias = Callable[[str, datetime], float | None]


@final
@dataclass(frozen=True, slots=True)
class Slip:
    """A fill beside the price of a backtest.

    Attributes:
        expected: Opening price of the candle in which the order was placed.
        ratio: Difference as a ratio of `expected`; above 0 it is worse than the backtest.
        cost: Difference for the whole amount, in stake currency.
    """

    order: FilledOrder
    expected: float
    ratio: float
    cost: float


def slips(orders: Iterable[FilledOrder], open_price: OpenPrice) -> list[Slip]:
    """Return those of `orders` that can be compared, each beside the price of a backtest.

    Args:
        orders: Filled orders.
        open_price: Opening price of the candle of a pair at an instant; None where there is none.
    """
    compared = (each for each in orders if each.is_entry or each.tag not in _NOT_BY_SIGNAL)
    priced = ((each, open_price(each.pair, each.ordered_at)) for each in compared)
    return [_slip(order, expected) for order, expected in priced if expected]


def mean_ratio(found: Sequence[Slip]) -> float:
    """Return the mean of the ratios of at least one fill, each with the same weight."""
    return math.fsum(each.ratio for each in found) / len(found)


def recorded_prices(
    data: str, pairs: Iterable[str], timeframe: str, *, start: datetime, end: datetime
) -> OpenPrice:
    """Return the opening prices in the candles at the path or URI `data`.

    Raises:
        ConfigurationError: No backend for the URI is installed.
        StorageError: The candles cannot be read.
        ValidationError: They are no candles.
    """
    candle_s = Timeframe(timeframe).seconds
    candle = timedelta(seconds=candle_s)
    repository: DataRepository = backend_for("tradai.data", data)
    found = {pair: _opens(repository, pair, timeframe, start - candle, end) for pair in pairs}

    def open_price(pair: str, at: datetime) -> float | None:
        times, prices = found.get(pair, ((), ()))
        place = bisect_right(times, at.timestamp()) - 1
        is_inside = place >= 0 and at.timestamp() < times[place] + candle_s
        return prices[place] if is_inside else None

    return open_price


def as_columns(found: Sequence[Slip]) -> Mapping[str, list[str | float]]:
    """Return `found` as columns of plain values."""
    return {
        "pair": [each.order.pair for each in found],
        "side": [each.order.side for each in found],
        "ordered_at": [each.order.ordered_at.isoformat() for each in found],
        "price": [each.order.price for each in found],
        "backtest_price": [each.expected for each in found],
        "ratio": [round(each.ratio, 8) for each in found],
        "cost": [round(each.cost, 8) for each in found],
    }


def _slip(order: FilledOrder, expected: float) -> Slip:
    worse = order.price - expected if order.side == "buy" else expected - order.price
    return Slip(order, expected, worse / expected, worse * order.amount)


def _opens(
    repository: DataRepository, pair: str, timeframe: str, start: datetime, end: datetime
) -> tuple[Sequence[float], Sequence[float]]:
    """Return opening times in seconds and opening prices; none where there are no candles."""
    from tradai.core.frames import read_columns

    try:
        found = read_columns(repository, pair.partition(":")[0], timeframe, start=start, end=end)
    except NotFoundError:
        return (), ()
    return [at / 1000 for at in found.opened.tolist()], found.cells["open"].tolist()
