"""The real engine trades live on the loopback exchange: its books are those of the exchange."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from engine.live_engine import PREFIX, LiveEngine, live_engine
from engine.venue.control import Venue
from engine.venue.faults import Fault
from engine.venue.keys import TRADER

INTERRUPTED: Final = 130
# In the engine's words; it forgets an entry that was cancelled before a part of it was filled.
STATUSES: Final = {"NEW": "open", "PARTIALLY_FILLED": "open", "FILLED": "closed"}


@pytest.fixture
def start_engine(
    venue: Venue, engine_bin: Path, environ: Mapping[str, str], tmp_path: Path
) -> Iterator[Callable[[], LiveEngine]]:
    """Start the engine, which ends with the test."""
    with ExitStack() as started:
        yield lambda: started.enter_context(
            live_engine(
                venue.url,
                TRADER,
                strategy="RoundTrips",
                engine_bin=engine_bin,
                environ=environ,
                folder=tmp_path,
            )
        )


def test_the_engine_buys_sells_and_cancels_and_books_all_that_the_exchange_did(
    venue: Venue, start_engine: Callable[[], LiveEngine]
) -> None:
    def outcomes() -> set[tuple[str, str, str]]:
        return {(row["symbol"], row["side"], row["status"]) for row in venue.orders()}

    wanted = {
        ("BTCUSDT", "BUY", "FILLED"),
        ("BTCUSDT", "SELL", "FILLED"),
        ("ETHUSDT", "BUY", "CANCELED"),
    }
    venue.set(prices={"ETHUSDT": 3_000})
    engine = start_engine()

    engine.wait_for(lambda: outcomes() >= wanted, event="a round trip and a cancelled entry")
    code = engine.stop()

    assert code == INTERRUPTED, engine.log
    orders = venue.orders()
    booked = engine.rows("SELECT order_id, ft_order_side, status, filled, cost FROM orders")
    assert {_comparable(row) for row in booked} == {
        _as_booked(row) for row in orders if row["status"] in STATUSES
    }
    signed = venue.signed()
    assert signed["POST /api/v3/order"] == len(orders)
    assert signed["DELETE /api/v3/order"] == len(orders) - len(booked)
    assert {row["clientOrderId"][: len(PREFIX)] for row in orders} == {PREFIX}
    assert TRADER.secret not in engine.log


@pytest.mark.deep
def test_the_part_of_an_entry_that_was_filled_before_its_cancel_is_booked(
    venue: Venue, start_engine: Callable[[], LiveEngine]
) -> None:
    def cut_short() -> list[dict[str, Any]]:
        cancelled = (row for row in venue.orders() if row["status"] == "CANCELED")
        return [row for row in cancelled if float(row["executedQty"]) > 0]

    venue.set(prices={"BTCUSDT": 60_000, "ETHUSDT": 3_000}, fill_share="0.4")
    engine = start_engine()

    engine.wait_for(lambda: bool(cut_short()), event="a cancelled part of an entry")
    engine.stop()

    first = cut_short()[0]
    booked = engine.rows("SELECT order_id, ft_order_side, status, filled, cost FROM orders")
    assert _as_booked(first, status="canceled") in {_comparable(row) for row in booked}
    assert float(first["executedQty"]) < float(first["origQty"])


# Why a supervisor compares the exchange with the engine's books.
@pytest.mark.deep
def test_an_order_whose_reply_is_lost_is_at_the_exchange_and_unknown_to_the_engine(
    venue: Venue, start_engine: Callable[[], LiveEngine]
) -> None:
    venue.set(prices={"BTCUSDT": 60_000, "ETHUSDT": 3_000})
    venue.script("POST /api/v3/order", Fault.LOST_REPLY)
    engine = start_engine()

    engine.wait_for(
        lambda: venue.signed().get("POST /api/v3/order", 0) >= 2, event="the next order"
    )
    engine.stop()

    booked = {int(order_id) for (order_id,) in engine.rows("SELECT order_id FROM orders")}
    accepted = {row["orderId"] for row in venue.orders() if row["status"] in STATUSES}
    assert accepted - booked == {1}, engine.log


def _as_booked(row: Mapping[str, Any], *, status: str | None = None) -> tuple[Any, ...]:
    executed, spent = float(row["executedQty"]), float(row["cummulativeQuoteQty"])
    known = status or STATUSES[row["status"]]
    return row["orderId"], row["side"].lower(), known, executed, round(spent, 6)


def _comparable(row: Sequence[Any]) -> tuple[Any, ...]:
    order_id, side, status, filled, cost = row
    return int(order_id), side, status, filled or 0.0, round(cost, 6)
