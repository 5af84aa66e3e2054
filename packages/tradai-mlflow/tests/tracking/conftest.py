"""A server of runs in this process, which loses calls and answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, RLock
from typing import TypeVar

import pytest

from tradai.core import MetricPoint, TrackedRun, TrackedStatus
from tradai.core.exceptions import ExternalServiceError
from tradai.core.testing import TrackedView
from tradai.mlflow._client.capabilities import ServerCapabilities
from tradai.mlflow._client.entities import Experiment, ExperimentRun, RunMetric, RunStatus
from tradai.mlflow._tracking.tracker import MLflowTracker

T = TypeVar("T")

START = datetime(2025, 1, 1, tzinfo=UTC)


class KilledError(BaseException):
    """The process is killed: nothing of ours catches it."""


@dataclass
class Stored:
    run: ExperimentRun
    points: list[RunMetric] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)


class FakeRuns:
    """Runs as an MLflow server keeps them; `RunClient`.

    ``faults`` decides about each call that changes something, by its number from 0: ``"refuse"``
    it, ``"lose"`` its answer, ``"cut"`` it off before its tags are kept, or ``"kill"`` the process
    before the answer.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Stored] = {}
        self.faults: Callable[[int], str | None] = lambda _: None
        self.calls = 0
        self.is_down = False
        # The store of MLflow in files keeps equal points twice; those in databases do not.
        self.merges_equal_points = True
        self.uri = "http://mlflow.example"
        self._lock = RLock()

    def server(self) -> ServerCapabilities:
        self._answer()
        return ServerCapabilities.of_version("3.17.2") or pytest.fail("not a version")

    def experiment(self, name: str) -> Experiment:
        self._answer()
        return Experiment(experiment_id=f"id of {name}", name=name)

    def create_run(
        self,
        experiment_id: str,
        *,
        name: str,
        started_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ExperimentRun:
        def create() -> ExperimentRun:
            run = ExperimentRun(
                run_id=f"{len(self.runs):032x}",
                experiment_id=experiment_id,
                name=name,
                started_at=started_at,
                tags=dict(tags or {}),
            )
            self.runs[run.run_id] = Stored(run)
            return run

        return self._change(create)

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        *,
        # The name that MLflow's own client has for it.
        filter: str | None = None,  # noqa: A002
    ) -> Iterator[ExperimentRun]:
        self._answer()
        name, value = (filter or "").removeprefix("tags.`").removesuffix("'").split("` = '")
        with self._lock:
            found = [
                stored.run
                for stored in self.runs.values()
                if stored.run.experiment_id in experiment_ids and stored.run.tags.get(name) == value
            ]
        return iter(found)

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[RunMetric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        assert len(metrics) + len(params or {}) + len(tags or {}) <= 1000
        assert len(params or {}) <= 100
        assert len(tags or {}) <= 100

        def log() -> None:
            stored = self.runs[run_id]
            stored.points.extend(metrics)
            if self.merges_equal_points:
                stored.points = list(dict.fromkeys(stored.points))
            changed = {"params": {**stored.run.params, **(params or {})}}
            stored.run = stored.run.model_copy(update=changed)

        def log_all() -> None:
            log()
            stored = self.runs[run_id]
            changed = {"tags": {**stored.run.tags, **(tags or {})}}
            stored.run = stored.run.model_copy(update=changed)

        self._change(log_all, part=log)

    def metric_history(self, run_id: str, key: str) -> Iterator[RunMetric]:
        self._answer()
        return iter([point for point in self.runs[run_id].points if point.key == key])

    def upload_artifact(self, owner: ExperimentRun, /, file: Path, path: str) -> None:
        def upload() -> None:
            self.runs[owner.run_id].artifacts[path] = file.read_bytes()

        self._change(upload)

    def end_run(self, run_id: str, status: RunStatus, ended_at: datetime | None = None) -> None:
        def end() -> None:
            stored = self.runs[run_id]
            stored.run = stored.run.model_copy(update={"status": status, "ended_at": ended_at})

        self._change(end)

    def only(self) -> Stored:
        """Return the one run that there is."""
        (stored,) = self.runs.values()
        return stored

    def view(self, run_id: str) -> TrackedView:
        """Return the run with an id of ours."""
        (stored,) = [
            each for each in self.runs.values() if each.run.tags["tradai.run_id"] == run_id
        ]
        parent = self.runs.get(stored.run.tags.get("mlflow.parentRunId", ""))
        status = stored.run.status
        return TrackedView(
            id=run_id,
            name=stored.run.name,
            experiment=stored.run.experiment_id.removeprefix("id of "),
            parent_id=parent.run.tags["tradai.run_id"] if parent else None,
            params=dict(stored.run.params),
            tags=dict(stored.run.tags),
            points=[MetricPoint(p.key, p.value, p.step, p.at) for p in stored.points],
            artifacts=dict(stored.artifacts),
            status=TrackedStatus(status.value) if status.is_terminal else None,
        )

    def _answer(self) -> None:
        if self.is_down:
            raise _failure("the server is down")

    def _change(self, change: Callable[[], T], part: Callable[[], object] | None = None) -> T:
        self._answer()
        with self._lock:
            fault = self.faults(self.calls)
            self.calls += 1
            if fault == "cut":
                if part:
                    part()
                raise _failure("the server ended in the middle")
            if fault == "refuse":
                raise _failure("the server refused")
            answer = change()
        if fault == "lose":
            raise _failure("the answer was lost")
        if fault == "kill":
            raise KilledError
        return answer


def _failure(message: str) -> ExternalServiceError:
    return ExternalServiceError(message, service="mlflow", operation="send", retryable=True)


@pytest.fixture
def server() -> FakeRuns:
    return FakeRuns()


class EndlessPatience:
    """Waits as long as it takes: a busy machine fails no test."""

    def now_s(self) -> float:
        return 0.0

    def wait(self, event: Event, timeout_s: float) -> bool:
        return event.wait(timeout_s)


@pytest.fixture
def tracker(server: FakeRuns) -> MLflowTracker:
    return MLflowTracker(lambda: server, address="http://mlflow.example", timer=EndlessPatience())


@pytest.fixture
def run() -> TrackedRun:
    return TrackedRun(id="run-1", name="first", experiment="momentum", started_at=START)


@pytest.fixture(scope="session")
def fake() -> type[FakeRuns]:
    return FakeRuns
