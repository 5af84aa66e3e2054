"""Compare the books of an account that is traded: open orders, ended ones where in doubt, coins."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from tradai.core.exceptions import NotFoundError
from tradai.entrypoint._live._account.account import Balance, ExchangeOrder
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.reconcile import (
    Position,
    Reconciliation,
    base_of,
    ended_orders,
    holding,
    order_key,
    positions,
    reconcile,
)
from tradai.entrypoint._live._account.traded_account import TradedAccount


def compare_books(
    account: TradedAccount,
    seen: Sequence[ExchangeOrder],
    booked: Sequence[BookedOrder],
    *,
    balances: Mapping[str, Balance] | None = None,
) -> Reconciliation:
    """Compare the orders of the exchange with those of the database, and coins with positions.

    An order that the database has as open and that has ended is no difference: the engine reads it
    by its number when it starts, and books what it did. Here it is read in the same way.

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
    return replace(
        found,
        short=tuple(short),
        positions={pair: amount for pair, amount in left.items() if amount >= account.step(pair)},
    )


def newest_orders(
    account: TradedAccount,
    seen: Sequence[ExchangeOrder],
    booked: Sequence[BookedOrder],
    balances: Mapping[str, Balance],
) -> tuple[ExchangeOrder, ...]:
    """Return `seen` and the orders that the books may differ by, each once.

    Args:
        account: The account.
        seen: Open orders, and those that are known to have ended.
        booked: Orders of the database.
        balances: Balances by currency.
    """
    known = (*seen, *_ended(account, seen, booked))
    held = positions(known, booked, pair_of=account.pair_of, prefix=account.prefix)
    read = (
        order
        for pair in sorted({*account.pairs, *held})
        if account.market(pair) is not None
        for order in _doubtful(account, pair, held.get(pair, Position()), booked, balances)
    )
    return tuple({order_key(order, account.pair_of): order for order in (*known, *read)}.values())


def _ended(
    account: TradedAccount, seen: Sequence[ExchangeOrder], booked: Sequence[BookedOrder]
) -> Iterator[ExchangeOrder]:
    """Read the orders that the database alone has as open; one that does not exist is left out.

    So are those of a pair that the exchange has delisted: it refuses to read them.
    """
    for row in ended_orders(seen, booked, pair_of=account.pair_of):
        if account.market(row.pair) is None:
            continue
        try:
            yield account.client.reads.fetch_order_by_id(row.pair, row.order_id)
        except NotFoundError:
            continue


def _doubtful(
    account: TradedAccount,
    pair: str,
    position: Position,
    booked: Sequence[BookedOrder],
    balances: Mapping[str, Balance],
) -> Sequence[ExchangeOrder]:
    """Read the orders of `pair` that can explain another holding than the position.

    A sale that explains missing coins came after the purchase, maybe in an earlier session: the
    stop of a session closes positions under a name of ours, and the engine books that later.
    """
    # The exchange refuses to name orders of a pair that it has delisted.
    if account.market(pair) is None:
        return ()
    held = holding(balances, pair) - account.other_holdings.get(base_of(pair), Decimal())
    if position.is_short(held):
        first = next(row for row in booked if row.pair == pair and row.trade_is_open)
        return account.client.reads.fetch_orders_from(pair, first.order_id)
    if position.is_exceeded(held, step=account.step(pair)):
        return account.session_orders(pair)
    return ()
