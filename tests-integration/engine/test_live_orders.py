"""The real engine trades live on the loopback exchange: its books are those of the exchange."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from engine.live_engine import PREFIX, live_engine
from engine.venue.control import Venue
from engine.venue.keys import TRADER

INTERRUPTED: Final = 130
# In the engine's words; it forgets an entry that was cancelled before a part of it was filled.
STATUSES: Final = {"NEW": "open", "PARTIALLY_FILLED": "open", "FILLED": "closed"}


def test_the_engine_buys_sells_and_cancels_and_books_all_that_the_exchange_did(
    venue: Venue, engine_bin: Path, environ: Mapping[str, str], tmp_path: Path
) -> None:
    def outcomes() -> set[tuple[str, str, str]]:
        return {(row["symbol"], row["side"], row["status"]) for row in venue.orders()}

    wanted = {
        ("BTCUSDT", "BUY", "FILLED"),
        ("BTCUSDT", "SELL", "FILLED"),
        ("ETHUSDT", "BUY", "CANCELED"),
    }
    venue.set(prices={"ETHUSDT": 3_000})
    with live_engine(
        venue.url,
        TRADER,
        strategy="RoundTrips",
        engine_bin=engine_bin,
        environ=environ,
        folder=tmp_path,
    ) as engine:
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


def _as_booked(row: Mapping[str, Any]) -> tuple[str, str, str, float, float]:
    executed, spent = float(row["executedQty"]), float(row["cummulativeQuoteQty"])
    status = STATUSES[row["status"]]
    return row["orderId"], row["side"].lower(), status, executed, round(spent, 6)


def _comparable(row: Sequence[Any]) -> tuple[Any, ...]:
    order_id, side, status, filled, cost = row
    return int(order_id), side, status, filled or 0.0, round(cost, 6)
