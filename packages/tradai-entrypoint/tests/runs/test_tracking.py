"""A run is reported to its tracker, and a tracker that fails changes nothing about the run."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import Delivery, TrackedRun, TrackedStatus, TradingMode
from tradai.core.exceptions import ExternalServiceError, StorageError, TradAIError
from tradai.core.testing import MemoryTracker
from tradai.entrypoint import (
    EntrypointSettings,
    ExitCode,
    RunManifest,
    RunRequest,
    StrategyEntrypoint,
    Verdict,
)
from tradai.entrypoint._report.model import BalancePoint, RunReportParts
from tradai.entrypoint._runs.tracked_facts import RunPart
from tradai.entrypoint._runs.tracking import waiting_notice

URI = "https://mlflow.example"
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
SECOND = datetime(2025, 2, 1, tzinfo=UTC)


class Handler:
    code = ExitCode.DONE
    error: BaseException | None = None

    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.context = entrypoint.context

    def run(self) -> int:
        context = self.context
        (context.folder.path / "strategy").mkdir()
        (context.folder.path / "strategy" / "demo.py").write_text("class Demo: ...\n")
        context.record.results |= {"trades": 3, "profit_percent": 1.5, "won": "2 / 0 / 1"}
        context.record_digest("trades", "1a7c")
        context.report = RunReportParts(
            balance=(BalancePoint(FIRST, 1000.0, 0.0), BalancePoint(SECOND, 990.0, 0.01))
        )
        context.parts = tuple(
            RunPart(
                noun="epoch",
                number=number,
                params={"buy": {"fast": number}},
                figures={"loss": float(number)},
            )
            for number in range(120, 0, -1)
        )
        if self.error:
            raise self.error
        return context.conclude(Verdict(exit_code=self.code, sentence="ended so"))


def run(
    tmp_path: Path,
    config_file: Path,
    handler: type[Handler] = Handler,
    *,
    environ: dict[str, str] | None = None,
    trace_id: str | None = None,
    request: RunRequest | None = None,
) -> tuple[int, RunManifest]:
    settings = EntrypointSettings(
        mode=TradingMode.BACKTEST,
        folder=tmp_path / "runs",
        id="run-1",
        config=str(config_file),
        trace_id=trace_id,
    )
    environ = {"MLFLOW_TRACKING_URI": URI} if environ is None else environ
    StrategyEntrypoint.handlers.register(TradingMode.BACKTEST, handler)
    try:
        code = StrategyEntrypoint(settings, environ=environ, request=request).run()
    finally:
        StrategyEntrypoint.handlers.unregister(TradingMode.BACKTEST)
    return code, RunManifest.read(tmp_path / "runs" / "run-1")


def test_a_run_is_tracked_with_everything_that_its_manifest_says(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    code, manifest = run(tmp_path, config_file)

    seen = tracker.views["run-1"]
    assert (code, seen.status, seen.experiment) == (0, TrackedStatus.FINISHED, "demo")
    assert seen.params["execution.stake_amount"] == "100"
    assert seen.params["pairs"] == '["BTC/USDT"]'
    assert seen.tags["tradai.origin.timeframe"].endswith("strategy.yaml:3")
    assert seen.tags["tradai.digest.trades"] == "1a7c"
    assert seen.tags["tradai.result.won"] == "2 / 0 / 1"
    assert (seen.tags["tradai.verdict"], seen.tags["tradai.exit_code"]) == ("ended so", "0")
    results = {point.key: point.value for point in seen.points if "." not in point.key}
    assert results == {"trades": 3.0, "profit_percent": 1.5, "balance": 990.0, "drawdown": 0.01}
    assert manifest.notices == []


def test_the_equity_curve_is_a_history_at_the_instants_of_its_points(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    run(tmp_path, config_file)

    points = [point for point in tracker.views["run-1"].points if point.key == "balance"]
    assert [(point.at, point.step, point.value) for point in points] == [
        (FIRST, 0, 1000.0),
        (SECOND, 1, 990.0),
    ]


def test_the_files_of_a_run_are_its_artifacts_and_the_manifest_is_the_last_one(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    run(tmp_path, config_file)

    folder = tmp_path / "runs" / "run-1"
    artifacts = tracker.views["run-1"].artifacts
    assert sorted(artifacts) == [
        "journal.jsonl",
        "manifest.json",
        "report.html",
        "report.json",
        "strategy/demo.py",
    ]
    assert {name: (folder / name).read_bytes() for name in artifacts} == artifacts


def test_the_best_parts_are_runs_of_their_own_and_the_history_has_all(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    run(tmp_path, config_file)

    children = {name: view for name, view in tracker.views.items() if view.parent_id == "run-1"}
    history = [p.step for p in tracker.views["run-1"].points if p.key == "epoch.loss"]
    assert len(children) == 100
    assert set(children) == {f"run-1.{number}" for number in range(21, 121)}
    assert children["run-1.120"].params == {"buy.fast": "120"}
    assert [(p.key, p.value) for p in children["run-1.120"].points] == [("loss", 120.0)]
    assert sorted(history) == list(range(1, 121))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ExitCode.STRATEGY_ERRORS, TrackedStatus.FAILED),
        (ExitCode.TERMINATED, TrackedStatus.KILLED),
        (ExitCode.INTERRUPTED, TrackedStatus.KILLED),
    ],
)
def test_the_status_follows_the_exit_code(
    code: ExitCode,
    status: TrackedStatus,
    tmp_path: Path,
    config_file: Path,
    tracker: MemoryTracker,
) -> None:
    class Ending(Handler):
        pass

    Ending.code = code

    assert run(tmp_path, config_file, Ending)[0] == code
    assert tracker.views["run-1"].status is status


def test_a_run_that_crashes_is_tracked_as_failed(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    class Crashing(Handler):
        error = RuntimeError("boom")

    code, _ = run(tmp_path, config_file, Crashing)

    seen = tracker.views["run-1"]
    assert (code, seen.status) == (ExitCode.CRASHED, TrackedStatus.FAILED)
    assert "boom" in seen.tags["tradai.verdict"]


def test_a_refused_run_is_tracked_as_failed(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    request = RunRequest(overrides=("timeframe=forever",))

    code, _ = run(tmp_path, config_file, request=request)

    seen = tracker.views["run-1"]
    assert (code, seen.status) == (ExitCode.CONFIGURATION, TrackedStatus.FAILED)
    assert "timeframe" in seen.tags["tradai.verdict"]


def test_a_run_of_a_job_is_a_part_of_it(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    run(tmp_path, config_file, trace_id="sweep-1")

    assert tracker.views["run-1"].parent_id == "sweep-1"


def test_an_experiment_can_be_chosen(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    run(
        tmp_path,
        config_file,
        environ={"MLFLOW_TRACKING_URI": URI, "MLFLOW_EXPERIMENT_NAME": "spring"},
    )

    assert tracker.views["run-1"].experiment == "spring"


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("sqlite:///mlflow.db", "no sqlite: backend"),
        ("file:./mlruns", "no file: backend"),
        ("databricks", "expected http:// or https://"),
    ],
)
def test_a_server_that_we_do_not_speak_to_costs_one_warning(
    uri: str,
    reason: str,
    tmp_path: Path,
    config_file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    code, manifest = run(tmp_path, config_file, environ={"MLFLOW_TRACKING_URI": uri})

    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert code == 0
    assert [each.getMessage() for each in warnings] == manifest.notices
    assert "the run is not tracked" in manifest.notices[0]
    assert reason in manifest.notices[0]


def test_a_run_without_a_server_is_not_tracked_and_says_nothing(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    code, manifest = run(tmp_path, config_file, environ={})

    assert (code, manifest.notices, tracker.views) == (0, [], {})


def test_a_server_that_is_down_changes_no_exit_code_and_the_manifest_says_what_waits(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker
) -> None:
    tracker.refusal = ExternalServiceError("it is down", service="mlflow", operation="send")

    code, manifest = run(tmp_path, config_file)

    (notice,) = manifest.notices
    assert (code, manifest.exit_code, manifest.verdict) == (0, 0, "ended so")
    assert "facts of the run wait for the tracking server: it is down" in notice
    assert "tradai-entrypoint sync" in notice


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        (".tradai/runs/run-1", "sync"),
        (".tradai/sweeps/sweep-1", "sync"),
        ("chosen/run-1", "sync"),
        ("other runs/run-1", "sync 'other runs/run-1'"),
    ],
)
def test_the_command_that_sends_what_waits_names_a_folder_that_it_would_not_find(
    folder: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if folder.startswith("chosen"):
        monkeypatch.setenv("TRADAI_RUN_FOLDER", "chosen")

    notice = waiting_notice(Delivery(waiting=2), "run", Path(folder))

    assert notice == (
        f"2 facts of the run wait for the tracking server; `tradai-entrypoint {command}` sends them"
    )


def test_a_run_of_which_a_part_cannot_be_kept_ends_with_its_status(
    tmp_path: Path, config_file: Path, tracker: MemoryTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("the disk is full", operation="append")

    monkeypatch.setattr("tradai.entrypoint._runs.tracking.result_files", refuse)

    code, manifest = run(tmp_path, config_file)

    assert code == 0
    assert manifest.notices == ["not all of the run is tracked: the disk is full"]
    assert tracker.views["run-1"].status is TrackedStatus.FINISHED


@pytest.mark.parametrize("error", [StorageError("no room", operation="append"), KeyError("odd")])
def test_a_run_whose_configuration_is_not_taken_ends_with_its_status(
    error: Exception,
    tmp_path: Path,
    config_file: Path,
    tracker: MemoryTracker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: RunManifest) -> None:
        raise error

    monkeypatch.setattr("tradai.entrypoint._runs.tracking.config_params", refuse)

    code, manifest = run(tmp_path, config_file)

    seen = tracker.views["run-1"]
    (notice,) = manifest.notices
    assert (code, seen.status, seen.tags["tradai.exit_code"]) == (0, TrackedStatus.FINISHED, "0")
    assert notice.startswith("not all of the run is tracked: ")


@pytest.mark.parametrize("error", [TradAIError("refused"), RuntimeError("broken")])
def test_a_tracker_that_fails_costs_a_warning(
    error: Exception,
    tmp_path: Path,
    config_file: Path,
    tracker: MemoryTracker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(run: TrackedRun, *, folder: Path) -> None:
        del run, folder
        raise error

    monkeypatch.setattr(tracker, "start", fail)

    code, manifest = run(tmp_path, config_file)

    assert code == 0
    assert len(manifest.notices) == 1
    assert str(error) in manifest.notices[0]
