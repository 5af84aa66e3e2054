"""The comparison of the exchange with the database: it names differences, and invents nothing.

A private part: no command uses it before LIVE is permitted.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given, strategies as st
from scripted_stop import booked
from scripted_venue import PREFIX, pair_of

from tradai.entrypoint._live._account.account import ExchangeOrder, OrderStatus
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.reconcile import Reconciliation, positions, reconcile

PAIRS: Final = ("BTC/USDT", "ETH/USDT")
AMOUNTS: Final = st.integers(0, 3).map(Decimal)


@st.composite
def exchange_orders(draw: st.DrawFn) -> list[ExchangeOrder]:
    return [
        ExchangeOrder(
            symbol=draw(st.sampled_from(["BTCUSDT", "ETHUSDT", "DOGEUSDT"])),
            order_id=str(number),
            client_order_id=draw(st.sampled_from([f"{PREFIX}{number}", f"web{number}"])),
            side=draw(st.sampled_from(["buy", "sell"])),
            status=draw(st.sampled_from(OrderStatus)),
            amount=Decimal(3),
            filled=draw(AMOUNTS),
            value=Decimal(0),
            price=Decimal(1),
            stop_price=None,
        )
        for number in range(draw(st.integers(0, 6)))
    ]


@st.composite
def both_books(draw: st.DrawFn) -> tuple[list[ExchangeOrder], list[BookedOrder]]:
    """Orders of an exchange, and a database that may lack some, be late, or claim too much."""
    orders = draw(exchange_orders())
    kept = [order for order in orders if draw(st.booleans())]
    rows = [booked(order, is_open=draw(st.booleans()), filled=draw(AMOUNTS)) for order in kept]
    ghosts = [replace(row, order_id=f"ghost{row.order_id}") for row in rows if draw(st.booleans())]
    return orders, rows + ghosts


def compare(orders: list[ExchangeOrder], rows: list[BookedOrder]) -> Reconciliation:
    return reconcile(orders, rows, PREFIX, pair_of=pair_of, pairs=PAIRS)


@given(orders=exchange_orders())
def test_books_that_say_the_same_have_no_difference_but_orders_of_others(
    orders: list[ExchangeOrder],
) -> None:
    rows = [booked(order) for order in orders if order.client_order_id.startswith(PREFIX)]

    found = compare(orders, rows)

    assert found.problems == ()
    assert not found.behind
    for order in found.strangers:
        assert not order.client_order_id.startswith(PREFIX)
        assert order.status is OrderStatus.OPEN


@given(books=both_books())
def test_every_difference_is_a_row_of_one_of_the_books(
    books: tuple[list[ExchangeOrder], list[BookedOrder]],
) -> None:
    orders, rows = books

    found = compare(orders, rows)

    assert {*found.lost, *found.behind, *found.strangers} <= {*orders}
    assert {*found.contradicted} <= {*rows}


@given(books=both_books())
def test_an_order_of_ours_that_matters_is_booked_or_named_as_lost(
    books: tuple[list[ExchangeOrder], list[BookedOrder]],
) -> None:
    orders, rows = books
    known = {(row.pair, row.order_id) for row in rows}

    lost = compare(orders, rows).lost

    for order in orders:
        is_ours = order.client_order_id.startswith(PREFIX)
        matters = order.status is OrderStatus.OPEN or order.filled > 0
        is_booked = (pair_of(order), order.order_id) in known
        assert (order in lost) == (is_ours and matters and not is_booked)


@given(books=both_books())
def test_a_database_that_claims_more_than_the_exchange_is_contradicted(
    books: tuple[list[ExchangeOrder], list[BookedOrder]],
) -> None:
    orders, rows = books
    seen = {(pair_of(order), order.order_id): order for order in orders}

    found = compare(orders, rows)

    for row in rows:
        order = seen.get((row.pair, row.order_id))
        claims_more = (
            row.is_open
            if order is None
            else row.filled > order.filled or (order.status is OrderStatus.OPEN and not row.is_open)
        )
        assert (row in found.contradicted) == claims_more


def test_an_open_order_of_another_client_refuses_a_start_and_not_a_stop() -> None:
    order = ExchangeOrder(
        symbol="BTCUSDT",
        order_id="1",
        client_order_id="web_1",
        side="buy",
        status=OrderStatus.OPEN,
        amount=Decimal(1),
        filled=Decimal(0),
        value=Decimal(0),
        price=Decimal(1),
        stop_price=None,
    )

    found = compare([order], [])

    assert found.problems == ()
    assert found.strangers == (order,)


@pytest.mark.parametrize(("side", "amount"), [("buy", 2), ("sell", -2)])
def test_a_position_counts_the_newest_fills_of_open_trades_alone(side: str, amount: int) -> None:
    order = ExchangeOrder(
        symbol="BTCUSDT",
        order_id="1",
        client_order_id=f"{PREFIX}1",
        side="buy" if side == "buy" else "sell",
        status=OrderStatus.FILLED,
        amount=Decimal(2),
        filled=Decimal(2),
        value=Decimal(0),
        price=Decimal(1),
        stop_price=None,
    )
    late = booked(order, filled=Decimal(1))
    closed = replace(late, order_id="2", trade_is_open=False)

    found = positions([order], [late, closed], pair_of=pair_of)

    assert {pair: held.amount for pair, held in found.items()} == {"BTC/USDT": Decimal(amount)}
