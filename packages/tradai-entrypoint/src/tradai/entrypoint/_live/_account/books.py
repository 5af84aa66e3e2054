"""Compare the books of an account that is traded: open orders, ended ones where in doubt, coins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import final

from tradai.entrypoint._live._account.account import Balance, ExchangeOrder
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.reconcile import (
    Position,
    Reconciliation,
    base_of,
    ended_pairs,
    holding,
    order_key,
    positions,
    reconcile,
)
from tradai.entrypoint._live._account.traded_account import TradedAccount


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedBooks:
    """Exchange and database, compared.

    Attributes:
        reconciliation: Their differences.
        positions: Amounts that are held, by pair; less than a step of the market is left out.
        orders: Orders of the exchange that were compared, each in its newest state.
    """

    reconciliation: Reconciliation
    positions: dict[str, Decimal]
    orders: tuple[ExchangeOrder, ...]


def compare_books(
    account: TradedAccount,
    seen: Sequence[ExchangeOrder],
    booked: Sequence[BookedOrder],
    *,
    balances: Mapping[str, Balance] | None = None,
) -> ComparedBooks:
    """Compare the orders of the exchange with those of the database, and coins with positions.

    It reads the orders of those pairs on which the books may differ.

    Args:
        account: The account.
        seen: All open orders, and those that are known to have ended.
        booked: Orders of the database.
        balances: Balances by currency; by default they are read.

    Raises:
        ExternalServiceError: The exchange did not answer.
        ConfigurationError: It refuses the key.
    """
    balances = account.balances() if balances is None else balances
    orders = newest_orders(account, seen, booked, balances)
    held = positions(orders, booked, pair_of=account.pair_of, prefix=account.prefix)
    left = {pair: min(row.amount, holding(balances, pair)) for pair, row in held.items()}
    short = (pair for pair, row in held.items() if row.is_short(holding(balances, pair)))
    found = reconcile(
        orders,
        booked,
        account.prefix,
        pair_of=account.pair_of,
        pairs=account.pairs,
    )
    return ComparedBooks(
        reconciliation=replace(found, short=tuple(short)),
        positions={pair: amount for pair, amount in left.items() if amount >= account.step(pair)},
        orders=orders,
    )


def newest_orders(
    account: TradedAccount,
    seen: Sequence[ExchangeOrder],
    booked: Sequence[BookedOrder],
    balances: Mapping[str, Balance],
) -> tuple[ExchangeOrder, ...]:
    """Return `seen` and the orders of the pairs on which the books may differ, each once.

    Args:
        account: The account.
        seen: Open orders, and those that are known to have ended.
        booked: Orders of the database.
        balances: Balances by currency.
    """
    pair_of = account.pair_of
    held = positions(seen, booked, pair_of=pair_of, prefix=account.prefix)
    different = {
        pair
        for pair in {*account.pairs, *held}
        if held.get(pair, Position()).differs(
            holding(balances, pair), other=account.other_holdings.get(base_of(pair), Decimal())
        )
    }
    doubtful = different | ended_pairs(seen, booked, pair_of=pair_of)
    # The exchange refuses to list orders of a pair that it has delisted.
    listed = (pair for pair in sorted(doubtful) if account.market(pair) is not None)
    read = (order for pair in listed for order in account.ended_orders(pair))
    return tuple({order_key(order, pair_of): order for order in (*seen, *read)}.values())
