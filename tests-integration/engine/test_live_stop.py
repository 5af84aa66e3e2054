"""The drain of a real engine that trades live on the loopback exchange: no order is lost."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from engine.drained_engine import DATABASE, DrainedEngine, drained_engine, lost_orders
from engine.venue.control import Venue
from engine.venue.faults import Fault

from tradai.core.live import OrderPolicy

# Not through the door: the stop of a live session is not public.
from tradai.entrypoint._live._account.books import compare_books
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint.freqtrade._results.database import booked_orders
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile

KEEP, CANCEL_ENTRIES, CANCEL_ALL, FLATTEN = OrderPolicy
PRICES: Final = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}
# Entries stay open until the stop.
PATIENT: Final = {"unfilledtimeout": {"entry": 30, "exit": 30, "unit": "minutes"}}
OPEN: Final = {"NEW", "PARTIALLY_FILLED"}

Start = Callable[[str], DrainedEngine]


@pytest.fixture
def start_engine(
    venue: Venue, engine_bin: Path, environ: Mapping[str, str], tmp_path: Path
) -> Iterator[Start]:
    """Start the engine with a strategy; it ends with the test."""
    venue.set(prices=PRICES)
    with ExitStack() as started:
        yield lambda strategy: started.enter_context(
            drained_engine(
                venue,
                strategy=strategy,
                engine_bin=engine_bin,
                environ=environ,
                folder=tmp_path,
                settings=PATIENT,
            )
        )


def rows(venue: Venue, symbol: str, side: str) -> list[dict[str, Any]]:
    return [row for row in venue.orders() if (row["symbol"], row["side"]) == (symbol, side)]


def is_holding(venue: Venue) -> bool:
    """Whether BTC is bought and protected, and the bid for ETH is open."""
    stops = [row for row in rows(venue, "BTCUSDT", "SELL") if row["status"] == "NEW"]
    return bool(stops) and bool(rows(venue, "ETHUSDT", "BUY"))


@pytest.mark.parametrize(
    ("policy", "bid", "stop"),
    [
        (KEEP, "NEW", "NEW"),
        (CANCEL_ENTRIES, "CANCELED", "NEW"),
        (CANCEL_ALL, "CANCELED", "NEW"),
        (FLATTEN, "CANCELED", "CANCELED"),
    ],
)
def test_each_policy_treats_the_orders_of_a_real_engine_and_loses_none(
    venue: Venue, start_engine: Start, policy: OrderPolicy, bid: str, stop: str
) -> None:
    engine = start_engine("Holds")
    engine.wait_for(lambda: is_holding(venue), event="a position with a stop and an open bid")

    report = engine.drain(policy)

    assert report.verdict.exit_code is ExitCode.DONE, (report.problems, engine.log)
    assert [row["status"] for row in rows(venue, "ETHUSDT", "BUY")] == [bid]
    assert rows(venue, "BTCUSDT", "SELL")[0]["status"] == stop
    assert bool(report.closings) == (policy is FLATTEN)
    assert bool(report.left_positions) == (policy is not FLATTEN)
    assert engine.stop.exit is not None
    known = {order.client_order_id for order in report.closings}
    lost = lost_orders(venue, engine.folder / DATABASE)
    assert {row["clientOrderId"] for row in lost} == known


def test_an_order_whose_reply_the_engine_lost_is_named_and_ends_76(
    venue: Venue, start_engine: Start
) -> None:
    venue.script("POST /api/v3/order", Fault.LOST_REPLY)
    engine = start_engine("Holds")
    engine.wait_for(
        lambda: venue.signed().get("POST /api/v3/order", 0) >= 2, event="the next order"
    )

    report = engine.drain(KEEP)

    assert report.reconciliation is not None
    assert [order.order_id for order in report.reconciliation.lost] == ["1"]
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_an_order_on_its_way_from_an_engine_that_was_killed_is_waited_for_and_named(
    venue: Venue, start_engine: Start
) -> None:
    venue.script("POST /api/v3/order", Fault.LATE)
    engine = start_engine("Holds")
    engine.wait_for(lambda: "POST /api/v3/order" in venue.signed(), event="its first order")
    os.kill(engine.process.pid, signal.SIGKILL)
    assert venue.orders() == []

    report = engine.drain(CANCEL_ALL)

    assert report.reconciliation is not None
    assert [order.order_id for order in report.reconciliation.lost] == ["1"]
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_a_venue_that_hangs_at_the_stop_ends_with_a_report_and_76(
    venue: Venue, start_engine: Start
) -> None:
    engine = start_engine("Holds")
    engine.wait_for(lambda: is_holding(venue), event="a position with a stop and an open bid")
    venue.script("GET /api/v3/openOrders", Fault.HANG, times=100)

    os.kill(os.getpid(), signal.SIGTERM)
    report = engine.drain(CANCEL_ALL, is_hurried=True)

    assert report.reconciliation is None
    assert report.verdict.exit_code is ExitCode.MISMATCH
    assert engine.stop.exit is not None
    assert not lost_orders(venue, engine.folder / DATABASE)


def test_a_position_that_the_drain_closed_is_booked_by_the_next_engine(
    venue: Venue, start_engine: Start
) -> None:
    engine = start_engine("Holds")
    engine.wait_for(lambda: is_holding(venue), event="a position with a stop and an open bid")
    (closing,) = engine.drain(FLATTEN).closings
    database = SqliteFile(engine.folder / DATABASE)
    orders, booked = engine.account.open_orders(), booked_orders(database)

    # No database knows the closing yet; its client id names it.
    found = compare_books(engine.account, orders, booked)
    assert found.problems == ()
    assert closing.order_id not in {row.order_id for row in booked}

    again = start_engine("Holds")
    again.wait_for(
        lambda: closing.order_id in {row.order_id for row in booked_orders(database)},
        event="the closing in the database",
    )
    again.wait_for(lambda: is_holding(venue), event="the next position")
    report = again.drain(KEEP)

    trades = {row.order_id: row for row in booked_orders(database) if row.pair == "BTC/USDT"}
    assert not trades[closing.order_id].trade_is_open
    assert report.verdict.exit_code is ExitCode.DONE, report.problems
