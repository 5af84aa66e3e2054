"""Tracked runs on real servers: the port's promises, killed processes, lost answers, logins."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import PASSWORD, USER, MLflowServer
from servers.process import free_port

from tradai.core import (
    Delivery,
    MetricPoint,
    RunTracking,
    TrackedRun,
    TrackedStatus,
    Tracker,
)
from tradai.core.testing import TrackedView, TrackerContract
from tradai.mlflow import ExperimentRun, MLflowClient, MLflowTracker, start_run

START = datetime(2025, 1, 1, tzinfo=UTC)
# Tracks 500 points, and is killed or exits at once.
PROGRAM = """
import os, signal, sys
from tradai.mlflow import start_run

with start_run(sys.argv[1]) as run:
    run.log_params({"depth": 3})
    for step in range(500):
        run.log_metrics({"loss": step / 7}, step=step)
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
print(run.delivery.waiting)
"""


class EndlessPatience:
    """Waits at the end of a run as long as the server takes: a busy machine fails no test."""

    def now_s(self) -> float:
        return 0.0

    def wait(self, event: Event, timeout_s: float) -> bool:
        return event.wait(timeout_s)


class OnlyWoken:
    """Time stands still: the thread sends when there is much to send, and at the end."""

    def now_s(self) -> float:
        return 0.0

    def wait(self, event: Event, timeout_s: float) -> bool:
        del timeout_s
        return event.wait()


@pytest.fixture
def delivered(
    eventually: Callable[[Callable[[], bool]], bool],
) -> Callable[[MLflowTracker, Path], Delivery]:
    """Deliver the run in a folder once the thread that began to send it has given up."""

    def deliver(tracker: MLflowTracker, folder: Path) -> Delivery:
        deliveries: list[Delivery] = []

        def has_given_up() -> bool:
            deliveries.append(tracker.deliver(folder))
            return not deliveries[-1].is_alive

        assert eventually(has_given_up)
        return deliveries[-1]

    return deliver


def history(client: MLflowClient, run: ExperimentRun, key: str = "loss") -> list[tuple[int, float]]:
    """Return step and value of each point of a metric, in the order of their steps."""
    points = client.metric_history(run.run_id, key)
    return sorted((point.step, point.value) for point in points)


def only_run(client: MLflowClient, experiment: str) -> ExperimentRun:
    (run,) = client.search_runs([client.experiment(experiment).experiment_id])
    return run


class TestMLflowTracker(TrackerContract):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "run"
        folder.mkdir()
        return folder

    @pytest.fixture
    def tracker(self, client: MLflowClient, unique: str) -> Tracker:
        tracker = MLflowTracker(lambda: client, address=client.uri, timer=EndlessPatience())
        return _InExperiment(tracker, unique)

    @pytest.fixture
    def view(
        self, client: MLflowClient, unique: str, tmp_path: Path
    ) -> Callable[[str], TrackedView]:
        def look(run_id: str) -> TrackedView:
            runs = {
                run.run_id: run
                for run in client.search_runs([client.experiment(unique).experiment_id])
            }
            (run,) = [run for run in runs.values() if run.tags["tradai.run_id"] == run_id]
            return _view(client, run, runs, tmp_path)

        return look


class _InExperiment:
    """Tracks every run in an experiment of its own, since tests share the server."""

    def __init__(self, tracker: MLflowTracker, experiment: str) -> None:
        self.tracker = tracker
        self.experiment = experiment

    def start(self, run: TrackedRun, *, folder: Path) -> RunTracking:
        return self.tracker.start(replace(run, experiment=self.experiment), folder=folder)

    def deliver(self, folder: Path) -> Delivery:
        return self.tracker.deliver(folder)

    def check(self) -> str:
        return self.tracker.check()


def _view(
    client: MLflowClient, run: ExperimentRun, runs: dict[str, ExperimentRun], folder: Path
) -> TrackedView:
    parent = runs.get(run.tags.get("mlflow.parentRunId", ""))
    return TrackedView(
        id=run.tags["tradai.run_id"],
        name=run.name,
        experiment="momentum",
        parent_id=parent.tags["tradai.run_id"] if parent else None,
        params=dict(run.params),
        tags=dict(run.tags),
        points=[
            MetricPoint(point.key, point.value, point.step, point.at)
            for key in run.metrics
            for point in sorted(
                client.metric_history(run.run_id, key), key=lambda point: (point.at, point.step)
            )
        ],
        artifacts=dict(_artifacts(client, run, folder)),
        status=TrackedStatus(run.status.value) if run.status.is_terminal else None,
    )


def _artifacts(client: MLflowClient, run: ExperimentRun, folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    waiting = [""]
    while waiting:
        for info in client.list_artifacts(run, waiting.pop()):
            if info.is_folder:
                waiting.append(info.path)
            else:
                client.download_artifact(run, info.path, folder / "downloaded")
                found[info.path] = (folder / "downloaded").read_bytes()
    return found


def program(
    experiment: str, end: str, *, uri: str, folder: Path
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, experiment, end],
        env=os.environ | {"MLFLOW_TRACKING_URI": uri},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def sync(folder: Path, uri: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tradai.entrypoint", "sync"],
        env=os.environ | {"MLFLOW_TRACKING_URI": uri},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "ending", [("kill", -9, "KILLED"), ("return", 0, "FINISHED")], ids=["killed", "returned"]
)
def test_500_points_are_on_the_server_after_a_sync_whatever_ended_the_process_without_it(
    ending: tuple[str, int, str],
    client: MLflowClient,
    server: MLflowServer,
    unique: str,
    tmp_path: Path,
) -> None:
    end, code, status = ending
    ended = program(unique, end, uri=f"http://127.0.0.1:{free_port()}", folder=tmp_path)

    synced = sync(tmp_path, server.url)
    again = sync(tmp_path, server.url)

    run = only_run(client, unique)
    assert ended.returncode == code, ended.stderr
    # The points, the parameter and the end.
    assert end != "return" or ended.stdout.split() == ["502"]
    assert synced.returncode == 0, synced.stderr
    assert "delivered to" in synced.stdout
    assert "nothing waits" in again.stdout
    assert history(client, run) == [(step, step / 7) for step in range(500)]
    assert (run.params["depth"], run.status) == ("3", status)


@pytest.mark.parametrize(
    "endpoint", ["runs/create", "runs/log-batch", "runs/update", "mlflow-artifacts/artifacts"]
)
def test_a_run_is_sent_once_though_answers_are_lost_again_and_again(
    endpoint: str,
    proxy: FaultProxy,
    client: MLflowClient,
    unique: str,
    tmp_path: Path,
    delivered: Callable[[MLflowTracker, Path], Delivery],
) -> None:
    proxy.plan(Fault(match=endpoint, action="lose", times=7))
    with MLflowClient(uri=proxy.url, deadline_s=3) as faulty:
        with start_run(unique, client=faulty, folder=tmp_path) as run:
            run.log_metrics({"loss": 0.5}, step=1)
            run.log_points(MetricPoint("balance", float(step), step) for step in range(1500))
            (run.folder / "report.html").write_text("<html>")
            run.log_artifact(run.folder / "report.html", "copy.html")

        tracker = MLflowTracker(lambda: client, address=client.uri)
        delivery = delivered(tracker, run.folder)

    seen = only_run(client, unique)
    assert delivery.waiting == 0
    assert history(client, seen) == [(1, 0.5)]
    assert history(client, seen, "balance") == [(step, float(step)) for step in range(1500)]
    assert [info.path for info in client.list_artifacts(seen)] == ["copy.html"]
    assert seen.status == "FINISHED"


def test_a_run_with_50_parameters_and_1000_points_takes_five_requests(
    proxy: FaultProxy, client: MLflowClient, unique: str, tmp_path: Path
) -> None:
    client.experiment(unique)
    run = TrackedRun(id="run-1", name="first", experiment=unique, started_at=START)
    with MLflowClient(uri=proxy.url, deadline_s=120) as counted:
        counted.server()
        proxy.plan()
        tracker = MLflowTracker(lambda: counted, address="", timer=OnlyWoken())
        tracking = tracker.start(run, folder=tmp_path)
        tracking.log_params({f"p{number}": "1" for number in range(50)})
        tracking.log_points(
            MetricPoint(f"m{key}", float(step), step) for step in range(50) for key in range(20)
        )
        delivery = tracking.end(TrackedStatus.FINISHED)

    assert delivery.waiting == 0
    assert [request.split()[1].rpartition("/2.0/")[2] for request in proxy.seen] == [
        f"mlflow/experiments/get-by-name?experiment_name={unique}",
        "mlflow/runs/create",
        "mlflow/runs/log-batch",
        "mlflow/runs/log-batch",
        "mlflow/runs/update",
    ]


def test_a_server_with_a_login_below_a_path_takes_runs(
    guarded_mlflow: MLflowServer,
    guarded_client: MLflowClient,
    unique: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    delivered: Callable[[MLflowTracker, Path], Delivery],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", guarded_mlflow.url)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)

    with start_run(unique, folder=tmp_path) as run:
        run.log_metrics({"loss": 0.5})

    delivered(MLflowTracker.for_uri(guarded_mlflow.url), run.folder)
    seen = only_run(guarded_client, unique)
    assert history(guarded_client, seen) == [(0, 0.5)]
    assert PASSWORD not in (run.folder / "tracking.jsonl").read_text()


def test_a_wrong_login_leaves_the_run_waiting_and_is_named(
    guarded_mlflow: MLflowServer,
    unique: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    delivered: Callable[[MLflowTracker, Path], Delivery],
) -> None:
    wrong = "not-the-real-" + "password"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", wrong)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", guarded_mlflow.url)

    with start_run(unique, folder=tmp_path) as run:
        run.log_metrics({"loss": 0.5})
    delivery = delivered(MLflowTracker.for_uri(guarded_mlflow.url), run.folder)

    assert delivery.waiting == 2
    assert type(delivery.problem).__name__ == "LoginRefusedError"
    assert wrong not in str(delivery.problem)
