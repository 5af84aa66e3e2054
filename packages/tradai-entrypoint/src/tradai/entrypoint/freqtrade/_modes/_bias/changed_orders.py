"""Orders of a trade that is computed again without the candles after it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

_ORDER: Final = ("order_filled_timestamp", "ft_is_entry", "amount", "safe_price")

Trade = Mapping[str, Any]


def has_other_orders(trade: Trade, at_entry: Iterable[Trade], at_exit: Iterable[Trade]) -> bool:
    """Return whether a trade gets another stake, price, leverage or order.

    One that is not made again at all is none with other orders.

    Args:
        trade: Trade of the whole time range, as the engine's results have it.
        at_entry: Trades of the backtest that ends after its entry.
        at_exit: Trades of the backtest that ends after its exit.
    """
    entered, left = same_trade(trade, at_entry), same_trade(trade, at_exit)
    if left is not None and left["close_date"] != trade["close_date"]:
        # Another exit, which the engine counts.
        left = None
    return any(
        again is not None and _facts(again, count) != _facts(trade, count)
        # The backtest that ends after the entry closes the trade there.
        for again, count in ((entered, 1), (left, None))
    )


def same_trade(trade: Trade, among: Iterable[Trade]) -> Trade | None:
    """Return the trade of the same pair and entry; None without one."""
    key = trade["pair"], trade["open_date"]
    return next((each for each in among if (each["pair"], each["open_date"]) == key), None)


def _facts(trade: Trade, count: int | None) -> tuple[object, ...]:
    orders = trade["orders"][:count]
    return trade["leverage"], *(tuple(order[name] for name in _ORDER) for order in orders)
