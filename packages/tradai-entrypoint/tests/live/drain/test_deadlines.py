"""The end of a stop's time: no request outlasts it, and a signal counts from its arrival.

A private part: the stop of a live session is not public.
"""

import pytest
from scripted_stop import Scene, statuses
from scripted_venue import MARKETS

from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._drain.budget import StopStep
from tradai.entrypoint._process.exit_codes import ExitCode

CANCEL_ALL, FLATTEN = OrderPolicy.CANCEL_ALL, OrderPolicy.FLATTEN
REQUESTS = ["open", "cancel", "order", "account", "place", "orders"]


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("policy", [CANCEL_ALL, FLATTEN])
def test_a_request_that_hangs_longer_than_its_step_ends_with_it(
    scene: Scene, policy: OrderPolicy, name: str
) -> None:
    scene.position()
    scene.engine.book(scene.venue.add("ETHUSDT"), scene.venue.stop())
    scene.venue.faults[name] = ["hang"] * 100

    report = scene.drain(policy)

    assert report.seconds <= 25
    assert {row.step for row in report.steps} == set(StopStep)


@pytest.mark.parametrize("late_s", [1.0, 10.0, 20.0])
def test_a_stop_that_begins_late_ends_when_the_launcher_expects_it(
    scene: Scene, late_s: float
) -> None:
    scene.engine.word_after_s = None
    scene.engine.ends_after_s = 60
    scene.engine.book(*(scene.venue.add(symbol) for symbol in MARKETS))
    scene.venue.is_hanging = True
    began_s = scene.clock()

    report = scene.drain(CANCEL_ALL, late_s=late_s)

    assert scene.clock() - began_s <= 25 - late_s + 0.05
    assert report.verdict.exit_code is ExitCode.MISMATCH


def test_a_stop_without_any_time_left_changes_nothing_and_reports(scene: Scene) -> None:
    entry = scene.venue.add()
    scene.engine.book(entry)

    report = scene.drain(CANCEL_ALL, late_s=25.0)

    assert scene.venue.requests == []
    assert statuses([scene.venue.find(entry)]) == ["open"]
    assert {row.step for row in report.steps} == set(StopStep)
    assert report.verdict.exit_code is ExitCode.MISMATCH


@pytest.mark.parametrize("policy", [CANCEL_ALL, FLATTEN])
@pytest.mark.parametrize("request_s", [0.5, 1.5, 4.0, 9.0])
def test_on_a_slow_venue_nothing_is_changed_after_the_time(
    scene: Scene, policy: OrderPolicy, request_s: float
) -> None:
    for symbol in list(MARKETS)[:4]:
        scene.position(symbol)
        scene.engine.book(scene.venue.stop(symbol), scene.venue.add(symbol))
    scene.venue.request_s = request_s
    began_s = scene.clock()

    report = scene.drain(policy)

    assert all(at_s - began_s <= 25 for at_s in scene.venue.changed_at_s)
    assert report.seconds <= 25.05
