"""Sessions: moves with their reasons, heartbeats of the loop, and requests of operators.

The parts have no place in the door before a command uses them.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest

from tradai.core.exceptions import (
    ConflictError,
    ExternalServiceError,
    NotFoundError,
    TradingError,
    ValidationError,
)
from tradai.core.live import SessionRecord, SessionRequest, SessionState
from tradai.core.testing import FixedClock, MemoryJournal, MemorySessionStore
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._live.session_requests import request_session

RUNNING, PAUSED, DRAINING = SessionState.RUNNING, SessionState.PAUSED, SessionState.DRAINING
STOPPED: Final = SessionState.STOPPED


class UnsteadyStore:
    """Sessions in memory; the next writes fail as `plan` says, before or after they happen."""

    def __init__(self) -> None:
        self.inner = MemorySessionStore()
        self.plan: list[str] = []
        self.writes = 0

    def read(self, session: str) -> SessionRecord | None:
        return self.inner.read(session)

    def records(self) -> Iterator[SessionRecord]:
        return self.inner.records()

    def write(self, record: SessionRecord) -> None:
        self.writes += 1
        fault = self.plan.pop(0) if self.plan else ""
        if fault == "refuse":
            raise _no_answer()
        self.inner.write(record)
        if fault == "lose the answer":
            raise _no_answer()


class Desk:
    """A store, a clock and a journal, and the sessions that are started with them."""

    def __init__(self) -> None:
        self.store = UnsteadyStore()
        self.clock = FixedClock()
        self.journal = MemoryJournal(clock=self.clock)

    def start(self, run_id: str = "run-1") -> Session:
        return Session.start(
            self.store, session="trend", run_id=run_id, journal=self.journal, clock=self.clock
        )

    def running(self) -> Session:
        session = self.start()
        session.move(SessionState.WARM_UP, "the checks are good")
        session.move(RUNNING, "the engine is up")
        return session

    def request(self, state: SessionState, reason: str = "a look at the ledger") -> SessionRequest:
        fields = {"state": state, "reason": reason, "by": "an operator", "at": self.clock.now()}
        request = SessionRequest.model_validate(fields)
        request_session(self.store, "trend", request)
        return request

    @property
    def record(self) -> SessionRecord:
        found = self.store.read("trend")
        assert found is not None
        return found


@pytest.fixture
def desk() -> Desk:
    return Desk()


def _no_answer() -> ExternalServiceError:
    return ExternalServiceError("the store does not answer", service="test", operation="write")


def test_each_move_is_in_the_record_and_in_the_journal_with_its_reason(desk: Desk) -> None:
    desk.running().move(DRAINING, "SIGTERM")

    assert (desk.record.state, desk.record.reason) == (DRAINING, "SIGTERM")
    assert [entry.facts for entry in desk.journal.entries()] == [
        {"session": "trend", "predecessor": None},
        {"start": "starting", "end": "warm-up", "reason": "the checks are good"},
        {"start": "warm-up", "end": "running", "reason": "the engine is up"},
        {"start": "running", "end": "draining", "reason": "SIGTERM"},
    ]


def test_an_illegal_move_changes_nothing(desk: Desk) -> None:
    session = desk.running()
    before = desk.record

    with pytest.raises(ValidationError, match="running cannot become stopped"):
        session.move(STOPPED, "a mistake")

    assert (session.state, desk.record) == (RUNNING, before)
    assert len(list(desk.journal.entries())) == 3


def test_a_heartbeat_follows_the_progress_of_the_loop_and_no_timer(desk: Desk) -> None:
    session = desk.running()
    instants = []
    for progress in (1, 1, 2, 2, 0):
        desk.clock.advance(timedelta(seconds=5))
        session.beat(progress)
        instants.append((desk.record.progressed_at, desk.record.beat_at))

    start = instants[0][0]
    seconds = [((a - start).total_seconds(), (b - start).total_seconds()) for a, b in instants]
    assert seconds == [(0, 0), (0, 5), (10, 10), (10, 15), (20, 20)]


@pytest.mark.parametrize("state", [PAUSED, STOPPED])
def test_a_request_is_seen_by_the_next_heartbeat_until_it_is_obeyed(
    desk: Desk, state: SessionState
) -> None:
    session = desk.running()
    assert session.beat(1) is None
    request = desk.request(state)

    assert session.beat(2) == request
    assert session.beat(3) == request

    session.move(PAUSED if state is PAUSED else DRAINING, request.reason, obeyed=request)
    assert session.beat(4) is None
    assert (desk.record.request, desk.record.progress) == (None, 4)


def test_a_heartbeat_without_a_request_is_one_write(desk: Desk) -> None:
    session = desk.running()
    before = desk.store.writes

    session.beat(1)

    assert desk.store.writes == before + 1


def test_a_newer_request_is_not_lost_when_the_older_one_is_obeyed(desk: Desk) -> None:
    session = desk.running()
    older = desk.request(PAUSED)
    assert session.beat(1) == older
    newer = desk.request(STOPPED)

    session.move(PAUSED, older.reason, obeyed=older)

    assert session.state is PAUSED
    assert session.beat(2) == newer


@pytest.mark.parametrize("fault", ["refuse", "lose the answer"])
def test_a_move_is_made_and_written_later_when_the_store_does_not_answer(
    desk: Desk, fault: str
) -> None:
    session = desk.running()
    request = desk.request(STOPPED)
    session.beat(1)
    desk.store.plan = [fault]

    with pytest.raises(ExternalServiceError):
        session.move(DRAINING, "a request", obeyed=request)
    assert session.state is DRAINING

    assert session.beat(2) is None
    assert (desk.record.state, desk.record.reason) == (DRAINING, "a request")
    assert (desk.record.progress, desk.record.request) == (2, None)


def test_a_session_whose_record_another_process_has_must_stop(desk: Desk) -> None:
    late = desk.running()
    following = desk.start("run-2")

    with pytest.raises(TradingError, match="not ours any more") as caught:
        late.beat(1)
    with pytest.raises(TradingError, match="not ours any more"):
        late.move(DRAINING, "SIGTERM")

    assert caught.value.reason == "session_taken"

    assert desk.record.run_id == "run-2"
    following.beat(1)


def test_of_two_sessions_that_start_at_once_one_does(desk: Desk) -> None:
    class LateStore(UnsteadyStore):
        def read(self, session: str) -> SessionRecord | None:
            found = super().read(session)
            desk.start("run-1")
            return found

    late = LateStore()
    late.inner = desk.store.inner

    with pytest.raises(ConflictError):
        Session.start(late, session="trend", run_id="run-2", journal=desk.journal)

    assert desk.record.run_id == "run-1"


def test_a_session_names_its_predecessor(desk: Desk) -> None:
    desk.start("run-1")
    desk.start("run-2")

    assert desk.record.predecessor == "run-1"


def test_a_request_survives_the_session_that_was_killed_before_it_obeyed(desk: Desk) -> None:
    desk.running()
    request = desk.request(STOPPED)

    successor = desk.start("run-2")

    assert successor.beat(0) == request


def test_a_session_that_was_killed_in_a_pause_is_paused_again(desk: Desk) -> None:
    desk.running().move(PAUSED, "the drawdown is 0.2")

    left = desk.start("run-2").request

    assert left is not None
    assert (left.state, left.reason, left.by) == (PAUSED, "the drawdown is 0.2", "run run-1")


@pytest.mark.parametrize(
    ("wanted", "is_left"), [(RUNNING, False), (STOPPED, False), (PAUSED, True)]
)
def test_a_session_that_has_ended_leaves_no_request_but_a_pause(
    desk: Desk, wanted: SessionState, *, is_left: bool
) -> None:
    session = desk.running()
    request = desk.request(wanted)
    session.move(DRAINING, "SIGTERM")
    session.move(STOPPED, "the engine has ended")

    assert desk.start("run-2").request == (request if is_left else None)


def test_a_pause_that_is_left_outlasts_a_write_whose_answer_was_lost(desk: Desk) -> None:
    session = desk.running()
    request = desk.request(PAUSED)
    session.beat(0)
    session.move(PAUSED, "the news", obeyed=request)
    # As the session itself wrote it, which does not know that.
    desk.store.write(desk.record.model_copy(update={"version": desk.record.version + 1}))

    session.move(DRAINING, "SIGTERM", left=request)

    assert desk.record.request == request


def test_a_request_to_a_session_that_is_not_there_or_has_ended_is_refused(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="no session trend"):
        desk.request(PAUSED)

    desk.start().move(STOPPED, "refused")
    with pytest.raises(ValidationError, match="the session trend is stopped"):
        desk.request(PAUSED)


def test_a_request_is_left_also_when_the_session_writes_at_the_same_time(desk: Desk) -> None:
    session = desk.running()

    class StoreOfTheOperator(UnsteadyStore):
        def write(self, record: SessionRecord) -> None:
            if not self.writes:
                session.beat(1)
            super().write(record)

    store = StoreOfTheOperator()
    store.inner = desk.store.inner
    fields = {"state": PAUSED, "reason": "a test", "by": "a test", "at": desk.clock.now()}
    request = SessionRequest.model_validate(fields)

    request_session(store, "trend", request)

    assert (desk.record.progress, desk.record.request) == (1, request)
    assert session.beat(2) == request


@pytest.mark.parametrize(
    ("reason", "shown"), [("", "no reason was given"), ("the loss grew, " * 999, "the loss grew")]
)
def test_no_reason_keeps_a_session_from_moving(desk: Desk, reason: str, shown: str) -> None:
    desk.running().move(DRAINING, reason)

    assert desk.record.state is DRAINING
    assert desk.record.reason.startswith(shown)


def test_a_session_counts_its_starts_for_the_restart_budget(desk: Desk) -> None:
    first = desk.start().starts
    desk.clock.advance(timedelta(minutes=1))

    second = desk.start("run-2").starts

    assert second == (*first, first[0] + timedelta(minutes=1))


def test_a_start_whose_session_was_stopped_in_good_order_is_not_counted(desk: Desk) -> None:
    cut_off = desk.start("run-1").starts
    session = desk.start("run-2")
    for state in (SessionState.WARM_UP, RUNNING, DRAINING, STOPPED):
        session.move(state, "a test")

    assert desk.record.starts == cut_off


def test_a_start_that_is_to_be_counted_is_counted_also_when_its_session_was_stopped(
    desk: Desk,
) -> None:
    session = desk.running()
    session.count_start()
    session.move(DRAINING, "a risk drains")
    session.move(STOPPED, "it is over")

    assert len(desk.record.starts) == 1


@pytest.mark.parametrize("end", [SessionState.FAILED, SessionState.HALTED])
def test_a_start_whose_session_failed_is_counted(desk: Desk, end: SessionState) -> None:
    session = desk.running()
    for state in (DRAINING, end):
        session.move(state, "a test")

    assert len(desk.record.starts) == 1


def test_a_record_of_an_earlier_version_has_no_starts(desk: Desk) -> None:
    desk.start()
    (record,) = desk.store.records()

    older = json.loads(record.to_bytes())
    del older["starts"]

    assert SessionRecord.from_bytes(json.dumps(older).encode(), place="s").starts == ()
