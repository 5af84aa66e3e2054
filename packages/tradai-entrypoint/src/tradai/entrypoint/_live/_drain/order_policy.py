"""Treat open orders and positions as the approval says; only orders of ours are touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import final

from tradai.core import Market
from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import Balance, ExchangeOrder, NewOrder
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.order_owner import new_closing_id
from tradai.entrypoint._live._account.reconcile import holding, positions
from tradai.entrypoint._live._account.traded_account import TradedAccount
from tradai.entrypoint._live._drain.order_changes import OrderChanges


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOutcome:
    """The effects of an order policy.

    Attributes:
        ended: Last states of orders that were cancelled, or had ended before.
        closings: Orders that close positions.
    """

    ended: tuple[ExchangeOrder, ...] = ()
    closings: tuple[ExchangeOrder, ...] = ()


def is_ended_by(policy: OrderPolicy, order: ExchangeOrder) -> bool:
    """Return whether `policy` cancels `order`."""
    match policy:
        case OrderPolicy.KEEP:
            return False
        case OrderPolicy.CANCEL_ENTRIES:
            return order.is_entry
        case OrderPolicy.CANCEL_ALL | OrderPolicy.FLATTEN:
            return not order.is_stop


@final
class OrderPolicyRun:
    """One run of an order policy."""

    def __init__(self, account: TradedAccount, changes: OrderChanges) -> None:
        """Treat orders of `account` by `changes`."""
        self._account = account
        self._changes = changes

    def cancel(self, policy: OrderPolicy, orders: Sequence[ExchangeOrder]) -> PolicyOutcome:
        """Cancel those of the open `orders` that `policy` does not keep; stops stay."""
        doomed = [
            order for order in orders if self._account.owns(order) and is_ended_by(policy, order)
        ]
        ended = (self._changes.cancel(order) for order in doomed)
        return PolicyOutcome(ended=tuple(order for order in ended if order is not None))

    def flatten(
        self,
        orders: Sequence[ExchangeOrder],
        booked: Sequence[BookedOrder],
        balances: Mapping[str, Balance],
    ) -> PolicyOutcome:
        """Close every position at the market's price.

        A stop is cancelled only when the order that closes its position is ready to be sent.

        Args:
            orders: Orders of the exchange, in their newest state.
            booked: Orders of the database.
            balances: Balances of the account.
        """
        held = positions(orders, booked, pair_of=self._account.pair_of, prefix=self._account.prefix)
        ended: list[ExchangeOrder] = []
        closings: list[ExchangeOrder] = []
        for pair, position in held.items():
            stops = [order for order in orders if self._is_stop_of(pair, order)]
            sellable = min(position.amount, holding(balances, pair))
            done = self._close(pair, sellable, stops)
            ended += done.ended
            closings += done.closings
        return PolicyOutcome(ended=tuple(ended), closings=tuple(closings))

    def _is_stop_of(self, pair: str, order: ExchangeOrder) -> bool:
        is_of_pair = self._account.pair_of(order) == pair and self._account.owns(order)
        return is_of_pair and order.status == "open" and order.is_stop

    def _close(self, pair: str, amount: Decimal, stops: Sequence[ExchangeOrder]) -> PolicyOutcome:
        market = self._account.market(pair)
        closing = self._closing_order(pair, amount, market)
        if closing is None or market is None or _is_too_small(closing, stops, market):
            return PolicyOutcome()
        ended: list[ExchangeOrder] = []
        for stop in stops:
            last = self._changes.cancel(stop)
            if last is None:
                # Its coins are not free, and it goes on protecting them.
                return PolicyOutcome(ended=tuple(ended))
            ended.append(last)
            amount -= last.filled - stop.filled
        closing = self._closing_order(pair, amount, market)
        placed = self._changes.place(closing) if closing else None
        return PolicyOutcome(ended=tuple(ended), closings=(placed,) if placed else ())

    def _closing_order(self, pair: str, amount: Decimal, market: Market | None) -> NewOrder | None:
        """Return the order that sells `amount`; None when it is less than a step."""
        if market is None:
            self._changes.problems.append(f"the market of {pair} is not known: its position stays")
            return None
        step = market.step
        whole = (amount / step).to_integral_value(ROUND_DOWN) * step
        if whole <= 0:
            return None
        name = new_closing_id(self._account.prefix)
        return NewOrder(pair=pair, side="sell", amount=whole, client_order_id=name)


def _is_too_small(closing: NewOrder, stops: Sequence[ExchangeOrder], market: Market) -> bool:
    """Return whether the exchange would refuse the order, by the price of the stop below it."""
    if closing.amount < (market.min_amount or 0):
        return True
    prices = [stop.stop_price for stop in stops if stop.stop_price is not None]
    return any(closing.amount * price < (market.min_notional or 0) for price in prices)
