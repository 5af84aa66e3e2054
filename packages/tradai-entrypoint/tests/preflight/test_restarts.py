"""The restart budget: spent, it halts; cleared by a person, it begins again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tradai.core import MemoryStore
from tradai.core.testing import FixedClock
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch
from tradai.entrypoint._live._risk.restarts import (
    CHECK_NAME,
    halt_restarts,
    starts_since_halt,
)
from tradai.entrypoint._preflight.checks import run_checks
from tradai.entrypoint._preflight.facts import PreflightFacts
from tradai.entrypoint._preflight.preflight import BUILT_IN

START = datetime(2026, 11, 29, tzinfo=UTC)
STARTS = tuple(START + timedelta(minutes=minute) for minute in range(6))


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at the last start."""
    return FixedClock(STARTS[-1])


@pytest.fixture
def latch(clock: FixedClock) -> HaltLatch:
    """A latch that was never tripped."""
    return HaltLatch(MemoryStore(), "memory:halts", clock=clock)


def test_a_spent_budget_trips_the_latch(latch: HaltLatch, facts: PreflightFacts) -> None:
    spent = replace(facts, now=STARTS[-1], starts=starts_since_halt(latch, STARTS))

    halt_restarts(latch, run_checks(BUILT_IN, spent), run_id="r6")

    with pytest.raises(HaltedError, match="start 6 of the session within 30 minutes"):
        latch.check()


def test_a_budget_that_is_not_spent_trips_nothing(latch: HaltLatch, facts: PreflightFacts) -> None:
    halt_restarts(latch, run_checks(BUILT_IN, facts), run_id="r1")

    latch.check()


def test_a_cleared_halt_gives_a_new_budget(latch: HaltLatch, clock: FixedClock) -> None:
    latch.trip("too many starts", run_id="r6")
    latch.clear(1, reason="the disk was full", by="A. Person")

    later = (*STARTS, STARTS[-1] + timedelta(seconds=1))

    assert starts_since_halt(latch, later) == later[-1:]
    assert clock.now() == STARTS[-1]


def test_the_check_and_the_latch_have_one_name() -> None:
    assert CHECK_NAME in {check.name for check in BUILT_IN}
