"""`sync` sends what waits, here and in the run store, and leaves living runs alone."""

import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import Delivery, MetricPoint, RunTracking, TrackedRun, TrackedStatus
from tradai.core.exceptions import ExternalServiceError, StorageError, TradAIError
from tradai.core.testing import MemoryTracker
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._store.run_store import RunStore

START = datetime(2025, 1, 1, tzinfo=UTC)
DOWN = ExternalServiceError("it is down", service="mlflow", operation="send")


class CopiedTracker:
    """Records the folders it is asked to deliver, with the files that are in them."""

    def __init__(self) -> None:
        self.delivered: dict[str, dict[str, bytes]] = {}
        self.problem: StorageError | ExternalServiceError | None = None
        self.crashes: list[Exception] = []

    def start(self, run: TrackedRun, *, folder: Path) -> RunTracking:
        raise AssertionError((run, folder))

    def deliver(self, folder: Path) -> Delivery:
        if isinstance(self.problem, StorageError):
            raise self.problem
        if self.crashes:
            raise self.crashes.pop()
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        self.delivered[folder.name] = files
        waiting = 4 if self.problem else 0
        return Delivery(waiting=waiting, sent=1, problem=self.problem, place="https://place")

    def check(self) -> str:
        return "it answers"


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CopiedTracker:
    copied = CopiedTracker()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    monkeypatch.setattr("tradai.entrypoint._runs.tracking.backend_for", lambda *_: copied)
    monkeypatch.chdir(tmp_path)
    return copied


def sync(*words: str) -> int:
    with Interrupts() as interrupts:
        return run_command(["sync", *words], interrupts=interrupts)


def tracked(folder: Path, content: str = "facts\n") -> Path:
    folder.mkdir(parents=True)
    (folder / "tracking.jsonl").write_text(content)
    return folder


def test_the_runs_sweeps_and_notebooks_of_this_machine_are_sent(
    tmp_path: Path, tracker: CopiedTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("runs/run-1", "sweeps/sweep-1", "tracking/notebook-1"):
        tracked(tmp_path / ".tradai" / name)
    (tmp_path / ".tradai/runs/untracked").mkdir()

    code = sync()

    assert code == 0
    assert list(tracker.delivered) == ["run-1", "sweep-1", "notebook-1"]
    assert capsys.readouterr().out.splitlines() == [
        f"{name}: delivered to https://place" for name in ("run-1", "sweep-1", "notebook-1")
    ]


def test_only_the_given_folders_are_sent(tmp_path: Path, tracker: CopiedTracker) -> None:
    chosen = [tracked(tmp_path / "elsewhere" / name) for name in ("run-8", "run-9")]
    tracked(tmp_path / ".tradai" / "runs" / "run-1")

    sync(str(chosen[0]), "--json", str(chosen[1]))

    assert list(tracker.delivered) == ["run-8", "run-9"]


def test_a_run_that_is_not_sent_is_named_with_its_reason_and_decides_the_exit_code(
    tmp_path: Path, tracker: CopiedTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    tracked(tmp_path / ".tradai" / "runs" / "run-1")
    tracker.problem = DOWN

    code = sync("--json")

    (shown,) = json.loads(capsys.readouterr().out)
    assert code == DOWN.exit_code != 0
    assert (shown["run"], shown["waiting"], shown["problem"]) == ("run-1", 4, "it is down")


def test_one_damaged_spool_does_not_keep_the_others_from_being_sent(
    tmp_path: Path, tracker: CopiedTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    tracked(tmp_path / ".tradai" / "runs" / "run-1")
    tracked(tmp_path / ".tradai" / "runs" / "run-2")
    tracker.problem = StorageError("a newer version wrote it", operation="read")

    code = sync()

    assert code == tracker.problem.exit_code
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "run-1",
        "run-2",
    ]


@pytest.mark.parametrize("place", ["here", "store"])
def test_a_run_on_which_the_tracker_crashes_does_not_keep_the_others_from_being_sent(
    place: str, tmp_path: Path, tracker: CopiedTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = RunStore.at(str(tmp_path / "store"))
    for run_id in ("run-1", "run-2"):
        if place == "here":
            tracked(tmp_path / ".tradai" / "runs" / run_id)
        else:
            kept.write(run_id, "tracking/000001.jsonl", b"one\n")
            kept.write(run_id, "manifest.json", b"{}")
    tracker.crashes.append(KeyError("odd"))

    code = sync("--store", kept.uri)

    first, second = capsys.readouterr().out.splitlines()
    assert code == ExternalServiceError("", service="", operation="").exit_code != 0
    assert "still waits: the tracker failed with KeyError: 'odd'" in first.replace(
        "wait:", "waits:"
    )
    assert second.endswith("delivered to https://place")


@pytest.mark.parametrize("signal_is", ["noted by the tracker", "raised by it"])
def test_ctrl_c_ends_sync_before_the_next_run(
    signal_is: str, tmp_path: Path, tracker: CopiedTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def deliver(folder: Path, **_: object) -> Delivery:
        asked.append(folder.name)
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except TradAIError as exc:
            if signal_is == "noted by the tracker":
                return Delivery(waiting=1, problem=exc)
            raise
        raise AssertionError("the signal is raised")

    for name in ("run-1", "run-2"):
        tracked(tmp_path / ".tradai" / "runs" / name)
    monkeypatch.setattr(tracker, "deliver", deliver)

    assert sync() == 130
    assert asked == ["run-1"]


def test_ctrl_c_leaves_the_json_of_the_runs_so_far(
    tmp_path: Path,
    tracker: CopiedTracker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def deliver(folder: Path) -> Delivery:
        if folder.name == "run-2":
            os.kill(os.getpid(), signal.SIGINT)
        return Delivery(waiting=0, sent=3, place="https://place")

    for name in ("run-1", "run-2", "run-3"):
        tracked(tmp_path / ".tradai" / "runs" / name)
    monkeypatch.setattr(tracker, "deliver", deliver)

    assert sync("--json") == 130

    (run,) = json.loads(capsys.readouterr().out)
    assert (run["run"], run["place"]) == ("run-1", "https://place")


def test_nothing_to_send_is_said(
    tracker: CopiedTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync() == 0
    assert "nothing waits" in capsys.readouterr().out
    assert tracker.delivered == {}


@pytest.mark.parametrize("words", [["nowhere"], ["--runs", "nowhere"], ["there", "nowhere"]])
def test_a_folder_that_is_not_there_is_refused_before_anything_is_sent(
    words: list[str],
    tmp_path: Path,
    tracker: CopiedTracker,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tracked(tmp_path / "there" / "run-1")

    assert sync(*words) == 65
    assert "there is no folder 'nowhere'" in capsys.readouterr().err
    assert tracker.delivered == {}


@pytest.mark.parametrize("words", [[], ["there", "--store", "store"]])
def test_a_run_cannot_be_called_dead_without_the_run_store_it_is_in(
    words: list[str], tmp_path: Path, tracker: CopiedTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    tracked(tmp_path / "there" / "run-1")

    assert sync(*words, "--dead", "run-1") == 78
    assert "name the store by --store" in capsys.readouterr().err
    assert tracker.delivered == {}


def test_one_fact_waits_in_the_singular(
    tmp_path: Path,
    tracker: CopiedTracker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tracked(tmp_path / ".tradai" / "runs" / "run-1")
    monkeypatch.setattr(tracker, "deliver", lambda _: Delivery(waiting=1, problem=DOWN))

    sync()

    assert capsys.readouterr().out == "run-1: 1 fact still waits: it is down\n"


def test_without_a_server_nothing_can_be_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    assert sync() == 78
    assert "set MLFLOW_TRACKING_URI" in capsys.readouterr().err


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Hold one run that ended, and one whose task may live."""
    store = RunStore.at(str(tmp_path / "store"))
    for run_id in ("ended", "open"):
        store.write(run_id, "started.json", b"{}")
        store.write(run_id, "tracking/000001.jsonl", b"one\n")
        store.write(run_id, "tracking/000002.jsonl", b"two\n")
    store.write("ended", "report.html", b"<html>")
    store.write("ended", "manifest.json", b"{}")
    store.write("untracked", "manifest.json", b"{}")
    return store


def test_a_run_of_the_store_that_ended_is_sent_from_its_segments_and_files_once(
    store: RunStore, tracker: CopiedTracker
) -> None:
    first = sync("--store", store.uri)
    (files,) = tracker.delivered.values()
    second = sync("--store", store.uri)

    assert (first, second, len(tracker.delivered)) == (0, 0, 1)
    assert files["tracking.jsonl"] == b"one\ntwo\n"
    assert files["report.html"] == b"<html>"


def test_a_run_of_the_store_whose_process_may_send_it_is_named_and_not_sent(
    tracker: CopiedTracker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    living = RunStore.at(str(tmp_path / "living"))
    living.write("open", "started.json", b"{}")
    living.write("open", "tracking/000001.jsonl", b"one\n")

    code = sync("--store", living.uri)
    said = capsys.readouterr().out
    as_json = sync("--store", living.uri, "--json")

    (shown,) = json.loads(capsys.readouterr().out)
    assert (code, as_json, tracker.delivered) == (0, 0, {})
    assert said.startswith("open: waits")
    assert "`--dead open`" in said
    assert shown["may_be_dead"] is True


def test_a_run_of_the_store_that_is_called_dead_is_closed_with_the_files_it_has_sent(
    store: RunStore, tracker: CopiedTracker
) -> None:
    store.write("open", "trades.parquet", b"trades")

    sync("--store", store.uri, "--dead", "open")

    assert len(tracker.delivered) == 2
    assert [files.get("trades.parquet") for files in tracker.delivered.values()].count(
        b"trades"
    ) == 1


def test_a_run_of_this_machine_is_not_sent_again_from_the_store(
    store: RunStore, tracker: CopiedTracker, tmp_path: Path
) -> None:
    tracked(tmp_path / ".tradai" / "runs" / "ended")

    sync("--store", store.uri)

    assert list(tracker.delivered) == ["ended"]


def test_a_run_that_goes_on_is_left_to_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = MemoryTracker()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    monkeypatch.setattr("tradai.entrypoint._runs.tracking.backend_for", lambda *_: memory)
    folder = tracked(tmp_path / "run-1")
    run = memory.start(
        TrackedRun(id="run-1", name="x", experiment="e", started_at=START), folder=folder
    )
    run.log_points([MetricPoint("loss", 0.5)])

    code = sync(str(folder))

    assert code == 0
    assert "run-1: goes on" in capsys.readouterr().out
    run.end(TrackedStatus.FINISHED)
