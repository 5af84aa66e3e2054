"""A stop on a venue that means harm: bans, refusals of what is done, fills at each moment, signals.

A private part: the stop of a live session is not public.
"""

from decimal import Decimal

import pytest
from scripted_stop import Scene, statuses
from scripted_venue import MARKETS

from tradai.core.exceptions import StorageError
from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import OrderStatus
from tradai.entrypoint._live._drain.budget import StopStep
from tradai.entrypoint._process.exit_codes import ExitCode

KEEP, CANCEL_ENTRIES, CANCEL_ALL, FLATTEN = OrderPolicy
EACH = pytest.mark.parametrize("policy", list(OrderPolicy))


@EACH
@pytest.mark.parametrize("name", ["open", "cancel", "account"])
def test_a_ban_in_the_middle_is_respected_and_ends_76(
    scene: Scene, policy: OrderPolicy, name: str
) -> None:
    scene.position()
    scene.engine.book(scene.venue.stop(), scene.venue.add("ETHUSDT"))
    scene.venue.faults[name] = ["banned"]

    report = scene.drain(policy)

    assert report.seconds <= 25.05
    if scene.venue.is_banned:
        assert report.verdict.exit_code is ExitCode.MISMATCH
        assert "exchange and database were not compared" in report.problems or any(
            "reconcile" in problem for problem in report.problems
        )


@EACH
@pytest.mark.parametrize("step", list(StopStep))
@pytest.mark.parametrize("has_word", [True, False])
def test_a_second_signal_at_any_step_skips_none_and_loses_no_order(
    scene: Scene, policy: OrderPolicy, step: StopStep, *, has_word: bool
) -> None:
    scene.position()
    scene.engine.book(scene.venue.stop(), scene.venue.add("ETHUSDT"))
    scene.engine.word_after_s = 1.5 if has_word else None
    begins_s = _begin_of(step, policy, has_word=has_word)
    scene.hurried_at_s = begins_s

    report = scene.drain(policy)

    assert {row.step for row in report.steps} == set(StopStep)
    assert report.seconds <= begins_s + len(StopStep) + 0.05
    assert report.reconciliation is not None
    assert not report.reconciliation.lost


def _begin_of(step: StopStep, policy: OrderPolicy, *, has_word: bool) -> float:
    """Return when a stop of the same session comes to `step`."""
    from scripted_stop import new_scene

    scene = new_scene()
    scene.position()
    scene.engine.book(scene.venue.stop(), scene.venue.add("ETHUSDT"))
    scene.engine.word_after_s = 1.5 if has_word else None
    seconds = 0.0
    for row in scene.drain(policy).steps:
        if row.step is step:
            break
        seconds += row.seconds
    return seconds


@EACH
@pytest.mark.parametrize("share", ["0.25", "1"])
@pytest.mark.parametrize("place", range(4))
def test_a_fill_at_any_moment_of_the_stop_is_in_the_books(
    scene: Scene, policy: OrderPolicy, share: str, place: int
) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    filled = Decimal(share)
    status = OrderStatus.FILLED if filled == entry.amount else OrderStatus.OPEN

    def fill() -> None:
        if scene.venue.find(entry).status is OrderStatus.OPEN:
            scene.venue.change(entry, filled=filled, status=status)

    scene.venue.faults["open"] = [*([None] * place), fill]
    scene.venue.faults["cancel"] = [fill]

    report = scene.drain(policy)

    last = scene.venue.find(entry)
    held = scene.venue.coins.get("BTC", Decimal())
    assert sum(report.left_positions.values()) == held, (last, report.problems)
    if report.verdict.exit_code is ExitCode.DONE and policy is not KEEP:
        assert last.status is not OrderStatus.OPEN


def test_a_cancel_that_was_done_and_answered_with_an_error_is_seen_by_the_look(
    scene: Scene,
) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)
    scene.venue.faults |= {"cancel": ["lost"], "order": ["down", "hang"]}

    report = scene.drain(CANCEL_ALL)

    assert scene.venue.requests.count("cancel") == 1
    assert statuses(report.cancelled) == ["cancelled"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_a_database_that_cannot_be_read_ends_76_with_the_orders_treated(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)

    def refuse() -> None:
        message = "the disk is full"
        raise StorageError(message, operation="read trades")

    scene.engine.booked_orders = refuse  # type: ignore[assignment,method-assign] # a fault

    report = scene.drain(CANCEL_ALL)

    assert statuses([scene.venue.find(entry)]) == ["cancelled"]
    assert "the step 'reconcile' failed: the disk is full" in report.problems
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_the_numbers_of_orders_are_those_of_their_market_alone(scene: Scene) -> None:
    """Two markets may count alike: the one that the database has must not hide the other."""
    first = scene.venue.add("BTCUSDT")
    scene.engine.book(first)
    scene.venue.add("ETHUSDT", order_id=first.order_id)

    report = scene.drain(KEEP)

    assert report.reconciliation is not None
    assert [order.symbol for order in report.reconciliation.lost] == ["ETHUSDT"]
    assert report.verdict.exit_code is ExitCode.MISMATCH


@pytest.mark.parametrize("policy", [CANCEL_ENTRIES, CANCEL_ALL, FLATTEN])
def test_an_order_of_ours_on_a_pair_that_is_not_traded_any_more_is_ended(
    scene: Scene, policy: OrderPolicy
) -> None:
    assert "DOGEUSDT" not in MARKETS
    order = scene.venue.add("DOGEUSDT")

    report = scene.drain(policy)

    assert statuses([scene.venue.find(order)]) == ["cancelled"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_an_order_of_ours_on_a_pair_that_is_not_traded_any_more_is_named(scene: Scene) -> None:
    scene.venue.add("DOGEUSDT")

    report = scene.drain(KEEP)

    assert report.verdict.exit_code is ExitCode.MISMATCH
    assert "on DOGEUSDT" in report.verdict.sentence
