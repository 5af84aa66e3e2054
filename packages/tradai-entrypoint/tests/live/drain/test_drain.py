"""The stop of a live session: its steps, its deadlines, and the orders it touches.

A private part: no command uses it before LIVE is permitted.
"""

from decimal import Decimal

import pytest
from scripted_stop import Scene, booked, statuses
from scripted_venue import MARKETS, KilledError

from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import OrderStatus
from tradai.entrypoint._live._account.books import compare_books
from tradai.entrypoint._live._drain.budget import StopStep
from tradai.entrypoint._process.exit_codes import ExitCode

KEEP, CANCEL_ENTRIES, CANCEL_ALL, FLATTEN = OrderPolicy
EACH = pytest.mark.parametrize("policy", list(OrderPolicy))


def test_a_stop_takes_its_steps_in_order_and_ends_clean(scene: Scene) -> None:
    scene.engine.book(scene.venue.add())

    report = scene.drain(KEEP)

    assert [row.step for row in report.steps] == list(StopStep)
    assert scene.engine.calls == ["pause", "stop", "word", "end", "books"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems
    assert report.reconciliation is not None


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (KEEP, ["open", "open", "open"]),
        (CANCEL_ENTRIES, ["cancelled", "open", "open"]),
        (CANCEL_ALL, ["cancelled", "cancelled", "open"]),
    ],
)
def test_a_policy_ends_entries_exits_or_neither_and_keeps_the_stop(
    scene: Scene, policy: OrderPolicy, expected: list[str]
) -> None:
    scene.position("ETHUSDT")
    orders = [
        scene.venue.add(),
        scene.venue.add("ETHUSDT", side="sell", amount=Decimal("0.5")),
        scene.venue.stop("ETHUSDT", amount=Decimal("0.5")),
    ]
    scene.engine.book(*orders)

    report = scene.drain(policy)

    assert statuses(map(scene.venue.find, orders)) == expected
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


@EACH
def test_orders_of_other_clients_are_never_touched(scene: Scene, policy: OrderPolicy) -> None:
    others = [
        scene.venue.add(client_order_id="web_1"),
        scene.venue.stop(client_order_id="x-0123456789aX"),
        scene.venue.add("DOGEUSDT", client_order_id="x-ffffffffffff1"),
    ]

    report = scene.drain(policy)

    assert statuses(map(scene.venue.find, others)) == ["open"] * 3
    assert "cancel" not in scene.venue.requests
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_ten_open_orders_are_cancelled_with_ten_cancels_and_at_most_six_reads(
    scene: Scene,
) -> None:
    orders = [scene.venue.add(symbol) for symbol in list(MARKETS)[:10]]
    scene.engine.book(*orders)

    report = scene.drain(CANCEL_ALL, open_orders=10)

    assert statuses(map(scene.venue.find, orders)) == ["cancelled"] * 10
    assert scene.venue.requests.count("cancel") == 10
    assert scene.venue.reads_sent <= 6
    assert report.seconds <= 25
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_an_engine_without_its_word_is_ended_before_its_orders_are_treated(scene: Scene) -> None:
    scene.engine.word_after_s = None
    scene.engine.on_end = lambda: scene.engine.book(scene.venue.add())

    report = scene.drain(CANCEL_ALL)

    steps = [row.step for row in report.steps]
    assert steps.index(StopStep.END) < steps.index(StopStep.POLICY)
    assert statuses(scene.venue.orders) == ["cancelled"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


@EACH
def test_an_order_that_the_database_does_not_know_is_named_and_ends_76(
    scene: Scene, policy: OrderPolicy
) -> None:
    lost = scene.venue.fill(scene.venue.add())

    report = scene.drain(policy)

    assert report.verdict.exit_code is ExitCode.MISMATCH
    assert report.reconciliation is not None
    assert report.reconciliation.lost == (lost,)
    assert f"order {lost.order_id} on BTCUSDT" in report.verdict.sentence


def test_a_lost_order_that_is_cancelled_in_time_leaves_nothing_to_look_at(scene: Scene) -> None:
    scene.venue.add()

    report = scene.drain(CANCEL_ALL)

    assert statuses(scene.venue.orders) == ["cancelled"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_the_filled_part_of_a_cancelled_entry_is_behind_and_not_lost(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    scene.venue.change(entry, filled=Decimal("0.4"))

    report = scene.drain(CANCEL_ENTRIES)

    assert report.reconciliation is not None
    assert [order.filled for order in report.reconciliation.behind] == [Decimal("0.4")]
    assert report.left_positions == {"BTC/USDT": Decimal("0.4")}
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_fill_that_races_the_cancel_is_found_by_the_orders_id(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    scene.venue.faults["cancel"] = [lambda: scene.venue.fill(entry)]

    report = scene.drain(CANCEL_ALL)

    assert "order" in scene.venue.requests
    assert statuses(report.cancelled) == ["filled"]
    assert report.left_positions == {"BTC/USDT": Decimal(1)}
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


@pytest.mark.parametrize("fault", ["lost", "hang", "down"])
def test_a_cancel_without_an_answer_is_looked_up_and_made_good(scene: Scene, fault: str) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    scene.venue.faults["cancel"] = [fault]

    report = scene.drain(CANCEL_ALL)

    assert statuses(report.cancelled) == ["cancelled"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_refused_cancel_leaves_the_order_named_and_ends_76(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    scene.venue.faults["cancel"] = ["refused"]

    report = scene.drain(CANCEL_ALL)

    assert [order.order_id for order in report.left] == [entry.order_id]
    assert report.problems == ("the buy order 1 on BTCUSDT was not cancelled: not allowed",)
    assert report.verdict.exit_code is ExitCode.MISMATCH


@EACH
def test_a_venue_that_hangs_ends_the_stop_at_its_deadline_with_a_report(
    scene: Scene, policy: OrderPolicy
) -> None:
    scene.engine.book(scene.venue.add())
    scene.venue.is_hanging = True

    report = scene.drain(policy)

    assert report.seconds <= 25
    assert "end" in scene.engine.calls
    assert report.reconciliation is None
    assert report.verdict.exit_code is ExitCode.MISMATCH


@EACH
@pytest.mark.parametrize("read", ["open", "account"])
def test_a_read_that_fails_once_is_tried_again(
    scene: Scene, policy: OrderPolicy, read: str
) -> None:
    scene.position()
    scene.engine.book(scene.venue.add("ETHUSDT"))
    scene.venue.faults[read] = ["down"]

    report = scene.drain(policy)

    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_second_signal_shortens_the_stop_and_keeps_the_report(scene: Scene) -> None:
    scene.engine.word_after_s = None
    scene.engine.ends_after_s = 60
    scene.venue.is_hanging = True
    scene.hurried_at_s = 0.0

    report = scene.drain(CANCEL_ALL)

    assert report.seconds < 12
    assert {row.step for row in report.steps} == set(StopStep)
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_an_engine_that_does_not_answer_is_killed(scene: Scene) -> None:
    scene.engine.answers = False
    scene.engine.word_after_s = None
    scene.engine.ends_after_s = 60

    report = scene.drain(KEEP)

    outcomes = {row.step: row.outcome for row in report.steps}
    assert outcomes[StopStep.END] == "it was killed"
    assert report.seconds <= 25
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_position_is_closed_and_its_stop_cancelled_just_before(scene: Scene) -> None:
    scene.position()
    stop = scene.venue.stop()
    scene.engine.book(stop)

    report = scene.drain(FLATTEN)

    assert statuses([scene.venue.find(stop)]) == ["cancelled"]
    changes = [name for name in scene.venue.requests if name in {"cancel", "place"}]
    assert changes == ["cancel", "place"]
    assert [order.filled for order in report.closings] == [Decimal(1)]
    assert scene.venue.coins["BTC"] == 0
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_position_closes_without_selling_other_holdings(scene: Scene) -> None:
    scene.position(amount="0.5")
    scene.venue.coins["BTC"] += 3

    report = scene.drain(FLATTEN)

    assert [order.amount for order in report.closings] == [Decimal("0.5")]
    assert scene.venue.coins["BTC"] == 3
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_stop_stays_when_the_closing_order_would_be_too_small(scene: Scene) -> None:
    scene.position(amount="0.01")
    stop = scene.venue.stop(amount=Decimal("0.01"))
    scene.engine.book(stop)

    report = scene.drain(FLATTEN)

    assert statuses([scene.venue.find(stop)]) == ["open"]
    assert report.unprotected == ()
    assert report.problems == ("the position in BTC/USDT is not closed: 0.01 are left",)


def test_a_position_whose_closing_is_refused_after_its_stop_is_named_and_ends_76(
    scene: Scene,
) -> None:
    scene.position()
    scene.engine.book(scene.venue.stop())
    scene.venue.faults["place"] = ["refused"]

    report = scene.drain(FLATTEN)

    assert report.unprotected == ("BTC/USDT",)
    assert "the position in BTC/USDT is left without its stop" in report.problems
    refused = "the order that closes the position in BTC/USDT failed: not allowed"
    assert refused in report.problems
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_a_stop_that_cannot_be_cancelled_goes_on_protecting(scene: Scene) -> None:
    scene.position()
    stop = scene.venue.stop()
    scene.engine.book(stop)
    scene.venue.faults["cancel"] = ["refused"]

    report = scene.drain(FLATTEN)

    assert "place" not in scene.venue.requests
    assert report.unprotected == ()
    assert statuses([scene.venue.find(stop)]) == ["open"]
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_a_stop_that_fills_while_it_is_cancelled_closes_the_position_alone(scene: Scene) -> None:
    scene.position()
    stop = scene.venue.stop()
    scene.engine.book(stop)
    scene.venue.faults["cancel"] = [lambda: scene.venue.fill(stop)]

    report = scene.drain(FLATTEN)

    assert "place" not in scene.venue.requests
    assert report.left_positions == {}
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_closing_order_whose_reply_is_lost_is_found_and_not_sent_twice(scene: Scene) -> None:
    scene.position()
    scene.venue.coins["BTC"] += 5
    scene.venue.faults["place"] = ["lost"]

    report = scene.drain(FLATTEN)

    assert scene.venue.requests.count("place") == 1
    assert [order.filled for order in report.closings] == [Decimal(1)]
    assert scene.venue.coins["BTC"] == 5
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_closing_order_that_cannot_be_found_is_named_and_not_sent_again(scene: Scene) -> None:
    scene.position()
    scene.venue.coins["BTC"] += 5
    scene.venue.faults |= {"place": ["lost"], "order": ["down"] * 3}

    report = scene.drain(FLATTEN)

    assert scene.venue.requests.count("place") == 1
    assert scene.venue.coins["BTC"] == 5
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_a_closing_order_sells_no_more_than_a_fee_has_left(scene: Scene) -> None:
    scene.position()
    scene.venue.coins["BTC"] = Decimal("0.9992")

    report = scene.drain(FLATTEN)

    assert [order.amount for order in report.closings] == [Decimal("0.999")]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_snapshot_is_read_again_until_it_is_equal_twice(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    # The first is read by the order policy.
    scene.venue.faults["open"] = [None, None, lambda: scene.venue.fill(entry)]

    report = scene.drain(KEEP)

    assert scene.venue.requests.count("open") == 4
    assert report.left == ()
    assert report.left_positions == {"BTC/USDT": Decimal(1)}
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_an_entry_that_was_cancelled_by_hand_is_behind(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    scene.venue.change(entry, status=OrderStatus.CANCELLED)

    report = scene.drain(KEEP)

    assert report.reconciliation is not None
    assert statuses(report.reconciliation.behind) == ["cancelled"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_position_that_is_to_have_a_stop_and_has_none_ends_76(scene: Scene) -> None:
    scene.position()

    report = scene.drain(KEEP, has_exchange_stops=True)

    assert report.unprotected == ("BTC/USDT",)
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_an_entry_that_filled_before_the_stop_is_closed_too(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    scene.venue.fill(entry)

    report = scene.drain(FLATTEN)

    assert [order.filled for order in report.closings] == [Decimal(1)]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_position_that_the_account_does_not_hold_ends_76(scene: Scene) -> None:
    scene.position()
    scene.venue.coins["BTC"] = Decimal("0.2")

    report = scene.drain(KEEP)

    assert report.problems == ("the account holds less than the position in BTC/USDT",)


def test_an_order_of_the_database_that_the_exchange_lacks_ends_76(scene: Scene) -> None:
    ghost = scene.venue.add()
    scene.engine.book(ghost)
    scene.venue.orders.clear()

    report = scene.drain(KEEP)

    assert report.reconciliation is not None
    assert report.reconciliation.contradicted == (booked(ghost),)
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_the_report_can_be_kept_in_a_manifest(scene: Scene) -> None:
    scene.position()
    scene.engine.book(scene.venue.stop())

    kept = scene.drain(FLATTEN).to_json()

    assert kept["is_reconciled"] is True
    assert kept["problems"] == []
    assert isinstance(kept["steps"], list)
    assert len(kept["steps"]) == len(StopStep)


@pytest.mark.parametrize("killed_at", range(1, 8))
def test_after_a_kill_at_any_request_the_next_start_goes_on_or_refuses(
    scene: Scene, killed_at: int
) -> None:
    scene.position()
    scene.venue.coins["BTC"] += 5
    scene.engine.book(scene.venue.stop(), scene.venue.add("ETHUSDT"))
    scene.venue.killed_at = killed_at
    with pytest.raises(KilledError):
        scene.drain(FLATTEN)

    scene.venue.killed_at = None
    orders = scene.account.open_orders()
    found = compare_books(scene.account, orders, scene.engine.booked)

    # A closing is known by its client id, and its fill is not sold again.
    placed = [order for order in scene.venue.orders if order.side == "sell" and not order.price]
    assert found.problems == ()
    assert len(placed) <= 1

    again = scene.drain(FLATTEN)

    placed = [order for order in scene.venue.orders if order.side == "sell" and not order.price]
    assert len(placed) == 1
    assert scene.venue.coins["BTC"] == 5
    assert again.left_positions == {}


def test_kills_come_before_and_after_the_closing_order(scene: Scene) -> None:
    scene.position()
    scene.venue.coins["BTC"] += 5
    scene.engine.book(scene.venue.stop(), scene.venue.add("ETHUSDT"))

    scene.drain(FLATTEN)

    assert 1 < scene.venue.requests.index("place") + 1 < 7
    assert len(scene.venue.requests) >= 7
