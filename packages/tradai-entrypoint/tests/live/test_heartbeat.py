"""The heartbeat of a session says how far the engine's loop has come."""

from datetime import timedelta

import pytest

from tradai.core.exceptions import ExternalServiceError, TradingError
from tradai.core.live import SessionRecord, SessionRequest, SessionState
from tradai.core.testing import FixedClock, MemoryJournal, MemorySessionStore
from tradai.entrypoint._live.heartbeat import Heartbeat
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._live.session_requests import request_session


class Desk:
    """A session on a virtual clock, and an engine whose loop is moved by hand."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.store = MemorySessionStore()
        self.ended_s: float | None = 0.0
        session = Session.start(
            self.store,
            session="trend",
            run_id="run-1",
            journal=MemoryJournal(clock=self.clock),
            clock=self.clock,
        )
        self.heartbeat = Heartbeat(session, lambda: self.ended_s, every_s=5.0, clock=self.clock)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def beat(self, ended_s: float | None) -> SessionRequest | None:
        self.pass_time(5)
        self.ended_s = ended_s
        return self.heartbeat.beat()

    @property
    def record(self) -> SessionRecord:
        found = self.store.read("trend")
        assert found is not None
        return found


@pytest.fixture
def desk() -> Desk:
    """A session that has just started."""
    return Desk()


def test_each_turn_of_the_loop_that_a_beat_finds_is_progress(desk: Desk) -> None:
    for ended_s in (0.0, 100.0, 101.0):
        desk.beat(ended_s)

    assert desk.record.progress == 2
    assert desk.record.progressed_at == desk.record.beat_at == desk.clock.now()
    assert desk.heartbeat.still_for_s == 0


@pytest.mark.parametrize("answer", [101.0, None, 0.0], ids=["the same", "no answer", "never"])
def test_an_engine_that_stands_still_makes_no_progress_though_its_supervisor_beats(
    desk: Desk, answer: float | None
) -> None:
    desk.beat(101.0)
    progressed_at = desk.record.progressed_at

    for _ in range(4):
        desk.beat(answer)

    assert desk.record.beat_at == desk.clock.now()
    assert (desk.record.progress, desk.record.progressed_at) == (1, progressed_at)
    assert desk.heartbeat.still_for_s == 20


def test_a_beat_is_made_when_it_is_due_and_not_before(desk: Desk) -> None:
    desk.beat(100.0)
    version = desk.record.version
    desk.pass_time(4.9)

    assert desk.heartbeat.beat() is None

    assert desk.record.version == version
    assert desk.heartbeat.due_in_s == pytest.approx(0.1)


def test_the_request_of_an_operator_is_found_at_the_next_beat(desk: Desk) -> None:
    desk.beat(100.0)
    request = SessionRequest(
        state=SessionState.PAUSED, reason="a look", by="an operator", at=desk.clock.now()
    )
    request_session(desk.store, "trend", request)

    assert desk.beat(101.0) == request


def test_a_store_that_does_not_answer_is_asked_again_at_the_next_beat(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.store, "write", _no_answer)
    assert desk.beat(100.0) is None

    monkeypatch.undo()
    desk.beat(101.0)

    assert desk.record.progress == 2


def _no_answer(_record: SessionRecord) -> None:
    message = "the store did not answer"
    raise ExternalServiceError(message, service="test", operation="write")


def test_a_session_that_another_process_has_taken_ends_the_beats(desk: Desk) -> None:
    Session.start(
        desk.store,
        session="trend",
        run_id="run-2",
        journal=MemoryJournal(clock=desk.clock),
        clock=desk.clock,
    )

    with pytest.raises(TradingError, match="not ours any more"):
        desk.beat(100.0)
