"""The commands `status`, `stop` and `resume`, against sessions that this process drives."""

import fcntl
import io
import json
import re
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pytest

from tradai.core import SystemClock
from tradai.core.live import SessionRecord, SessionRequest, SessionState, TradingAccount
from tradai.core.testing import MemoryJournal
from tradai.entrypoint import ExitCode, Interrupts, LiveSettings, RunManifest
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.live import resume
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch
from tradai.entrypoint._live._risk.risk_record import RiskRecord, RiskRecords, opened_record
from tradai.entrypoint._live.live_places import latch_of, session_store_of
from tradai.entrypoint._live.lost_halts import require_recorded_halt
from tradai.entrypoint._live.session import Session

RUNNING, PAUSED, DRAINING = SessionState.RUNNING, SessionState.PAUSED, SessionState.DRAINING
STOP = ("stop", "trend", "--reason", "the news", "--by", "Ada")


def call(*words: str) -> int:
    return run_command(list(words), interrupts=Interrupts())


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_LIVE_SESSIONS", str(tmp_path / "sessions"))
    monkeypatch.setenv("TRADAI_LIVE_LATCH", str(tmp_path / "halts.json"))


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    return lambda: json.loads(capsys.readouterr().out)


def start(name: str = "trend", *, run_id: str = "run-1") -> Session:
    session = Session.start(
        session_store_of(LiveSettings()), session=name, run_id=run_id, journal=MemoryJournal()
    )
    session.move(SessionState.WARM_UP, "the checks are good")
    session.move(RUNNING, "the engine is up")
    session.beat(7)
    return session


def record(name: str = "trend") -> SessionRecord:
    found = session_store_of(LiveSettings()).read(name)
    assert found is not None
    return found


def make_old(name: str = "trend", **ages: timedelta) -> None:
    """Let instants of the record lie in the past."""
    found, now = record(name), SystemClock().now()
    changes = {field: now - age for field, age in ages.items()}
    new = found.model_copy(update={**changes, "version": found.version + 1})
    session_store_of(LiveSettings()).write(new)


def test_all_sessions_are_listed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    start("trend")
    start("carry")

    assert call("status") == 0

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["session", "state", "heartbeat", "progress", "reason"]
    assert [row.split()[:2] for row in rows] == [["carry", "running"], ["trend", "running"]]


def test_a_session_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    start()
    call(*STOP, "--detach", "--pause")
    capsys.readouterr()

    assert call("status", "trend") == 0

    shown = capsys.readouterr()
    lines = dict(line.split(maxsplit=1) for line in shown.out.splitlines())
    assert lines["state"] == "running (running on the platform)"
    assert lines["progress"].startswith("7 turns, the last ")
    assert lines["request"].startswith("paused, by Ada at ")
    assert lines["request"].endswith("not obeyed yet: the news")
    assert lines["run"] == "run-1"
    assert shown.err == ""


def test_an_engine_without_a_turn_has_no_age_of_its_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Session.start(
        session_store_of(LiveSettings()), session="trend", run_id="run-1", journal=MemoryJournal()
    )

    assert call("status", "trend") == 0

    assert re.search(
        "^progress +the engine has not made a turn yet$", capsys.readouterr().out, re.MULTILINE
    )


def test_json_has_ages_and_no_doubt(answer: Callable[[], Any]) -> None:
    start()

    assert call("status", "trend", "--json") == 0

    found = answer()
    assert (found["session"], found["state"], found["status"]) == ("trend", "running", "running")
    assert found["progress"] == 7
    assert found["is_stale"] is False
    assert 0 <= found["beat_age_s"] < 180
    assert call("status", "--json") == 0
    assert [each["session"] for each in answer()] == ["trend"]


def test_a_stale_heartbeat_is_said(
    capsys: pytest.CaptureFixture[str], answer: Callable[[], Any]
) -> None:
    start()
    make_old(beat_at=timedelta(minutes=10), progressed_at=timedelta(minutes=10))

    assert call("status", "trend", "--json") == 0
    assert answer()["is_stale"] is True
    for words in (("status",), ("status", "trend")):
        assert call(*words) == 0
        # A busy machine may take some seconds from the record to the command.
        warning = capsys.readouterr().err
        assert re.search(r"stale: trend: no heartbeat for 6\d\d s", warning)


@pytest.mark.parametrize(
    ("state", "seconds", "is_said"),
    [
        (RUNNING, 15, False),
        (RUNNING, 35, True),
        (PAUSED, 35, True),
        # No beat is made while a session stops.
        (DRAINING, 130, False),
        (DRAINING, 185, True),
    ],
)
def test_missing_beats_are_said_as_soon_as_the_state_has_beats(
    capsys: pytest.CaptureFixture[str], state: SessionState, seconds: int, *, is_said: bool
) -> None:
    session = start()
    if state is not RUNNING:
        session.move(state, "a test")
    make_old(beat_at=timedelta(seconds=seconds))

    assert call("status") == 0

    said = re.search(r"stale: trend: no heartbeat for \d+ s", capsys.readouterr().err)
    assert bool(said) is is_said


def test_an_engine_that_stands_still_beside_a_live_process_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start()
    make_old(progressed_at=timedelta(minutes=10))

    assert call("status") == 0

    warning = capsys.readouterr().err
    assert re.search(r"the engine's loop has made no turn for 6\d\d s", warning)


def test_a_session_that_has_ended_is_not_stale(capsys: pytest.CaptureFixture[str]) -> None:
    session = start()
    session.move(SessionState.FAILED, "the engine crashed")
    make_old(beat_at=timedelta(days=1), progressed_at=timedelta(days=1))

    assert call("status") == 0

    assert capsys.readouterr().err == ""


def test_a_heartbeat_ahead_of_this_clock_has_no_negative_age(answer: Callable[[], Any]) -> None:
    start()
    make_old(beat_at=timedelta(minutes=-5))

    assert call("status", "trend", "--json") == 0
    assert answer()["beat_age_s"] == 0


def test_no_session_is_not_an_error_but_an_unknown_one_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("status") == 0
    assert capsys.readouterr().out == "no session was started yet\n"
    assert call("status", "trend") == ExitCode.DATA
    assert "there is no session trend" in capsys.readouterr().err
    assert call("status", "../trend") == ExitCode.DATA


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of runs of a machine without a store of live sessions."""
    monkeypatch.delenv("TRADAI_LIVE_SESSIONS")
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def running_manifest(folder: Path) -> None:
    folder.mkdir()
    facts = {"run_id": folder.name, "trace_id": "t", "mode": "dry-run", "state": "running"}
    manifest = RunManifest.model_validate(facts | {"started_at": SystemClock().now()})
    (folder / "manifest.json").write_text(manifest.model_dump_json())


def test_without_a_dry_run_and_a_store_of_sessions_status_says_that_none_runs(
    runs: Path, answer: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("status", "--runs", str(runs)) == 0
    assert capsys.readouterr().out == (
        f"no dry-run is running in {runs}, and there is no store of live sessions "
        "(TRADAI_LIVE_SESSIONS)\n"
    )
    assert call("status", "--json", "--runs", str(runs)) == 0
    assert answer() == []


def test_a_request_to_a_killed_dry_run_is_answered_with_the_way_to_go_on(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running_manifest(runs / "first")
    (runs / "first" / "journal.jsonl").touch()

    assert call("stop", "first", "--reason", "x", "--runs", str(runs)) == 65
    assert "`tradai-entrypoint run --continue first` goes on with it" in capsys.readouterr().err


def test_a_folder_without_a_journal_hides_no_dry_run(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running_manifest(runs / "torn")
    running_manifest(runs / "whole")
    with (runs / "whole/journal.jsonl").open("w") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        code = call("status", "--runs", str(runs))

    assert code == 0, capsys.readouterr().err
    assert "whole    starting" in capsys.readouterr().out


def test_a_damaged_status_hides_no_other_dry_run(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("torn", "whole"):
        running_manifest(runs / name)
    (runs / "torn/scratch").mkdir()
    (runs / "torn/scratch/status.json").write_text("{")
    with (
        (runs / "torn/journal.jsonl").open("w") as first,
        (runs / "whole/journal.jsonl").open("w") as second,
    ):
        for each in (first, second):
            fcntl.flock(each, fcntl.LOCK_EX)
        code = call("status", "--runs", str(runs))

    out, err = capsys.readouterr()
    assert code == 0, err
    assert "whole    starting" in out
    assert "torn" in out
    assert "status.json cannot be read" in err


def test_a_dry_run_is_continued_in_the_folder_that_records_its_continuation(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running_manifest(runs / "first")
    other, link = tmp_path / "other", tmp_path / "link"
    link.symlink_to(runs)

    code = call("run", "--continue", str(runs / "first"), "--runs", str(other))
    assert code == ExitCode.CONFIGURATION
    assert f"continue it with --runs {runs}" in capsys.readouterr().err
    call("run", "--continue", "first", "--runs", str(link))
    assert "another folder of runs" not in capsys.readouterr().err


class Obedient:
    """A session in a thread, which obeys at its next heartbeat.

    It leaves time between two heartbeats, so that others get to write its record.
    """

    def __init__(self, session: Session, *, end: SessionState = SessionState.STOPPED) -> None:
        self.obeyed: list[SessionRequest] = []
        self._session = session
        self._end = end
        self._is_left = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_left.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        progress = 8
        while not self._is_left.wait(0.01) and not self._session.state.is_final:
            progress += 1
            request = self._session.beat(progress)
            if request is not None:
                self.obeyed.append(request)
                self._obey(request)

    def _obey(self, request: SessionRequest) -> None:
        if request.state is SessionState.STOPPED:
            self._session.move(DRAINING, request.reason, obeyed=request)
            self._session.move(self._end, "the orders are cancelled")
        else:
            self._session.move(request.state, request.reason, obeyed=request)


def test_a_stop_is_obeyed_at_the_next_heartbeat_and_waited_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Obedient(start()) as session:
        assert call(*STOP) == 0

    assert [request.reason for request in session.obeyed] == ["the news"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "trend is asked to stop"
    assert lines[-1] == "trend: stopped: the orders are cancelled"


def test_a_session_is_paused_and_goes_on(answer: Callable[[], Any]) -> None:
    with Obedient(start()) as session:
        assert call(*STOP, "--pause", "--json") == 0
        assert answer()["state"] == "paused"
        assert call(*STOP, "--run", "--json") == 0
        assert answer()["state"] == "running"

    assert [request.state for request in session.obeyed] == [PAUSED, RUNNING]


def test_a_signal_ends_the_waiting_and_says_that_the_request_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start()
    monkeypatch.setattr(SystemClock, "sleep", lambda *_: signal.raise_signal(signal.SIGINT))

    with Interrupts() as interrupts:
        assert run_command(list(STOP), interrupts=interrupts) == 130

    assert "only the waiting has ended, and the request to trend stays" in capsys.readouterr().err
    assert record().request is not None


def test_a_pause_of_a_paused_session_is_done_once_the_session_has_seen_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = start()
    session.move(PAUSED, "the drawdown is 6 %")
    waits = []

    def obey(_clock: SystemClock, seconds: float) -> None:
        waits.append(seconds)
        request = session.beat(8)
        assert request is not None
        session.move(RUNNING, "a moment", obeyed=request)
        session.move(PAUSED, request.reason)

    monkeypatch.setattr(SystemClock, "sleep", obey)

    assert call(*STOP, "--pause") == 0
    assert waits == [1.0]


@pytest.mark.parametrize(
    ("end", "code"),
    [(SessionState.FAILED, ExitCode.CRASHED), (SessionState.HALTED, ExitCode.HALTED)],
)
def test_another_end_than_the_one_asked_for_has_its_exit_code(
    end: SessionState, code: ExitCode
) -> None:
    with Obedient(start(), end=end):
        assert call(*STOP) == code


def test_a_session_that_ends_instead_of_pausing_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = start()

    def end(_clock: SystemClock, _seconds: float) -> None:
        session.move(DRAINING, "SIGTERM")
        session.move(SessionState.STOPPED, "the orders are cancelled")

    monkeypatch.setattr(SystemClock, "sleep", end)

    assert call(*STOP, "--pause") == ExitCode.DATA
    assert capsys.readouterr().out.endswith("trend: stopped: the orders are cancelled\n")
    assert call(*STOP) == ExitCode.DATA
    assert "the session trend is stopped: expected one that runs" in capsys.readouterr().err


def test_a_detached_request_stays_in_the_record() -> None:
    start()

    assert call(*STOP, "--detach") == 0

    request = record().request
    assert request is not None
    assert (request.state, request.by, request.reason) == ("stopped", "Ada", "the news")


def test_the_waiting_ends_when_another_operator_replaces_the_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start()

    def replace(_clock: SystemClock, _seconds: float) -> None:
        call("stop", "trend", "--reason", "no", "--by", "Bob", "--detach")

    monkeypatch.setattr(SystemClock, "sleep", replace)

    assert call(*STOP, "--pause") == ExitCode.RESULT
    assert "Bob has replaced the request by stopped: no" in capsys.readouterr().err


@pytest.mark.parametrize("softer", ["--pause", "--run"])
def test_a_request_to_stop_is_not_replaced_by_a_softer_one(
    capsys: pytest.CaptureFixture[str], softer: str
) -> None:
    start()
    assert call(*STOP, "--detach") == ExitCode.DONE

    code = call("stop", "trend", "--reason", "no", "--by", "Bob", softer, "--detach")

    assert code == ExitCode.DATA
    assert "Ada has asked the session trend to stop (the news)" in capsys.readouterr().err
    request = record().request
    assert request is not None
    assert request.state is SessionState.STOPPED


def test_a_dead_session_is_said_while_its_request_waits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = start()
    make_old(beat_at=timedelta(minutes=10))

    def obey(_clock: SystemClock, _seconds: float) -> None:
        session.move(SessionState.FAILED, "killed")

    monkeypatch.setattr(SystemClock, "sleep", obey)

    assert call(*STOP) == ExitCode.CRASHED
    assert capsys.readouterr().err.startswith("stale: trend: no heartbeat for 6")


@pytest.mark.parametrize("words", [("--reason", " "), ("--reason", "x", "--by", " ")])
def test_a_request_needs_a_reason_and_a_name(words: tuple[str, ...]) -> None:
    start()

    with pytest.raises(SystemExit) as ended:
        call("stop", "trend", *words)

    assert ended.value.code == ExitCode.USAGE
    assert record().request is None


def test_the_name_of_the_login_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    start()
    monkeypatch.setenv("LOGNAME", "desk-login")

    assert call("stop", "trend", "--reason", "x", "--detach") == 0

    request = record().request
    assert request is not None
    assert request.by == "desk-login"


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_login_without_a_name_must_say_who_asks(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start()

    def fail() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", fail)

    assert call("stop", "trend", "--reason", "x") == ExitCode.CONFIGURATION
    assert "--by" in capsys.readouterr().err


@pytest.fixture
def latch() -> HaltLatch:
    return latch_of(LiveSettings())


RESUME = ("resume", "--reason", "the price feed is repaired", "--by", "Ada")


def test_a_halt_is_shown_and_cleared_with_its_reason(
    latch: HaltLatch, capsys: pytest.CaptureFixture[str]
) -> None:
    latch.trip("the drawdown is 12 %", run_id="run-1")

    assert call(*RESUME) == 0

    latch.check()
    (halt,) = latch.halts()
    assert halt.cleared is not None
    assert (halt.cleared.by, halt.cleared.reason) == ("Ada", "the price feed is repaired")
    assert "by run run-1: the drawdown is 12 %" in capsys.readouterr().out


def test_without_a_halt_there_is_nothing_to_clear(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*RESUME) == ExitCode.DATA
    assert "no halt stands" in capsys.readouterr().err


def test_of_several_halts_the_person_names_the_newest(
    latch: HaltLatch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    latch.trip("an old halt", run_id="run-0")
    latch.clear(1, reason="done", by="Ada")
    latch.trip("the drawdown is 12 %", run_id="run-1")
    latch.trip("the orders were rejected", run_id="run-2")

    for typed in ("", "2\n", "yes\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert call(*RESUME) == ExitCode.DATA
        with pytest.raises(Exception, match="was halted"):
            latch.check()
    monkeypatch.setattr("sys.stdin", io.StringIO("3\n"))
    capsys.readouterr()
    assert call(*RESUME) == 0

    latch.check()
    out = capsys.readouterr().out
    assert "the drawdown is 12 %" in out
    assert "the orders were rejected" in out
    assert "an old halt" not in out
    assert out.count("the drawdown is 12 %") == 1


def test_a_halt_that_came_after_the_person_had_looked_is_asked_for(
    latch: HaltLatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    latch.trip("the drawdown is 12 %", run_id="run-1")
    looks: list[int] = []

    def look(standing: list[object]) -> None:
        if not looks:
            latch.trip("the orders were rejected", run_id="run-2")
        looks.append(len(standing))

    monkeypatch.setattr(resume, "_print_halts", look)
    monkeypatch.setattr("sys.stdin", io.StringIO("2\n"))

    assert call(*RESUME) == 0
    assert looks == [1, 2]
    latch.check()


def test_a_script_names_the_halt_and_never_clears_a_newer_one(
    latch: HaltLatch, answer: Callable[[], Any]
) -> None:
    latch.trip("the drawdown is 12 %", run_id="run-1")
    latch.trip("the orders were rejected", run_id="run-2")

    assert call(*RESUME, "--halt", "1") == ExitCode.RESULT
    assert call(*RESUME, "--halt", "2", "--json") == 0
    assert answer()["cleared"]["by"] == "Ada"


def test_a_halt_of_another_session_is_left_alone(
    latch: HaltLatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start("trend", run_id="run-1")
    start("carry", run_id="run-2")
    latch.trip("the drawdown is 12 %", run_id="run-1")

    assert call(*RESUME, "--session", "carry") == ExitCode.DATA
    assert "halt 1 (run run-1) is not of session carry" in capsys.readouterr().err
    assert call(*RESUME, "--session", "trend") == 0


def test_a_latch_that_was_deleted_under_a_halted_session_refuses_until_a_person_resumes(
    latch: HaltLatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = start()
    session.move(DRAINING, "a halt")
    session.move(SessionState.HALTED, "the drawdown is 12 %")
    with pytest.raises(HaltedError, match=r"has no halt at all: .* --lost --session trend"):
        require_recorded_halt(latch, record())

    assert call(*RESUME, "--lost") == ExitCode.CONFIGURATION
    assert "expected --session NAME" in capsys.readouterr().err
    assert call(*RESUME, "--lost", "--session", "trend") == 0

    require_recorded_halt(latch, record())
    (halt,) = latch.halts()
    assert (halt.run_id, halt.cleared is not None) == ("run-1", True)
    assert "the drawdown is 12 %" in halt.cause
    assert call(*RESUME, "--lost", "--session", "trend") == ExitCode.DATA
    assert "no halt of the session trend is lost" in capsys.readouterr().err


def test_a_halt_that_only_the_record_of_losses_knows_is_recorded_anew_and_cleared(
    latch: HaltLatch,
) -> None:
    start()
    place = LiveSettings().place("latch")
    account = TradingAccount(venue="binance", uid="1234567")
    records = RiskRecords.beside(place, account=account, strategy="Trend")
    records.write(RiskRecord(run_id="run-1", capital=Decimal(1000), after_halt=3))

    assert call(*RESUME, "--lost", "--session", "trend") == 0

    (halt,) = latch.halts()
    assert halt.number == 4
    found = opened_record(records, latch, run_id="run-2", capital=Decimal)
    assert (found.capital, found.after_halt) == (Decimal(1000), 4)


def test_a_clearance_needs_a_reason(latch: HaltLatch) -> None:
    latch.trip("the drawdown is 12 %", run_id="run-1")

    with pytest.raises(SystemExit) as ended:
        call("resume", "--reason", " ", "--by", "Ada")

    assert ended.value.code == ExitCode.USAGE
    with pytest.raises(Exception, match="was halted"):
        latch.check()


@pytest.mark.parametrize("words", [(), ("--new-marks",)], ids=["kept", "new"])
def test_a_clearance_says_whether_losses_are_measured_anew(
    latch: HaltLatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    latch.trip("the drawdown is 12 %", run_id="run-1")

    assert call(*RESUME, *words) == 0

    (halt,) = latch.halts()
    assert halt.cleared is not None
    assert halt.cleared.new_marks is bool(words)
    said = "measured anew" if words else "from the same marks as before"
    assert said in capsys.readouterr().out
