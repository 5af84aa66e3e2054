"""Orders that were on their way when their engine ended without its word that it stopped.

A private part: the stop of a live session is not public.
"""

from decimal import Decimal

import pytest
from scripted_stop import IN_FLIGHT_S, Scene, statuses

from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import ExchangeOrder
from tradai.entrypoint._live._drain.budget import StopStep
from tradai.entrypoint._process.exit_codes import ExitCode

MANY_ORDERS = 30


def send_at_the_end(scene: Scene, *, takes_s: float) -> None:
    """Let the engine send an order as it ends, which comes to the exchange later."""

    def send() -> None:
        scene.venue.coming.append((scene.clock() + takes_s, scene.venue.add))

    scene.engine.word_after_s = None
    scene.engine.on_end = send


@pytest.mark.parametrize("takes_s", [0.5, 2.0, 5.0, IN_FLIGHT_S - 0.01])
def test_an_order_that_arrives_late_is_treated_by_the_policy(scene: Scene, takes_s: float) -> None:
    send_at_the_end(scene, takes_s=takes_s)

    report = scene.drain(OrderPolicy.CANCEL_ALL)

    assert statuses(scene.venue.orders) == ["cancelled"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


@pytest.mark.parametrize("policy", list(OrderPolicy))
def test_an_order_that_arrives_late_and_fills_is_lost_and_named(
    scene: Scene, policy: OrderPolicy
) -> None:
    def fill() -> ExchangeOrder:
        return scene.venue.fill(scene.venue.add())

    scene.engine.word_after_s = None
    scene.engine.on_end = lambda: scene.venue.coming.append((scene.clock() + 5, fill))

    report = scene.drain(policy)

    assert report.reconciliation is not None
    assert [order.filled for order in report.reconciliation.lost] == [Decimal(1)]
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_without_time_to_wait_for_it_the_stop_ends_76_and_says_where_to_look(scene: Scene) -> None:
    send_at_the_end(scene, takes_s=IN_FLIGHT_S - 0.01)

    report = scene.drain(OrderPolicy.CANCEL_ALL, open_orders=MANY_ORDERS)

    assert report.verdict.exit_code is ExitCode.MISMATCH
    (problem,) = report.problems
    assert "an order that it had sent may still arrive, up to 6.5 s after its end" in problem
    assert "look at the open orders and the newest trades of the account" in problem


def test_a_second_signal_ends_the_wait_for_it_and_the_stop_ends_76(scene: Scene) -> None:
    began_s = scene.clock()

    def signal_soon() -> None:
        scene.hurried_at_s = scene.clock() - began_s + 2

    scene.engine.word_after_s = None
    scene.engine.on_end = signal_soon

    report = scene.drain(OrderPolicy.KEEP, grace_s=60)

    (row,) = (row for row in report.steps if row.step is StopStep.FLIGHT)
    assert row.seconds < 3
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_an_engine_that_takes_all_its_time_to_end_leaves_enough_to_wait(scene: Scene) -> None:
    send_at_the_end(scene, takes_s=5.0)
    scene.engine.ends_after_s = 60

    report = scene.drain(OrderPolicy.CANCEL_ALL)

    outcomes = {row.step: row.outcome for row in report.steps}
    assert outcomes[StopStep.END] == "it was killed"
    assert statuses(scene.venue.orders) == ["cancelled"]
    assert report.verdict.exit_code is ExitCode.DONE, report.problems


def test_after_its_word_no_order_is_waited_for(scene: Scene) -> None:
    report = scene.drain(OrderPolicy.KEEP)

    (row,) = (row for row in report.steps if row.step is StopStep.FLIGHT)
    assert (row.outcome, row.seconds) == ("none: it has stopped trading", 0)
