"""A request to a dry-run is followed until it is obeyed, replaced, or the run has ended."""

import signal
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from tradai.core import FileJournal, SystemClock, TradingMode
from tradai.core.exceptions import ConflictError
from tradai.core.live import SessionRecord, SessionRequest, SessionState
from tradai.core.testing import MemoryJournal
from tradai.entrypoint import ExitCode, Interrupts, RunManifest
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.paper.paper_run import PaperRun, living_runs
from tradai.entrypoint._paper.paper_session import PaperSession
from tradai.entrypoint._paper.run_process import locked_run

START = datetime(2026, 11, 1, tzinfo=UTC)


class Turn:
    """A clock at whose first sleep something happens, and at whose second the run is gone."""

    def __init__(self, happen: Callable[[], None], process: ExitStack) -> None:
        self._steps = iter((happen, process.close))

    def __call__(self) -> float:
        return 0.0

    def now(self) -> datetime:
        return START

    def sleep(self, _: float) -> None:
        next(self._steps)()


def asked(
    state: Literal[SessionState.PAUSED, SessionState.RUNNING, SessionState.STOPPED], *, by: str
) -> SessionRequest:
    return SessionRequest(state=state, by=by, reason="the news", at=START)


@pytest.fixture
def process(tmp_path: Path) -> ExitStack:
    """The process of a dry-run that trades."""
    manifest = RunManifest(
        run_id="paper", trace_id="t", mode=TradingMode.DRY_RUN, state="running", started_at=START
    )
    (tmp_path / "manifest.json").write_text(manifest.as_json())
    (tmp_path / "journal.jsonl").touch()
    (tmp_path / "scratch").mkdir()
    held = ExitStack()
    held.enter_context(locked_run(tmp_path))
    session = PaperSession.start(tmp_path / "scratch", run_id="paper", journal=MemoryJournal())
    session.move(SessionState.WARM_UP, "the engine starts")
    session.move(SessionState.RUNNING, "it trades")
    return held


def test_the_runs_that_live_are_those_that_a_process_has_by_one_look_at_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in ("alive", "dead", "bare"):
        manifest = RunManifest(
            run_id=run_id, trace_id="t", mode=TradingMode.DRY_RUN, state="running", started_at=START
        )
        (tmp_path / run_id).mkdir()
        (tmp_path / run_id / "manifest.json").write_text(manifest.as_json())
        if run_id != "bare":
            (tmp_path / run_id / "journal.jsonl").touch()
    looks, has_writer = [], FileJournal.has_writer

    def look(journal: FileJournal) -> bool:
        looks.append(journal)
        return has_writer(journal)

    monkeypatch.setattr(FileJournal, "has_writer", look)

    with locked_run(tmp_path / "alive"):
        runs = living_runs(Namespace(runs=str(tmp_path)))

    assert [run.folder.name for run in runs] == ["alive"]
    assert len(looks) == 3


def test_a_signal_ends_the_waiting_for_a_dry_run_and_says_that_the_request_stays(
    tmp_path: Path,
    process: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(SystemClock, "sleep", lambda *_: signal.raise_signal(signal.SIGTERM))
    words = ["stop", str(tmp_path), "--pause", "--reason", "the news", "--by", "Ada"]

    with process, Interrupts() as interrupts:
        code = run_command(words, interrupts=interrupts)

    record = PaperRun(tmp_path).record
    assert code == 143
    assert "only the waiting has ended, and the request to paper stays" in capsys.readouterr().err
    assert record is not None
    assert record.request is not None


@pytest.mark.parametrize("other", [SessionState.RUNNING, SessionState.STOPPED])
def test_a_request_that_another_operator_replaces_is_waited_for_no_longer(
    tmp_path: Path,
    process: ExitStack,
    other: Literal[SessionState.RUNNING, SessionState.STOPPED],
) -> None:
    paper, pause = PaperRun(tmp_path), asked(SessionState.PAUSED, by="ada")
    paper.request(pause)
    replaced = Turn(lambda: paper.request(asked(other, by="bob")), process)

    with pytest.raises(ConflictError, match=f"bob has replaced the request by {other.value}"):
        paper.follow(pause, replaced, lambda _: None)


def test_a_request_that_the_run_leaves_alone_is_waited_for_until_its_end(
    tmp_path: Path, process: ExitStack
) -> None:
    paper, pause = PaperRun(tmp_path), asked(SessionState.PAUSED, by="ada")
    paper.request(pause)
    seen: list[SessionRecord] = []

    code = paper.follow(pause, Turn(lambda: None, process), seen.append)

    assert code is ExitCode.CRASHED
    assert [each.request for each in seen] == [pause, pause]
