"""A complete sweep is tracked once, as the parent of its runs."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import Delivery, RunTracking, TrackedRun, TrackedStatus
from tradai.core.exceptions import ExternalServiceError
from tradai.core.testing import MemoryTracker
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.result import SweepResult
from tradai.entrypoint._sweep.tracking import track_sweep

START = datetime(2025, 1, 1, tzinfo=UTC)
ENVIRON = {"MLFLOW_TRACKING_URI": "https://mlflow.example"}
Make = Callable[..., RunOutcome]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("report.html", "runs.parquet", "sweep.json"):
        (tmp_path / name).write_text(name)
    return tmp_path


def result(*outcomes: RunOutcome) -> SweepResult:
    return SweepResult(
        name="demo-1",
        command=("tradai-entrypoint", "sweep"),
        figure="profit_percent",
        keys=("buy_params.fast",),
        planned=len(outcomes),
        outcomes=outcomes,
    )


def track(swept: SweepResult, folder: Path, environ: dict[str, str] | None = None) -> str | None:
    environ = ENVIRON if environ is None else environ
    with Interrupts() as interrupts:
        return track_sweep(
            swept, folder, environ, strategy="demo", started_at=START, interrupts=interrupts
        )


def test_a_sweep_is_the_parent_of_its_runs(
    tracker: MemoryTracker, folder: Path, outcome_of: Make
) -> None:
    part = TrackedRun(
        id="demo-1-ab", name="x", experiment="demo", started_at=START, parent_id="demo-1"
    )
    (folder / "run").mkdir()
    tracker.start(part, folder=folder / "run").end(TrackedStatus.FINISHED)

    notice = track(
        result(outcome_of(1, profit_percent=-2.0), outcome_of(2, profit_percent=1.5)), folder
    )

    seen = tracker.views["demo-1"]
    assert notice is None
    assert tracker.views["demo-1-ab"].parent_id == "demo-1"
    assert (seen.experiment, seen.status) == ("demo", TrackedStatus.FINISHED)
    assert {(p.key, p.step, p.value) for p in seen.points} == {
        ("profit_percent", 1, -2.0),
        ("profit_percent", 2, 1.5),
        ("best.profit_percent", 0, 1.5),
        ("runs", 0, 2.0),
        ("failed", 0, 0.0),
    }
    assert set(seen.artifacts) == {"report.html", "runs.parquet", "sweep.json"}


def test_a_sweep_with_a_failed_run_has_failed(
    tracker: MemoryTracker, folder: Path, outcome_of: Make
) -> None:
    track(result(outcome_of(1, exit_code=78), outcome_of(2, profit_percent=1.5)), folder)

    assert tracker.views["demo-1"].status is TrackedStatus.FAILED
    assert "1 failed" in tracker.views["demo-1"].tags["tradai.verdict"]


def test_a_sweep_that_was_tracked_is_not_tracked_again(
    tracker: MemoryTracker, folder: Path, outcome_of: Make
) -> None:
    (folder / "tracking.jsonl").write_text("")

    notice = track(result(outcome_of(1, profit_percent=1.5)), folder)

    assert (notice, tracker.views) == (None, {})


def test_a_tracker_that_fails_is_a_note(
    tracker: MemoryTracker, folder: Path, outcome_of: Make
) -> None:
    swept = result(outcome_of(1, profit_percent=1.5))
    tracker.refusal = ExternalServiceError("it is down", service="mlflow", operation="send")

    assert "wait for the tracking server: it is down" in str(track(swept, folder))
    assert "expected http://" in str(track(swept, folder, {"MLFLOW_TRACKING_URI": "databricks"}))
    assert track(swept, folder, {}) is None


def test_a_sweep_of_which_a_file_is_gone_ends_with_its_status(
    tracker: MemoryTracker, folder: Path, outcome_of: Make
) -> None:
    (folder / "sweep.json").unlink()

    notice = track(result(outcome_of(1, profit_percent=1.5)), folder)

    assert "not all of the sweep is tracked" in str(notice)
    assert tracker.views["demo-1"].status is TrackedStatus.FINISHED


def test_ctrl_c_ends_the_wait_for_the_server(
    tracker: MemoryTracker, folder: Path, outcome_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[bool] = []

    def end(
        status: TrackedStatus, *, at: datetime | None = None, give_up: Callable[[], bool]
    ) -> Delivery:
        del status, at
        waits.append(give_up())
        os.kill(os.getpid(), signal.SIGINT)
        waits.append(give_up())
        return Delivery(waiting=7)

    start = tracker.start

    def start_slowly(run: TrackedRun, *, folder: Path) -> RunTracking:
        tracking = start(run, folder=folder)
        monkeypatch.setattr(tracking, "end", end)
        return tracking

    monkeypatch.setattr(tracker, "start", start_slowly)

    notice = track(result(outcome_of(1, profit_percent=1.5)), folder)

    assert waits == [False, True]
    assert "7 facts of the sweep wait" in str(notice)
