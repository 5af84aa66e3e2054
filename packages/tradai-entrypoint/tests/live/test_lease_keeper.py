"""A lease is kept beside an engine, and no order is placed when it is not sure any more."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest

from tradai.core import Lease, StoredObject, WaitingClock
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    LeaseHeldError,
    LeaseLostError,
    TradingError,
)
from tradai.core.testing import FixedClock, MemoryLeaseStore
from tradai.entrypoint._live._watchdog.lines import ParentWord, feed_line
from tradai.entrypoint._live.lease_keeper import LeaseKeeper, least_ttl_s

TTL_S: Final = 60.0
DRAIN_S: Final = 25.0
MARGIN_S: Final = 2.0
BELIEVED_S: Final = 48.0


class Place:
    """Place of a lease that may not answer."""

    def __init__(self, clock: FixedClock | None = None) -> None:
        self.inner = MemoryLeaseStore()
        self.is_reachable = True
        # Seconds that an answer takes.
        self.latency_s = 0.0
        self._clock = clock or FixedClock()

    def read(self) -> StoredObject | None:
        self._answer()
        return self.inner.read()

    def replace(self, data: bytes, *, expected: str | None) -> str:
        self._answer()
        return self.inner.replace(data, expected=expected)

    def _answer(self) -> None:
        self._clock.advance(timedelta(seconds=self.latency_s))
        if not self.is_reachable:
            message = "the store did not answer"
            raise ExternalServiceError(message, service="test", operation="replace")


class Dog:
    """A watchdog without a process."""

    def __init__(self) -> None:
        self.feeds: list[float] = []
        self.is_alive = True
        self.is_stuck = False
        self.is_frozen = False

    def answers(self) -> bool:
        return not self.is_frozen

    def feed(self, seconds: float) -> None:
        if self.is_stuck:
            raise TradingError("the watchdog is stuck", reason="watchdog_gone")
        self.feeds.append(seconds)


class Desk:
    """A lease that is held on a virtual clock, its keeper, and its watchdog."""

    def __init__(self, *, ttl_s: float = TTL_S) -> None:
        self.clock = FixedClock()
        self.place = Place(self.clock)
        self.ttl_s = ttl_s
        self.lease = self.other("this process")
        self.lease.acquire()
        self.dog = Dog()
        self.keeper = LeaseKeeper(self.lease, self.dog, drain_s=DRAIN_S, clock=self.clock)

    def other(self, holder: str) -> Lease:
        return Lease(self.place, name="test", holder=holder, ttl_s=self.ttl_s, clock=self.clock)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def desk() -> Desk:
    """A lease that was just acquired."""
    return Desk()


def test_the_watchdog_is_fed_at_once_with_less_than_the_lease_is_sure(desk: Desk) -> None:
    assert desk.dog.feeds == [pytest.approx(BELIEVED_S - MARGIN_S)]
    assert desk.keeper.reason_to_stop is None
    assert not desk.keeper.is_lost


def test_a_lease_is_renewed_every_third_of_its_time_to_live(desk: Desk) -> None:
    assert desk.keeper.due_in_s == pytest.approx(TTL_S / 3)
    desk.pass_time(TTL_S / 3 - 1)
    desk.keeper.keep()
    assert len(desk.dog.feeds) == 1

    desk.pass_time(1)
    desk.keeper.keep()

    assert desk.dog.feeds == [pytest.approx(BELIEVED_S - MARGIN_S)] * 2
    assert desk.lease.remaining_s == pytest.approx(BELIEVED_S)


@pytest.mark.parametrize("latency_s", [0.0, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("turn_s", [0.05, 0.3, 5.0])
def test_a_store_that_is_slow_ends_no_session(latency_s: float, turn_s: float) -> None:
    desk = Desk(ttl_s=least_ttl_s(DRAIN_S))
    desk.place.latency_s = latency_s

    for _ in range(round(120 / turn_s)):
        desk.keeper.keep()
        assert desk.keeper.reason_to_stop is None
        desk.pass_time(turn_s)


def test_an_outage_is_tried_again_before_it_matters(desk: Desk) -> None:
    desk.place.is_reachable = False
    desk.pass_time(TTL_S / 3)
    desk.keeper.keep()
    assert desk.keeper.due_in_s == pytest.approx(TTL_S / 20)
    assert desk.keeper.reason_to_stop is None
    assert len(desk.dog.feeds) == 1

    desk.place.is_reachable = True
    desk.pass_time(TTL_S / 20)
    desk.keeper.keep()

    assert desk.keeper.reason_to_stop is None
    assert len(desk.dog.feeds) == 2


def test_an_engine_is_to_be_stopped_while_there_is_time_for_a_drain(desk: Desk) -> None:
    desk.place.is_reachable = False
    desk.pass_time(TTL_S / 3)
    desk.keeper.keep()

    desk.pass_time(BELIEVED_S - MARGIN_S - DRAIN_S - TTL_S / 3 + 0.1)

    assert not desk.keeper.is_lost
    assert desk.keeper.reason_to_stop == ("the lease cannot be renewed: the store did not answer")
    assert desk.lease.remaining_s > DRAIN_S


def test_a_supervisor_that_did_not_turn_in_time_has_lost_the_lease(desk: Desk) -> None:
    desk.pass_time(BELIEVED_S - MARGIN_S)

    assert desk.keeper.is_lost
    assert desk.keeper.reason_to_stop == "the lease was not renewed in time"


def test_the_engine_is_ended_at_once_when_another_process_has_the_lease(desk: Desk) -> None:
    desk.pass_time(TTL_S / 3)
    _steal(desk)

    desk.keeper.keep()

    assert desk.dog.feeds[-1] == 0.0
    assert desk.keeper.is_lost
    assert desk.keeper.due_in_s == float("inf")
    assert "lost the lease" in str(desk.keeper.reason_to_stop)


def _steal(desk: Desk) -> None:
    """Take the lease as if the place had forgotten it."""
    desk.place.inner = MemoryLeaseStore()
    desk.other("a thief").acquire()


@pytest.mark.parametrize("fault", ["ended", "stuck", "frozen"])
def test_an_engine_without_a_watchdog_is_to_be_stopped(desk: Desk, fault: str) -> None:
    desk.dog.is_alive, desk.dog.is_stuck = fault != "ended", fault == "stuck"
    desk.dog.is_frozen = fault == "frozen"

    desk.pass_time(TTL_S / 3)
    desk.keeper.keep()
    desk.pass_time(TTL_S / 3)
    desk.keeper.keep()

    assert "the watchdog" in str(desk.keeper.reason_to_stop)
    assert not desk.keeper.is_lost


@pytest.mark.parametrize("drain_s", [0.0, 5.0, 25.0, 115.0])
def test_the_shortest_time_to_live_lets_a_late_drain_end_in_time(drain_s: float) -> None:
    clock, ttl_s = FixedClock(), least_ttl_s(drain_s)
    lease = Lease(MemoryLeaseStore(), name="test", ttl_s=ttl_s, clock=clock)
    lease.acquire()
    keeper = LeaseKeeper(lease, Dog(), drain_s=drain_s, clock=clock)

    clock.advance(timedelta(seconds=ttl_s / 3))

    assert keeper.due_in_s == pytest.approx(0, abs=1e-5)
    assert keeper.reason_to_stop is None
    assert lease.remaining_s >= drain_s + MARGIN_S
    assert ttl_s >= drain_s + MARGIN_S


def test_a_time_to_live_that_is_too_short_for_the_drain_is_refused() -> None:
    lease = Lease(MemoryLeaseStore(), name="test", ttl_s=57.0, clock=FixedClock())

    with pytest.raises(ConfigurationError, match="expected 58 s or more") as caught:
        LeaseKeeper(lease, Dog(), drain_s=DRAIN_S)

    assert caught.value.exit_code == 78


class Rate:
    """A clock that runs too fast or too slow."""

    def __init__(self, clock: FixedClock, rate: float) -> None:
        self._clock = clock
        self._rate = rate
        self.now = clock.now
        self.sleep = clock.sleep

    def __call__(self) -> float:
        return self._clock() * self._rate


class World:
    """Two machines that want one lease; a supervisor, its watchdog and its engine on the first.

    The supervisor is frozen, killed and cut off from the lease's place at random, and it never
    stops its engine by itself: only the watchdog does. The engine orders at every turn.
    """

    STEP_S: Final = 0.25

    def __init__(self, seed: int, *, has_watchdog: bool = True) -> None:
        # A schedule that can be repeated, and not a secret.
        self.random = random.Random(seed)  # noqa: S311
        self.clock = FixedClock()
        self.place = Place()
        here = Rate(self.clock, self.random.uniform(0.91, 1.09))
        there = Rate(self.clock, self.random.uniform(0.91, 1.09))
        self.here: WaitingClock = here
        self.lease = Lease(self.place, name="test", ttl_s=TTL_S, clock=here)
        self.rival = Lease(self.place, name="test", ttl_s=TTL_S, clock=there)
        self.lease.acquire()
        self.has_watchdog = has_watchdog
        self.is_alive = True
        self.word = ParentWord(float("inf"))
        self.keeper = LeaseKeeper(self.lease, self, drain_s=DRAIN_S, clock=here)
        self.frozen_until_s = self.cut_off_until_s = 0.0
        self.is_killed = self.is_engine_dead = False
        self.wrong_orders = self.orders_placed = 0

    def answers(self) -> bool:
        return True

    def feed(self, seconds: float) -> None:
        self.word.take(feed_line(self.here() + seconds))

    def run(self, seconds: float) -> "World":
        actors = [self.supervise, self.watch, self.order, self.compete]
        for _ in range(int(seconds / self.STEP_S)):
            self.misfortune()
            self.random.shuffle(actors)
            for act in actors:
                act()
            self.clock.advance(timedelta(seconds=self.STEP_S))
        return self

    def misfortune(self) -> None:
        now, draw = self.clock(), self.random.random()
        if draw < 0.004:
            self.frozen_until_s = now + self.random.uniform(0, 2 * TTL_S)
        elif draw < 0.008:
            self.cut_off_until_s = now + self.random.uniform(0, 2 * TTL_S)
        elif draw < 0.0085:
            self.is_killed = True
        self.place.is_reachable = now >= self.cut_off_until_s

    def supervise(self) -> None:
        if self.clock() >= self.frozen_until_s and not self.is_killed:
            self.keeper.keep()

    def watch(self) -> None:
        is_over = self.is_killed or self.here() >= self.word.until_s
        if self.has_watchdog and is_over:
            self.is_engine_dead = True

    def order(self) -> None:
        if not self.is_engine_dead:
            self.orders_placed += 1
            self.wrong_orders += not self.lease.remaining_s or self.rival.remaining_s > 0

    def compete(self) -> None:
        is_reached, self.place.is_reachable = self.place.is_reachable, True
        if self.random.random() < 0.1 and not self.rival.remaining_s:
            with suppress(LeaseHeldError, LeaseLostError):
                self.rival.acquire(wait_s=0)
        self.place.is_reachable = is_reached


def _seeds(number: int) -> list[int]:
    return list(range(number))


def _wrong(seeds: list[int], make: Callable[[int], World]) -> tuple[int, int, int]:
    worlds = [make(seed).run(300) for seed in seeds]
    return (
        sum(world.wrong_orders > 0 for world in worlds),
        sum(world.is_engine_dead for world in worlds),
        sum(world.rival.remaining_s > 0 for world in worlds),
    )


@pytest.mark.parametrize(
    "number", [50, pytest.param(1_000, marks=pytest.mark.deep)], ids=["few", "many"]
)
def test_no_order_is_placed_after_the_lease_was_lost(number: int) -> None:
    wrong, ended, taken = _wrong(_seeds(number), World)

    assert wrong == 0
    # The schedules are such that it matters.
    assert ended > number / 2
    assert taken > number / 10


def test_without_a_watchdog_orders_would_be_placed_after_the_lease_was_lost() -> None:
    wrong, _, _ = _wrong(_seeds(20), lambda seed: World(seed, has_watchdog=False))

    assert wrong > 5
