"""Public reports on other trading systems, rebuilt here: each names its project and its number.

Private parts: no command uses them before LIVE is permitted.
"""

from dataclasses import replace
from decimal import Decimal

import pytest
from scripted_stop import Scene, new_scene
from scripted_venue import PREFIX

from tradai.core.exceptions import NotFoundError
from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import OrderStatus, SignedClient
from tradai.entrypoint._live._watchdog.entry_cancel import EntryCancel
from tradai.entrypoint._process.exit_codes import ExitCode

KEEP, CANCEL_ENTRIES, CANCEL_ALL, FLATTEN = OrderPolicy


@pytest.fixture
def scene() -> Scene:
    """A session without orders."""
    return new_scene()


def unknown_order() -> None:
    """Refuse to cancel an order as if there were none."""
    raise NotFoundError("Unknown order sent.", kind="order", key="1")


def cancel_entries(scene: Scene) -> EntryCancel:
    """Cancel the entries of an engine that is dead."""
    client = SignedClient(reads=scene.venue, orders=scene.venue)
    cancel = EntryCancel(client, prefix=PREFIX, clock=scene.clock)
    cancel.run(settle_s=12.0, limit_s=60.0)
    return cancel


# sieblyio/binance#406: the exchange did not find the order that was to be cancelled, the bot went
# on, and hours later the order was carried out.
def test_an_entry_that_stays_open_though_its_cancel_found_none_is_not_called_gone(
    scene: Scene,
) -> None:
    entry = scene.venue.add()
    scene.venue.faults["cancel"] = [unknown_order] * 1_000

    cancel = cancel_entries(scene)

    assert not cancel.is_clear
    assert set(cancel.left) == {(entry.symbol, entry.order_id)}


def test_an_entry_whose_first_cancels_found_none_is_cancelled_by_a_later_one(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.venue.faults["cancel"] = [unknown_order] * 8

    cancel = cancel_entries(scene)

    assert cancel.is_clear
    assert scene.venue.find(entry).status is OrderStatus.CANCELLED


def test_a_stop_names_an_order_that_stays_open_though_its_cancel_found_none(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    scene.venue.faults["cancel"] = [unknown_order] * 1_000

    report = scene.drain(CANCEL_ENTRIES)

    assert report.verdict.exit_code is ExitCode.MISMATCH
    assert f"the buy order {entry.order_id} on BTCUSDT was not cancelled" in report.problems[0]


# hummingbot/hummingbot#601, freqtrade/freqtrade#5101: right after an order was placed, the exchange
# said that it does not exist; the bot placed it again.
def test_a_closing_order_that_the_exchange_shows_late_is_not_sent_twice(scene: Scene) -> None:
    scene.position()
    scene.venue.faults["place"] = ["lost"]
    scene.venue.faults["order"] = [unknown_order] * 2

    report = scene.drain(FLATTEN)

    assert scene.venue.requests.count("place") == 1
    assert report.verdict.exit_code is ExitCode.DONE, report.problems
    assert [order.filled for order in report.closings] == [Decimal(1)]


# freqtrade/freqtrade#8374: a stop that was filled in part was cancelled, and the whole position was
# sold as if it were still there.
def test_a_position_whose_stop_has_sold_a_part_is_closed_without_that_part(scene: Scene) -> None:
    scene.position()
    stop = scene.venue.stop()
    scene.engine.book(stop)
    scene.venue.change(stop, filled=Decimal("0.3"))

    report = scene.drain(FLATTEN)

    assert [order.amount for order in report.closings] == [Decimal("0.7")]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


# freqtrade/freqtrade#13332: an exit that was filled but for a rest stayed open, and the position
# was sold a second time.
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_position_whose_exit_is_nearly_filled_is_not_sold_a_second_time(
    scene: Scene, when: str
) -> None:
    scene.position()
    exit_ = scene.venue.add(side="sell")
    scene.engine.book(exit_)
    sold = {"filled": Decimal("0.9")}
    if when == "before":
        scene.venue.change(exit_, **sold)
    else:
        scene.venue.faults["cancel"] = [lambda: scene.venue.change(exit_, **sold)]

    report = scene.drain(FLATTEN)

    assert [order.amount for order in report.closings] == [Decimal("0.1")]
    assert scene.venue.coins["BTC"] == 0
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


# freqtrade/freqtrade#12528, nautechsystems/nautilus_trader#419: a stop stayed at the exchange after
# its position was closed, where it can sell what is bought later.
@pytest.mark.parametrize("policy", [KEEP, CANCEL_ENTRIES, CANCEL_ALL])
def test_a_stop_that_has_outlived_its_position_is_named(scene: Scene, policy: OrderPolicy) -> None:
    entry = scene.venue.fill(scene.venue.add())
    stop = scene.venue.stop()
    sale = scene.venue.fill(scene.venue.add(side="sell"))
    scene.engine.book(entry, stop, sale, trade_is_open=False)

    report = scene.drain(policy)

    assert report.verdict.exit_code is ExitCode.MISMATCH
    assert f"the stop {stop.order_id} on BTCUSDT protects no position" in report.verdict.sentence


# freqtrade/freqtrade#11414: a pair was delisted while a trade was open, and kept the bot from
# treating all others.
def test_a_trade_on_a_delisted_pair_keeps_no_other_pair_from_being_compared(scene: Scene) -> None:
    gone = replace(scene.position("OLDUSDT"), status=OrderStatus.OPEN)
    scene.engine.book(replace(gone, order_id="77", side="sell"))
    lost = scene.venue.fill(scene.venue.add("ETHUSDT"))

    report = scene.drain(CANCEL_ALL)

    assert report.reconciliation is not None
    assert [order.order_id for order in report.reconciliation.lost] == [lost.order_id]
    assert [order.order_id for order in report.reconciliation.contradicted] == ["77"]
    assert report.verdict.exit_code is ExitCode.MISMATCH
