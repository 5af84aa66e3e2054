"""Compare the orders of the exchange with those of the engine's database; nothing is invented."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias, final

from tradai.entrypoint._live._account.account import Balance, ExchangeOrder, OrderStatus
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.order_owner import is_closing, is_ours

OrderKey: TypeAlias = tuple[str, str]
"""Pair and number of an order: exchanges count the orders of each market apart."""

PairOf: TypeAlias = Callable[[ExchangeOrder], str]
"""Names the pair of an order; an order of a market that is not ours keeps the market's name."""

# Fees that are taken from the bought coins, and prices of the database that are floats.
_TOLERANCE: Final = Decimal("0.005")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The differences between exchange and database; every row is one that was compared.

    Attributes:
        lost: Orders of ours that are open or filled, and that the database does not know.
        contradicted: Orders of which the database claims more than the exchange has.
        behind: Orders that went on at the exchange; the engine reads them at its next start.
        strangers: Open orders on our pairs that other clients of the account placed.
        short: Pairs of which the account holds less than the position.
        positions: Amounts of ours that are held, by pair, with the fills that the database has not
            booked yet; less than a step of the market is left out.
    """

    lost: tuple[ExchangeOrder, ...] = ()
    contradicted: tuple[BookedOrder, ...] = ()
    behind: tuple[ExchangeOrder, ...] = ()
    strangers: tuple[ExchangeOrder, ...] = ()
    short: tuple[str, ...] = ()
    positions: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each difference that a person must look at; no session starts with it."""
        return (
            *(f"the database does not know {_named(order)}" for order in self.lost),
            *(
                f"the exchange has less of order {order.order_id} on {order.pair} than the database"
                for order in self.contradicted
            ),
            *(f"the account holds less than the position in {pair}" for pair in self.short),
        )


def reconcile(
    exchange_orders: Iterable[ExchangeOrder],
    database_orders: Iterable[BookedOrder],
    prefix: str,
    *,
    pair_of: PairOf,
    pairs: Collection[str],
) -> Reconciliation:
    """Compare the two.

    Args:
        exchange_orders: All open orders, and those ended ones that were read; the newest state of
            an order comes last.
        database_orders: All orders of the database.
        prefix: Begins the client id of each order of ours.
        pair_of: Names the pair of an exchange's order.
        pairs: Pairs that are traded.
    """
    seen = {order_key(order, pair_of): order for order in exchange_orders}
    booked = {(row.pair, row.order_id): row for row in database_orders}
    unknown = [order for key, order in seen.items() if key not in booked]
    ours = [order for order in unknown if is_ours(order.client_order_id, prefix)]
    return Reconciliation(
        lost=tuple(
            order
            for order in ours
            if _counts(order) and not is_closing(order.client_order_id, prefix)
        ),
        contradicted=tuple(
            row for key, row in booked.items() if _is_contradicted(row, seen.get(key))
        ),
        behind=tuple(order for key, order in seen.items() if _is_behind(booked.get(key), order)),
        strangers=tuple(
            order
            for order in unknown
            if order not in ours and order.status is OrderStatus.OPEN and pair_of(order) in pairs
        ),
    )


def order_key(order: ExchangeOrder, pair_of: PairOf) -> OrderKey:
    """Return what names an order in both books."""
    return pair_of(order), order.order_id


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open position in the base currency of its pair.

    Attributes:
        amount: Fills of purchases less those of sales.
        bought: Fills of purchases: fees that the exchange takes in coins are a part of that.
    """

    amount: Decimal = Decimal()
    bought: Decimal = Decimal()

    def plus(self, order: ExchangeOrder | BookedOrder, filled: Decimal) -> "Position":
        """Return the position after the fills of `order`."""
        if order.side == "buy":
            return Position(amount=self.amount + filled, bought=self.bought + filled)
        return replace(self, amount=self.amount - filled)

    def is_short(self, held: Decimal) -> bool:
        """Return whether `held` is less than the position, by more than fees."""
        return held < self.amount - self.bought * _TOLERANCE

    def is_exceeded(self, held: Decimal, *, step: Decimal) -> bool:
        """Return whether `held` is more than the position, by an amount that can be sold."""
        excess = held - self.amount
        return excess > 0 and excess >= step


def positions(
    exchange_orders: Iterable[ExchangeOrder],
    database_orders: Iterable[BookedOrder],
    *,
    pair_of: PairOf,
    prefix: str = "",
) -> dict[str, Position]:
    """Return the open positions by pair.

    Fills that the exchange shows count before those of the database, and so do those of closings
    under `prefix` that no database has yet.
    """
    database_orders = tuple(database_orders)
    booked = {(row.pair, row.order_id) for row in database_orders}
    seen = {order_key(order, pair_of): order for order in exchange_orders}
    found: dict[str, Position] = {}
    for row in database_orders:
        if row.trade_is_open:
            at_exchange = seen.get((row.pair, row.order_id))
            filled = max(row.filled, at_exchange.filled) if at_exchange else row.filled
            found[row.pair] = found.get(row.pair, Position()).plus(row, filled)
    for key, order in seen.items():
        if key not in booked and is_closing(order.client_order_id, prefix):
            pair = pair_of(order)
            found[pair] = found.get(pair, Position()).plus(order, order.filled)
    return found


def ended_orders(
    exchange_orders: Iterable[ExchangeOrder],
    database_orders: Iterable[BookedOrder],
    *,
    pair_of: PairOf,
) -> tuple[BookedOrder, ...]:
    """Return the open orders of the database that the exchange has not open.

    Args:
        exchange_orders: Open orders, and those of which the last state is known.
        database_orders: Orders of the database.
        pair_of: Names the pair of an exchange's order.
    """
    seen = {order_key(order, pair_of) for order in exchange_orders}
    return tuple(
        row for row in database_orders if row.is_open and (row.pair, row.order_id) not in seen
    )


def holding(balances: Mapping[str, Balance], pair: str) -> Decimal:
    """Return how much of the base currency of `pair` the account has; orders may hold some."""
    balance = balances.get(base_of(pair))
    return balance.free + balance.locked if balance else Decimal()


def _named(order: ExchangeOrder) -> str:
    return (
        f"the {order.status} {order.side} order {order.order_id} on {order.symbol}, "
        f"{order.filled} of {order.amount} filled"
    )


def _counts(order: ExchangeOrder) -> bool:
    """Return whether the order matters: the engine forgets an entry that ended without a fill."""
    return order.status is OrderStatus.OPEN or order.filled > 0


def _is_contradicted(order: BookedOrder, seen: ExchangeOrder | None) -> bool:
    if seen is None:
        return order.is_open
    is_resurrected = not order.is_open and seen.status is OrderStatus.OPEN
    return is_resurrected or order.filled > seen.filled


def _is_behind(booked: BookedOrder | None, order: ExchangeOrder) -> bool:
    if booked is None or _is_contradicted(booked, order):
        return False
    return booked.is_open != (order.status is OrderStatus.OPEN) or booked.filled < order.filled


def base_of(pair: str) -> str:
    """Return the currency that is traded."""
    return pair.partition("/")[0]
