"""The part of the client that tracking needs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tradai.mlflow._client.capabilities import ServerCapabilities
from tradai.mlflow._client.entities import Experiment, ExperimentRun, RunMetric, RunStatus


class RunClient(Protocol):
    """Calls about runs; `MLflowClient` has them, and says more about each."""

    @property
    def uri(self) -> str:
        """Address of the server."""
        ...

    def experiment(self, name: str) -> Experiment:
        """Return the experiment of that name, which is created unless it exists."""
        ...

    def create_run(
        self,
        experiment_id: str,
        *,
        name: str,
        started_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ExperimentRun:
        """Create a run, once, also when an answer is lost."""
        ...

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        *,
        # The name that MLflow's own client has for it.
        filter: str | None = None,  # noqa: A002
    ) -> Iterator[ExperimentRun]:
        """Yield the runs that match."""
        ...

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[RunMetric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Record points, parameters and tags."""
        ...

    def metric_history(self, run_id: str, key: str) -> Iterator[RunMetric]:
        """Yield every point of a metric."""
        ...

    def upload_artifact(self, owner: ExperimentRun, /, file: Path, path: str) -> object:
        """Send a file."""
        ...

    def server(self) -> ServerCapabilities:
        """Return the version of the server."""
        ...

    def end_run(self, run_id: str, status: RunStatus, ended_at: datetime | None = None) -> object:
        """End a run."""
        ...
