"""A dry-run beats, and obeys the pauses and stops that its operators ask for."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from tradai.core import utc_now
from tradai.core.exceptions import StorageError
from tradai.core.live import SessionRecord, SessionRequest, SessionState
from tradai.core.testing import MemoryJournal
from tradai.entrypoint import ExitCode, Verdict
from tradai.entrypoint._live.session_requests import request_session
from tradai.entrypoint._paper.paper_session import PaperSession, paper_name, paper_store
from tradai.entrypoint._paper.paper_status import OpenTrade, PaperStatus
from tradai.entrypoint._paper.run_process import lives, locked_run


class Engine:
    """An engine that is asked to pause and to resume."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.agrees = True
        self.state: str | None = "RUNNING"
        self.on_request: Callable[[], None] = lambda: None

    def pause_entries(self) -> bool:
        self.asked.append("pause")
        self.on_request()
        return self.agrees

    def resume_entries(self) -> bool:
        self.asked.append("resume")
        return self.agrees


class Desk:
    """A dry-run that trades, with its store in a folder."""

    def __init__(self, scratch: Path) -> None:
        self.journal = MemoryJournal()
        self.engine = Engine()
        self.reports = 0
        self._scratch = scratch
        self._store = paper_store(scratch)
        self.session = PaperSession.start(scratch, run_id="Run-A", journal=self.journal)
        self.session.move(SessionState.WARM_UP, "the engine starts")
        self.session.supervise(self.engine, lambda: 1.0, self._report, lambda: self.engine.state)

    def ask(
        self,
        state: Literal[SessionState.PAUSED, SessionState.STOPPED],
        *,
        by: str = "ada",
        reason: str = "the news",
    ) -> None:
        request = SessionRequest(state=state, by=by, reason=reason, at=utc_now())
        request_session(self._store, paper_name("Run-A"), request)

    def break_store(self) -> None:
        (self._scratch / "session").rename(self._scratch / "away")
        (self._scratch / "session").touch()

    def mend_store(self) -> None:
        (self._scratch / "session").unlink()
        (self._scratch / "away").rename(self._scratch / "session")

    @property
    def record(self) -> SessionRecord:
        record = self._store.read("run-a")
        assert record is not None
        return record

    @property
    def events(self) -> list[str]:
        return [entry.event for entry in self.journal.entries()]

    def _report(self) -> None:
        self.reports += 1


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A dry-run that trades."""
    return Desk(tmp_path)


def test_a_bot_that_warms_up_trades_at_once(desk: Desk) -> None:
    assert desk.record.state is SessionState.RUNNING


def test_a_pause_that_the_engine_agrees_to_is_recorded_and_in_the_journal(desk: Desk) -> None:
    desk.ask(SessionState.PAUSED)

    desk.session.beat()

    assert desk.engine.asked == ["pause"]
    assert (desk.record.state, desk.record.request) == (SessionState.PAUSED, None)
    assert desk.record.reason == "ada asked for it: the news"
    assert desk.events == ["bot paused"]
    assert desk.reports == 1


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each beat be due at once."""
    monkeypatch.setattr("tradai.entrypoint._live.heartbeat.Heartbeat.due_in_s", 0.0)


@pytest.mark.usefixtures("often")
def test_a_second_pause_is_obeyed_with_its_reason_which_the_record_and_the_journal_have(
    desk: Desk,
) -> None:
    desk.ask(SessionState.PAUSED)
    desk.session.beat()
    desk.ask(SessionState.PAUSED, by="bob", reason="the weekend")

    desk.session.beat()

    assert (desk.record.state, desk.record.request) == (SessionState.PAUSED, None)
    assert desk.record.reason == "bob asked for it: the weekend"
    assert desk.engine.asked == ["pause"]
    assert [(each.event, each.facts["reason"]) for each in desk.journal.entries()] == [
        ("bot paused", "the news"),
        ("bot paused", "the weekend"),
    ]


@pytest.mark.usefixtures("often")
def test_a_pause_over_the_api_of_the_engine_moves_the_session_and_so_does_its_end(
    desk: Desk,
) -> None:
    states = []
    for desk.engine.state in ("RUNNING", "PAUSED", "PAUSED", "RELOAD_CONFIG", "RUNNING"):
        desk.session.beat()
        states.append(desk.record.state.value)

    assert states == ["running", "paused", "paused", "paused", "running"]
    assert desk.record.reason == "asked for over the engine's own API"
    assert desk.events == ["bot paused", "bot resumed"]
    assert desk.engine.asked == []


@pytest.mark.usefixtures("often")
def test_a_pause_that_the_engine_obeys_a_loop_later_is_recorded_once(desk: Desk) -> None:
    desk.ask(SessionState.PAUSED)
    for desk.engine.state in ("RUNNING", "RUNNING", "PAUSED", "PAUSED"):
        desk.session.beat()

    assert desk.record.state is SessionState.PAUSED
    assert desk.record.reason == "ada asked for it: the news"
    assert desk.events == ["bot paused"]


def _events_of_a_refused_beat(desk: Desk) -> list[str]:
    """Return the events of the journal after a beat whose record the store refused; mend it."""
    desk.session.beat()
    events = desk.events
    desk.mend_store()
    return events


@pytest.mark.usefixtures("often")
def test_a_pause_whose_record_the_store_refuses_is_in_the_journal_once(desk: Desk) -> None:
    desk.ask(SessionState.PAUSED)
    desk.engine.on_request = desk.break_store

    events = _events_of_a_refused_beat(desk)
    desk.session.beat()

    assert events == desk.events == ["bot paused"]
    assert desk.record.state is SessionState.PAUSED


@pytest.mark.usefixtures("often")
def test_a_pause_over_the_api_whose_record_the_store_refuses_is_in_the_journal_once(
    desk: Desk,
) -> None:
    def state() -> str:
        if not desk.events:
            desk.break_store()
        return "PAUSED"

    desk.session.supervise(desk.engine, lambda: 1.0, lambda: None, state)

    events = _events_of_a_refused_beat(desk)
    desk.session.beat()

    assert events == desk.events == ["bot paused"]
    assert desk.record.state is SessionState.PAUSED


@pytest.mark.usefixtures("often")
def test_a_pause_that_the_journal_refuses_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageError("the disk is full", operation="append")

    desk.engine.state = "PAUSED"
    with monkeypatch.context() as patch:
        patch.setattr(desk.journal, "append", refuse)
        desk.session.beat()
    assert desk.events == []

    desk.session.beat()

    assert desk.events == ["bot paused"]
    assert desk.record.state is SessionState.PAUSED


@pytest.mark.usefixtures("often")
def test_an_engine_that_has_stopped_leaves_the_session_where_it_is(desk: Desk) -> None:
    for desk.engine.state in ("RUNNING", "STOPPED", None):
        desk.session.beat()

    assert desk.record.state is SessionState.RUNNING
    assert desk.events == []


def test_a_bot_that_starts_paused_is_paused_once_it_trades(tmp_path: Path) -> None:
    journal = MemoryJournal()
    session = PaperSession.start(tmp_path, run_id="b", journal=journal, starts_paused=True)

    session.move(SessionState.WARM_UP, "the engine is running")

    record = paper_store(tmp_path).read("b")
    assert record is not None
    assert (record.state, record.reason) == (SessionState.PAUSED, "the run before it was paused")


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("state", [SessionState.RUNNING, SessionState.PAUSED])
def test_a_bot_whose_start_the_store_refuses_is_recorded_at_its_next_beat(
    tmp_path: Path, state: SessionState
) -> None:
    desk = Desk(tmp_path)
    starts_paused = state is SessionState.PAUSED
    session = PaperSession.start(
        tmp_path, run_id="b", journal=MemoryJournal(), starts_paused=starts_paused
    )
    desk.break_store()
    session.move(SessionState.WARM_UP, "the engine is running")
    desk.mend_store()
    session.supervise(desk.engine, lambda: 1.0, lambda: None, lambda: None)

    session.beat()

    record = paper_store(tmp_path).read("b")
    assert record is not None
    assert record.state is state


def test_a_pause_that_the_engine_refuses_stays_a_request(desk: Desk) -> None:
    desk.engine.agrees = False
    desk.ask(SessionState.PAUSED)

    desk.session.beat()

    assert desk.record.state is SessionState.RUNNING
    assert desk.record.request is not None
    assert desk.events == []


def test_a_stop_is_left_to_the_run_with_its_reason(desk: Desk) -> None:
    desk.ask(SessionState.STOPPED)

    desk.session.beat()

    assert desk.session.stop_reason == "ada asked for it: the news"
    assert [(each.event, each.facts) for each in desk.journal.entries()] == [
        ("bot stop requested", {"by": "ada", "reason": "the news"})
    ]


@pytest.mark.parametrize("refused", ["status", "journal"])
def test_a_stop_is_obeyed_where_the_disk_refuses_the_status_or_the_journal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageError("the disk is full", operation="write")

    report = refuse if refused == "status" else lambda: None
    if refused == "journal":
        monkeypatch.setattr(desk.journal, "append", refuse)
    desk.session.supervise(desk.engine, lambda: 1.0, report, lambda: "PAUSED")
    desk.ask(SessionState.STOPPED)

    desk.session.beat()

    assert desk.session.stop_reason == "ada asked for it: the news"


def test_the_verdict_of_a_run_that_was_stopped_in_good_order_has_the_reason(desk: Desk) -> None:
    done = Verdict(exit_code=ExitCode.DONE, sentence="the engine finished its work")
    crashed = Verdict(exit_code=ExitCode.CRASHED, sentence="the engine crashed")
    assert desk.session.verdict(done) == done

    desk.ask(SessionState.STOPPED)
    desk.session.beat()

    assert desk.session.verdict(done).sentence == "stopped: ada asked for it: the news"
    assert desk.session.verdict(crashed) == crashed
    assert desk.engine.asked == []


def test_a_beat_that_is_not_due_asks_and_reports_nothing(desk: Desk) -> None:
    desk.session.beat()
    desk.ask(SessionState.PAUSED)

    desk.session.beat()

    assert desk.reports == 1
    assert desk.engine.asked == []


def test_a_final_state_stays_without_a_warning(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.session.move(SessionState.DRAINING, "Ctrl-C")
    desk.session.move(SessionState.STOPPED, "Ctrl-C")

    desk.session.move(SessionState.RUNNING, "too late")

    assert desk.record.state is SessionState.STOPPED
    assert caplog.messages == []


def test_a_status_is_read_as_it_was_written(tmp_path: Path) -> None:
    trade = OpenTrade(
        pair="BTC/USDT", opened_at="2026-01-01", amount=1.5, open_rate=2.0, stake=3.0, stop=1.8
    )
    status = PaperStatus(at=utc_now(), currency="USDT", open_trades=(trade,), profit=-0.25)

    assert PaperStatus.read(tmp_path) is None
    status.write(tmp_path)

    assert PaperStatus.read(tmp_path) == status


def test_a_damaged_status_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text("{")

    with pytest.raises(StorageError, match=r"status\.json cannot be read"):
        PaperStatus.read(tmp_path)


def test_a_run_lives_while_a_process_has_its_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").touch()

    with locked_run(tmp_path) as is_free:
        assert is_free
        assert lives(tmp_path)
    assert not lives(tmp_path)
