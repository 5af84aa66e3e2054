"""Leases one by one: lost answers, late answers, forks, threads, and values that are not usable."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tradai.core import Lease, LeaseStore, ObjectLeaseStore, Secret, StoredObject, lease_for
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    ExternalServiceError,
    LeaseHeldError,
    LeaseLostError,
    StorageError,
    TradAIError,
    ValidationError,
)
from tradai.core.testing import FixedClock, LeaseContract, MemoryLeaseStore

TTL_S = 30.0


class TestFileLease(LeaseContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], LeaseStore]:
        return lambda: ObjectLeaseStore.for_file(str(tmp_path / "leases" / "one"))


class TestMemoryLease(LeaseContract):
    @pytest.fixture
    def open_store(self) -> Callable[[], LeaseStore]:
        store = MemoryLeaseStore()
        return lambda: store


class UnsteadyStore:
    """A store whose next writes fail as `plan` says: before or after they happen, or slowly."""

    def __init__(self, clock: FixedClock) -> None:
        self.inner = MemoryLeaseStore()
        self.plan: list[str] = []
        self.writes = 0
        self._clock = clock

    def read(self) -> StoredObject | None:
        return self.inner.read()

    def replace(self, data: bytes, *, expected: str | None) -> str:
        fault = self.plan.pop(0) if self.plan else ""
        self.writes += 1
        if fault == "refuse":
            raise _no_answer()
        etag = self.inner.replace(data, expected=expected)
        if fault == "lose the answer":
            raise _no_answer()
        if fault == "answer late":
            self._clock.advance(timedelta(seconds=TTL_S))
        return etag


def _no_answer() -> ExternalServiceError:
    message = "the store did not answer; try again"
    return ExternalServiceError(message, service="test", operation="replace", retryable=True)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def store(clock: FixedClock) -> UnsteadyStore:
    return UnsteadyStore(clock)


@pytest.fixture
def make(store: UnsteadyStore, clock: FixedClock) -> Callable[..., Lease]:
    def lease(holder: str = "a test", ttl_s: float = TTL_S) -> Lease:
        return Lease(store, name="test", holder=holder, ttl_s=ttl_s, clock=clock)

    return lease


Make = Callable[..., Lease]


def test_a_renewal_whose_answer_was_lost_does_not_lose_the_lease(
    make: Make, store: UnsteadyStore, clock: FixedClock
) -> None:
    lease = make()
    token = lease.acquire()
    store.plan = ["lose the answer"]
    clock.advance(timedelta(seconds=10))
    with pytest.raises(ExternalServiceError):
        lease.renew()

    clock.advance(timedelta(seconds=10))
    lease.renew()

    assert lease.check() == token
    assert lease.remaining_s == pytest.approx(0.8 * TTL_S)


def test_an_acquisition_whose_answer_was_lost_can_be_repeated_at_once(
    make: Make, store: UnsteadyStore, clock: FixedClock
) -> None:
    lease = make()
    store.plan = ["lose the answer"]
    with pytest.raises(ExternalServiceError):
        lease.acquire()
    with pytest.raises(LeaseLostError):
        lease.check()

    assert lease.acquire(wait_s=0) == lease.check()
    assert clock() == 0


def test_an_outage_does_not_prolong_the_belief(
    make: Make, store: UnsteadyStore, clock: FixedClock
) -> None:
    lease = make()
    lease.acquire()
    store.plan = ["refuse"] * 99

    for _ in range(23):
        clock.advance(timedelta(seconds=1))
        with pytest.raises(ExternalServiceError):
            lease.renew()
        assert lease.check()
    clock.advance(timedelta(seconds=1))

    with pytest.raises(LeaseLostError, match="not renewed in time"):
        lease.check()
    with pytest.raises(LeaseLostError):
        lease.renew()


def test_an_acquisition_that_is_answered_after_its_time_is_not_held(
    make: Make, store: UnsteadyStore
) -> None:
    store.plan = ["answer late"]

    with pytest.raises(LeaseLostError):
        make().acquire()


def test_a_renewal_that_is_answered_after_its_time_is_lost(
    make: Make, store: UnsteadyStore
) -> None:
    lease = make()
    lease.acquire()
    store.plan = ["answer late"]

    with pytest.raises(LeaseLostError):
        lease.renew()


def test_a_process_that_was_paused_finds_out_at_its_next_look(
    make: Make, clock: FixedClock
) -> None:
    paused, following = make(), make()
    paused.acquire()
    clock.advance(timedelta(hours=1))

    with pytest.raises(LeaseLostError):
        paused.check()
    # The belief is gone before another process has even looked.
    assert paused.remaining_s == 0
    with pytest.raises(LeaseHeldError):
        following.acquire(wait_s=0)


def test_the_belief_ends_before_another_process_can_have_the_lease(
    make: Make, clock: FixedClock
) -> None:
    holder, waiting = make(), make()
    holder.acquire()
    with pytest.raises(LeaseHeldError):
        waiting.acquire(wait_s=0)

    clock.advance(timedelta(seconds=0.8 * TTL_S))
    assert holder.remaining_s == 0
    with pytest.raises(LeaseHeldError):
        waiting.acquire(wait_s=0)
    clock.advance(timedelta(seconds=0.2 * TTL_S))
    assert waiting.acquire(wait_s=0)


def test_the_wait_of_the_holder_counts_not_that_of_the_one_who_waits(
    make: Make, clock: FixedClock
) -> None:
    make(ttl_s=600.0).acquire()
    impatient = make(ttl_s=1.0)
    with pytest.raises(LeaseHeldError):
        impatient.acquire(wait_s=0)
    clock.advance(timedelta(seconds=599))

    with pytest.raises(LeaseHeldError) as caught:
        impatient.acquire(wait_s=0)

    assert caught.value.retry_after_s == pytest.approx(1)


def test_a_living_holder_is_noticed_long_before_its_time_to_live(
    make: Make, store: UnsteadyStore, clock: FixedClock
) -> None:
    holder = make("the holder")
    holder.acquire()

    class RenewingClock:
        def __call__(self) -> float:
            return clock()

        now = staticmethod(clock.now)

        def sleep(self, seconds: float, /) -> None:
            clock.sleep(seconds)
            if clock() >= TTL_S / 3:
                holder.renew()

    waiting = Lease(store, name="test", clock=RenewingClock())

    with pytest.raises(LeaseHeldError, match="the holder"):
        waiting.acquire()
    assert clock() < TTL_S / 2


def test_waiting_for_a_while_ends_in_time(make: Make, clock: FixedClock) -> None:
    make().acquire()

    with pytest.raises(LeaseHeldError):
        make().acquire(wait_s=10)

    assert clock() == pytest.approx(10, abs=TTL_S / 20)


def test_a_look_at_a_lease_takes_nothing_and_begins_the_wait_for_its_end(
    make: Make, store: UnsteadyStore, clock: FixedClock
) -> None:
    make("killed").acquire()
    waiting, before = make("waiting"), store.read()

    looks = [waiting.held_for_s()]
    clock.advance(timedelta(seconds=TTL_S / 2))
    looks.append(waiting.held_for_s())
    clock.advance(timedelta(seconds=TTL_S / 2))
    looks.append(waiting.held_for_s())

    assert looks == [TTL_S, TTL_S / 2, 0]
    assert store.read() == before
    waiting.acquire(wait_s=0)
    assert waiting.held_for_s() == 0


def test_a_look_at_a_free_lease_finds_no_holder(make: Make) -> None:
    assert make().held_for_s() == 0


def test_a_thread_with_the_same_object_is_another_holder(make: Make) -> None:
    lease = make()
    lease.acquire()

    with pytest.raises(LeaseHeldError):
        lease.acquire(wait_s=0)


def test_one_of_two_threads_with_the_same_object_acquires(make: Make) -> None:
    lease, barrier = make(), threading.Barrier(2)
    won, refused = [], []

    def acquire() -> None:
        barrier.wait(60)
        try:
            won.append(lease.acquire(wait_s=0))
        except LeaseHeldError as exc:
            refused.append(exc)

    threads = [threading.Thread(target=acquire) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(refused)) == (1, 1)
    assert lease.check() == won[0]


def test_another_thread_may_release(make: Make) -> None:
    lease = make()
    lease.acquire()
    thread = threading.Thread(target=lease.release)
    thread.start()
    thread.join()

    assert make().acquire(wait_s=0)


FORK = """
import os, sys
from tradai.core import lease_for
from tradai.core.exceptions import LeaseHeldError

lease = lease_for(sys.argv[1])
token = lease.acquire()
child = os.fork()
if child == 0:
    assert lease.remaining_s == 0
    lease.release()
    try:
        lease.acquire(wait_s=0)
    except LeaseHeldError:
        os._exit(0)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
lease.renew()
assert lease.check() == token
print("held")
"""


def test_a_forked_process_does_not_hold_the_lease_of_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-Pc", FORK, str(tmp_path / "lease")]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout, done.stderr) == ("held\n", "")


def test_a_release_that_failed_is_not_held_and_can_be_repeated(
    make: Make, store: UnsteadyStore
) -> None:
    lease = make()
    lease.acquire()
    store.plan = ["refuse"]
    with pytest.raises(ExternalServiceError):
        lease.release()
    with pytest.raises(LeaseLostError):
        lease.check()

    lease.release()

    assert make().acquire(wait_s=0)


def test_a_release_whose_answer_was_lost_is_one(make: Make, store: UnsteadyStore) -> None:
    lease = make()
    lease.acquire()
    store.plan = ["lose the answer"]
    with pytest.raises(ExternalServiceError):
        lease.release()

    assert make().acquire(wait_s=0)
    lease.release()


def test_a_failed_release_after_the_work_is_a_warning(
    make: Make, store: UnsteadyStore, caplog: pytest.LogCaptureFixture
) -> None:
    with make() as lease:
        store.plan = ["refuse"]

    assert [record.message for record in caplog.records] == ["lease not released"]
    with pytest.raises(LeaseLostError):
        lease.check()


def test_a_store_that_does_not_answer_hides_no_error_of_the_work(
    make: Make, store: UnsteadyStore
) -> None:
    def work() -> None:
        with make():
            store.plan = ["refuse"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


def test_a_store_that_refuses_without_showing_why_is_an_error(clock: FixedClock) -> None:
    class Broken:
        def read(self) -> None:
            return None

        def replace(self, data: bytes, *, expected: str | None) -> str:
            del data, expected
            message = "it exists already; read it again"
            raise ConflictError(message, operation="replace")

    with pytest.raises(ConflictError):
        Lease(Broken(), name="test", clock=clock).acquire()


def test_a_name_that_another_program_wrote_does_not_reach_the_terminal(
    make: Make, store: UnsteadyStore
) -> None:
    make().acquire()
    found = store.read()
    assert found is not None
    store.replace(found.data.replace(b"a test", rb"\u001b[2J"), expected=found.etag)

    with pytest.raises(LeaseHeldError) as caught:
        make().acquire(wait_s=0)

    assert caught.value.holder == r"\x1b[2J"
    assert "\x1b" not in str(caught.value)


def test_releasing_what_is_not_held_asks_nothing(make: Make, store: UnsteadyStore) -> None:
    lease = make()

    lease.release()
    lease.acquire()
    lease.release()
    writes = store.writes
    lease.release()

    assert store.writes == writes


def test_a_token_also_grows_when_the_record_was_deleted(tmp_path: Path, clock: FixedClock) -> None:
    path = tmp_path / "lease"

    def token() -> int:
        store = ObjectLeaseStore.for_file(str(path))
        with Lease(store, name="test", clock=clock) as lease:
            return lease.check()

    before = [token(), token(), token()]
    path.unlink()
    clock.advance(timedelta(seconds=1))

    assert token() > max(before)


RECORD = (
    b'{"format":1,"holder":"a","owner":"a","token":1,"ttl_s":%s,"write":"a",'
    b'"acquired_at":"2025-01-01T00:00:00Z","renewed_at":"2025-01-01T00:00:00Z"}'
)
ENDLESS, NEVER = RECORD % b"1e308", RECORD % b"NaN"


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"torn", b'{"format": 2}', b"\xff", b"[1]", b"null", b"9" * 5000, ENDLESS, NEVER],
)
def test_a_record_that_cannot_be_read_is_never_taken(
    data: bytes, make: Make, store: UnsteadyStore, clock: FixedClock
) -> None:
    store.replace(data, expected=None)
    clock.advance(timedelta(days=1))

    with pytest.raises(StorageError, match="lease test cannot be read"):
        make().acquire()

    found = store.read()
    assert found is not None
    assert found.data == data


def test_a_lease_whose_record_was_deleted_is_lost(make: Make, store: UnsteadyStore) -> None:
    lease = make()
    lease.acquire()
    store.inner = MemoryLeaseStore()

    with pytest.raises(LeaseLostError, match="its record is gone"):
        lease.renew()
    with pytest.raises(LeaseLostError):
        lease.check()


@pytest.mark.parametrize("ttl_s", [0.0, -1.0, float("nan"), float("inf"), 86_401.0])
def test_a_time_to_live_out_of_bounds_is_refused(ttl_s: float, make: Make) -> None:
    with pytest.raises(ValidationError, match=r"0\.1 to 86,400 seconds"):
        make(ttl_s=ttl_s)


@pytest.mark.parametrize("holder", ["", "  ", "two\nlines", "\x1b[2J", "x" * 201])
def test_a_name_that_a_terminal_cannot_show_is_refused(holder: str, make: Make) -> None:
    with pytest.raises(ValidationError, match="holder"):
        make(holder)


def test_a_secret_in_the_name_of_a_holder_is_masked(make: Make, store: UnsteadyStore) -> None:
    secret = Secret("fake-value-of-a-key")

    make(f"bot with {secret.reveal()}").acquire()

    found = store.read()
    assert found is not None
    assert b"bot with ***" in found.data


def test_a_holder_without_a_name_is_named_by_machine_and_process(store: UnsteadyStore) -> None:
    lease = Lease(store, name="test")

    assert str(os.getpid()) in lease.holder
    assert os.uname().nodename in lease.holder


def test_a_file_lease_is_found_by_its_uri(tmp_path: Path) -> None:
    uri = (tmp_path / "leases" / "binance 1").as_uri()

    with lease_for(uri, holder="first") as lease, pytest.raises(LeaseHeldError) as caught:
        lease_for(uri).acquire(wait_s=0)

    assert lease.name == uri
    assert uri in str(caught.value)


def test_a_scheme_without_leases_names_those_that_have_them() -> None:
    with pytest.raises(ConfigurationError, match=r"tradai\.leases has no ftp: backend; use one of"):
        lease_for("ftp://host/lease")


@pytest.mark.parametrize("error", [LeaseHeldError, LeaseLostError])
def test_errors_of_leases_end_a_process_with_75(error: type[TradAIError]) -> None:
    assert error.exit_code == 75
