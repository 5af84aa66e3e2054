"""Never two holders at once, whatever the schedule: processes and their clocks are simulated.

Every process has a clock of its own, with another rate, another start and another time of day. It
may be paused at each reading of the clock and at each request, or killed. Requests and answers take
time, are lost, or arrive long after the client has given up. A seed draws all of it.
"""

import heapq
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import pytest

from tradai.core import Lease, LeaseStore, StoredObject
from tradai.core._lease import lease as lease_module
from tradai.core._lease.record import LeaseRecord
from tradai.core._lease.sighting import Sighting
from tradai.core.exceptions import ExternalServiceError, LeaseHeldError, LeaseLostError
from tradai.core.testing import MemoryLeaseStore

QUICK: Final = 10
SEEDS: Final = 10_000
BATCH: Final = 500
# Schedules that a planted mistake has to hide in.
PLANTED: Final = 100
# Each clock runs up to ten percent too fast or too slow.
DRIFT: Final = 0.1
TIMEOUT_S: Final = 2.0
NEW_YEAR: Final = datetime(2025, 1, 1, tzinfo=UTC)


class DoubleHolderError(AssertionError):
    """Two processes believe that they hold the lease."""


class KilledError(BaseException):
    """The process is killed, between any two of its steps."""


class OverError(BaseException):
    """The simulation is over."""


class Simulation:
    """Some processes and one store, until `end_s`."""

    def __init__(self, seed: int, store: LeaseStore, *, processes: int = 3, end_s: float) -> None:
        """Draw everything from `seed`; keep the lease in `store`."""
        # Drawn anew for each seed, not for cryptography.
        self.random = random.Random(seed)  # noqa: S311
        self.latency_s = self.random.choice([0.01, 0.1, 0.5])
        self.store = store
        self.now_s = 0.0
        self.tokens: list[int] = []
        self._last = (0, "")
        self._end_s = end_s
        self._order = count()
        self._queue: list[tuple[float, int, Callable[[], bool]]] = []
        self._processes = [Process(self) for _ in range(processes)]
        self._failure: BaseException | None = None
        self._is_over = threading.Event()

    def run(self) -> None:
        """Run to the end, or raise the first failure."""
        threads = [threading.Thread(target=self._live, args=(one,)) for one in self._processes]
        for process, thread in zip(self._processes, threads, strict=True):
            self.at(0.0, process.wake)
            thread.start()
        self._next()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def at(self, at_s: float, action: Callable[[], bool]) -> None:
        """Do `action` at `at_s`; it returns whether it has woken a process."""
        heapq.heappush(self._queue, (at_s, next(self._order), action))

    def pause(self, process: "Process", seconds: float) -> None:
        """Let the others run for `seconds`, then come back to `process`."""
        self.at(self.now_s + seconds, process.wake)
        self._next()
        process.gate.acquire()
        if self._is_over.is_set():
            raise OverError

    def write(self, data: bytes, expected: str | None) -> str:
        """Write to the store, and note the token of each new holder."""
        etag = self.store.replace(data, expected=expected)
        record = LeaseRecord.from_bytes(data, lease="test")
        if (record.token, record.owner) != self._last:
            self._last = record.token, record.owner
            self.tokens.append(record.token)
        return etag

    def check(self) -> None:
        """Raise when two processes believe at this instant."""
        believers = [process for process in self._processes if process.believes()]
        if len(believers) > 1:
            raise DoubleHolderError(self.now_s)

    def _next(self) -> None:
        """Do what comes next, up to the first step of a process."""
        while not self._is_over.is_set():
            self.now_s, _, action = heapq.heappop(self._queue)
            self.check()
            if self.now_s > self._end_s:
                self._end(None)
            elif action():
                return

    def _live(self, process: "Process") -> None:
        process.gate.acquire()
        try:
            with suppress(OverError):
                process.live()
        # A planted mistake may raise anything; the test gets it.
        except BaseException as exc:  # noqa: BLE001
            self._end(exc)

    def _end(self, failure: BaseException | None) -> None:
        self._failure = self._failure or failure
        self._is_over.set()
        for process in self._processes:
            process.gate.release()


class Process:
    """A process with its own clock; it acquires, renews, releases, dies, and starts again."""

    def __init__(self, simulation: Simulation) -> None:
        """Draw the clock."""
        self.gate = threading.Semaphore(0)
        self._simulation = simulation
        self._random = simulation.random
        self._rate = 1 + self._random.choice([-DRIFT, 0, DRIFT])
        self._start_s = self._random.uniform(0, 1e6)
        self._patience_s = self._random.choice([0.5, 2.0])
        self._time_of_day_off = timedelta(seconds=self._random.uniform(-600, 600))
        self._lease: Lease | None = None
        self._is_watched = False

    def wake(self) -> bool:
        """Go on."""
        self.gate.release()
        return True

    def believes(self) -> bool:
        """Whether the process would believe that it holds the lease if it looked right now."""
        self._is_watched = True
        remaining_s = self._lease.remaining_s if self._lease else 0.0
        self._is_watched = False
        return remaining_s > 0

    def __call__(self) -> float:
        """Return the seconds by the clock of this process, which may be paused afterwards."""
        now_s = self._start_s + self._rate * self._simulation.now_s
        if not self._is_watched and self._random.random() < 0.05:
            self.pause()
        return now_s

    def now(self) -> datetime:
        """Return the time of day."""
        return NEW_YEAR + timedelta(seconds=self._simulation.now_s) + self._time_of_day_off

    def sleep(self, seconds: float, /) -> None:
        """Sleep for `seconds` of this clock, or longer."""
        self._simulation.pause(self, seconds / self._rate)

    def pause(self) -> None:
        """Stop for a while, or for good."""
        if self._random.random() < 0.1:
            raise KilledError
        self._simulation.pause(self, self._random.expovariate(1 / 4.0))

    def live(self) -> None:
        """Start again and again."""
        while True:
            store = SlowStore(self, self._simulation)
            ttl_s = self._random.choice([4.0, 8.0, 32.0])
            self._lease = Lease(store, name="test", holder="one", ttl_s=ttl_s, clock=self)
            try:
                self._work(self._lease)
            except KilledError:
                self._lease = None
                self.sleep(self._random.uniform(0, 10))

    def _work(self, lease: Lease) -> None:
        while True:
            try:
                token = lease.acquire(wait_s=self._random.choice([None, 0.0, 0.0]))
                self._hold(lease, token)
            except (LeaseHeldError, ExternalServiceError):
                self.sleep(self._random.uniform(0, self._patience_s))
            except LeaseLostError:
                continue

    def _hold(self, lease: Lease, token: int) -> None:
        for _ in range(self._random.randrange(6)):
            self.sleep(lease.ttl_s * self._random.uniform(0.1, 0.6))
            try:
                lease.renew()
            except ExternalServiceError:
                continue
            assert lease.check() == token
        if self._random.random() < 0.4:
            # It forgets to renew, and still believes.
            self.sleep(lease.ttl_s)
        lease.release()


class SlowStore:
    """The store as one process sees it, behind a network."""

    def __init__(self, process: Process, simulation: Simulation) -> None:
        """Stand between `process` and the store of `simulation`."""
        self._process = process
        self._simulation = simulation
        self._random = simulation.random

    def read(self) -> StoredObject | None:
        """Ask, and answer what was there in the meantime."""
        self._travel()
        found = self._simulation.store.read()
        self._travel()
        if self._random.random() < 0.05:
            self._give_up()
        return found

    def replace(self, data: bytes, *, expected: str | None) -> str:
        """Write now, later, or never; the process may not hear of it."""
        fate = self._random.random()
        if fate < 0.05:
            self._give_up()
        if fate < 0.1:
            late_s = self._simulation.now_s + self._random.uniform(0, 40)
            self._simulation.at(late_s, lambda: self._write_late(data, expected))
            self._give_up()
        self._travel()
        etag = self._simulation.write(data, expected)
        self._travel()
        if fate < 0.2:
            self._give_up()
        return etag

    def _travel(self) -> None:
        self._simulation.pause(
            self._process, self._random.expovariate(1 / self._simulation.latency_s)
        )
        if self._random.random() < 0.05:
            self._process.pause()

    def _give_up(self) -> None:
        self._simulation.pause(self._process, TIMEOUT_S)
        message = "the store did not answer in time"
        raise ExternalServiceError(message, service="simulated", operation="ask", retryable=True)

    def _write_late(self, data: bytes, expected: str | None) -> bool:
        with suppress(ExternalServiceError):
            self._simulation.write(data, expected)
        return False


def run(seed: int, store: LeaseStore) -> Simulation:
    simulation = Simulation(seed, store, end_s=300.0)
    simulation.run()
    return simulation


@pytest.mark.parametrize("seed", range(QUICK))
def test_two_processes_never_hold_a_lease_at_once(seed: int) -> None:
    done = run(seed, MemoryLeaseStore())

    assert done.tokens == sorted(set(done.tokens))
    assert len(done.tokens) > 5


@pytest.mark.deep
@pytest.mark.parametrize("first", range(QUICK, SEEDS + QUICK, BATCH))
def test_two_processes_never_hold_a_lease_at_once_in_many_schedules(first: int) -> None:
    for seed in range(first, first + BATCH):
        done = run(seed, MemoryLeaseStore())
        assert done.tokens == sorted(set(done.tokens)), seed


def _forget_that_clocks_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "_BELIEVED", 1.0)


def _count_from_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    right = vars(Lease)["_write"]

    def write(self: Lease, record: LeaseRecord, *, expected: str | None) -> None:
        right(self, record, expected=expected)
        assert self._holding
        until_s = self._clock() + 0.8 * record.ttl_s
        self._holding = replace(self._holding, until_s=until_s)

    monkeypatch.setattr(Lease, "_write", write)


def _compare_times_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    def left_s(self: Sighting, record: LeaseRecord) -> float:
        age = self._clock.now() - record.renewed_at
        return max(0.0, record.ttl_s - age.total_seconds())

    monkeypatch.setattr(Sighting, "left_s", left_s)


def _watch_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Sighting.left_s
    monkeypatch.setattr(Sighting, "left_s", lambda *args: max(0.0, right(*args) - 2))


def _go_on_counting_when_the_record_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Sighting.note

    def note(self: Sighting, etag: str) -> None:
        since_s = self._since_s
        right(self, etag)
        self._since_s = since_s or self._since_s

    monkeypatch.setattr(Sighting, "note", note)


def _trust_own_time_to_live(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Sighting.left_s

    def left_s(self: Sighting, record: LeaseRecord) -> float:
        return right(self, record.model_copy(update={"ttl_s": 4.0}))

    monkeypatch.setattr(Sighting, "left_s", left_s)


class StoreThatForgetsToCompare:
    def __init__(self) -> None:
        self.inner = MemoryLeaseStore()

    def read(self) -> StoredObject | None:
        return self.inner.read()

    def replace(self, data: bytes, *, expected: str | None) -> str:
        del expected
        found = self.inner.read()
        return self.inner.replace(data, expected=found and found.etag)


def is_found(make_store: Callable[[], LeaseStore]) -> bool:
    for seed in range(PLANTED):
        try:
            run(seed, make_store())
        except DoubleHolderError:
            return True
    return False


@pytest.mark.parametrize(
    "plant",
    [
        _forget_that_clocks_differ,
        _count_from_the_answer,
        _compare_times_of_day,
        _watch_too_short,
        _go_on_counting_when_the_record_changes,
        _trust_own_time_to_live,
    ],
)
def test_the_schedules_find_a_planted_mistake(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)

    assert is_found(MemoryLeaseStore)


def test_the_schedules_find_a_store_that_does_not_compare() -> None:
    assert is_found(StoreThatForgetsToCompare)
