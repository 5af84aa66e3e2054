"""The right to trade: the lease is renewed in time, and a store of records stops nothing alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pytest

from tradai.core import Lease, StoredObject, Utc
from tradai.core.exceptions import ExternalServiceError, LeaseLostError
from tradai.core.live import SessionRecord, SessionRequest, SessionState
from tradai.core.testing import FixedClock, MemoryJournal, MemoryLeaseStore, MemorySessionStore
from tradai.entrypoint import ExitCode
from tradai.entrypoint._live.live_session import LiveSession
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._live.session_requests import request_session

TTL_S: Final = 60.0


class Time:
    """A clock that a test turns on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._wall = FixedClock()

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> Utc:
        at: datetime = self._wall.now()
        return at

    def sleep(self, seconds: float, /) -> None:
        self.seconds += seconds


@dataclass
class Leases:
    """A place of one lease, which may be away."""

    inner: MemoryLeaseStore = field(default_factory=MemoryLeaseStore)
    is_away: bool = False
    writes: int = 0

    def read(self) -> StoredObject | None:
        self._answer()
        return self.inner.read()

    def replace(self, data: bytes, *, expected: str | None) -> str:
        self._answer()
        self.writes += 1
        return self.inner.replace(data, expected=expected)

    def _answer(self) -> None:
        if self.is_away:
            message = "the place of leases does not answer"
            raise ExternalServiceError(message, service="leases", operation="replace")


@dataclass
class Records:
    """Session records, which may be away."""

    inner: MemorySessionStore = field(default_factory=MemorySessionStore)
    is_away: bool = False

    def read(self, session: str) -> SessionRecord | None:
        return self.inner.read(session)

    def records(self) -> Iterator[SessionRecord]:
        return self.inner.records()

    def write(self, record: SessionRecord) -> None:
        if self.is_away:
            message = "the store of sessions does not answer"
            raise ExternalServiceError(message, service="sessions", operation="write")
        self.inner.write(record)


class Desk:
    """A session that starts, with its lease."""

    def __init__(self) -> None:
        self.time, self.leases, self.records = Time(), Leases(), Records()
        self.journal = MemoryJournal()
        lease = Lease(self.leases, name="binance-1", ttl_s=TTL_S, clock=self.time)
        lease.acquire()
        self.session = self._start(lease)

    def _start(self, lease: Lease) -> LiveSession:
        session = Session.start(self.records, session="waves", run_id="run-1", journal=self.journal)
        return LiveSession(lease, session, clock=self.time)

    def beat_for(self, seconds: float, *, every: float = 5.0) -> None:
        """Beat as the loop of a handler does."""
        until = self.time.seconds + seconds
        while self.time.seconds < until:
            self.time.sleep(every)
            self.session.beat(lambda: int(self.time.seconds))

    def record(self) -> SessionRecord:
        found = self.records.read("waves")
        assert found is not None
        return found


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_session_that_beats_holds_its_lease_and_renews_it_three_times_in_its_life(
    desk: Desk,
) -> None:
    before = desk.leases.writes

    desk.beat_for(10 * TTL_S)

    assert desk.leases.writes - before == 30


def test_a_place_of_leases_that_is_away_for_a_while_stops_nothing(desk: Desk) -> None:
    desk.leases.is_away = True
    desk.beat_for(TTL_S / 2)
    desk.leases.is_away = False

    desk.beat_for(2 * TTL_S)

    assert desk.session.stop_reason is None


def test_a_lease_that_may_have_run_out_ends_the_session(desk: Desk) -> None:
    desk.leases.is_away = True

    with pytest.raises(LeaseLostError):
        desk.beat_for(TTL_S)

    assert desk.time.seconds <= TTL_S


def test_a_beat_that_comes_too_late_ends_the_session(desk: Desk) -> None:
    desk.time.sleep(TTL_S)

    with pytest.raises(LeaseLostError):
        desk.session.beat()


def test_a_heartbeat_shows_the_progress_of_the_loop(desk: Desk) -> None:
    desk.beat_for(40)

    assert 25 <= desk.record().progress <= 40


def test_an_engine_without_a_loop_yet_has_no_heartbeat(desk: Desk) -> None:
    before = desk.record()

    desk.time.sleep(20)
    desk.session.beat()

    assert desk.record() == before


def test_a_store_of_records_that_is_away_stops_nothing(desk: Desk) -> None:
    desk.records.is_away = True

    desk.beat_for(TTL_S)
    desk.session.move(SessionState.WARM_UP, "the engine is running")

    assert desk.session.stop_reason is None


def test_an_operator_who_asks_for_a_stop_is_obeyed_at_the_next_heartbeat(desk: Desk) -> None:
    request = SessionRequest(
        state=SessionState.STOPPED, reason="a test", by="Ada Example", at=FixedClock().now()
    )
    request_session(desk.records, "waves", request)

    desk.beat_for(20)

    assert desk.session.stop_reason == "Ada Example asked for it: a test"


def test_a_record_that_another_process_has_taken_stops_the_session_in_good_order(
    desk: Desk,
) -> None:
    Session.start(desk.records, session="waves", run_id="run-2", journal=desk.journal)

    desk.beat_for(20)

    assert "not ours any more" in str(desk.session.stop_reason)


@pytest.mark.parametrize(
    ("moves", "exit_code", "end"),
    [
        ([SessionState.DRAINING], ExitCode.DONE, SessionState.STOPPED),
        ([SessionState.DRAINING], ExitCode.MISMATCH, SessionState.FAILED),
        ([SessionState.WARM_UP, SessionState.RUNNING], ExitCode.DONE, SessionState.FAILED),
        ([], ExitCode.DONE, SessionState.FAILED),
    ],
)
def test_only_a_session_that_was_drained_in_good_order_is_stopped(
    desk: Desk, moves: list[SessionState], exit_code: ExitCode, end: SessionState
) -> None:
    for state in moves:
        desk.session.move(state, "a test")

    desk.session.end("it is over", is_success=exit_code is ExitCode.DONE)

    assert desk.record().state is end
