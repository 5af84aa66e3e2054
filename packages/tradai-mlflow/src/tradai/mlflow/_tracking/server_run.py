"""Runs on the server: found or created, once each, and linked to their parents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, final

from tradai.core import from_epoch_ms
from tradai.mlflow._client.entities import ExperimentRun, quoted
from tradai.mlflow._tracking.run_client import RunClient

# Tags of ours.
RUN_ID: Final = "tradai.run_id"
PARENT_ID: Final = "tradai.parent_id"
SPOOL_ID: Final = "tradai.tracking.spool"
# Number of the last record of the spool that the server has of the run.
SEQUENCE: Final = "tradai.tracking.sequence"
# Tag of MLflow, by which its page nests runs.
_PARENT_RUN: Final = "mlflow.parentRunId"


@final
@dataclass(slots=True, kw_only=True)
class ServerRun:
    """A run of a spool on the server.

    Attributes:
        run: The run as it was found or created.
        is_in_doubt: Whether the server may have points that it did not confirm.
    """

    run: ExperimentRun
    is_in_doubt: bool

    @property
    def run_id(self) -> str:
        """Id on the server."""
        return self.run.run_id

    def has(self, number: int) -> bool:
        """Tell whether the server had the record `number` when the run was found."""
        return number <= int(self.run.tags.get(SEQUENCE, 0))

    @classmethod
    def found(cls, run: ExperimentRun) -> Self:
        """Return a run that another process, or an earlier call, has sent to."""
        return cls(run=run, is_in_doubt=True)


@final
class ServerRuns:
    """Finds and creates the runs of one spool."""

    def __init__(self, client: RunClient, *, is_new: bool) -> None:
        """Use `client`; `is_new` says that no other process has sent the spool."""
        self._client = client
        self._is_new = is_new
        self._tried: set[str] = set()
        self._experiments: dict[str, str] = {}

    def start(self, start: Mapping[str, Any], parent: ServerRun | None) -> ServerRun:
        """Return the run of the record `start`, created unless it is there, and link it.

        Args:
            start: The record of its start.
            parent: Its parent in the same spool.

        Raises:
            ExternalServiceError: The server refused; the call can be made again.
        """
        experiment_id = self._experiment(start["experiment"])
        found = self._found(experiment_id, start["spool_id"])
        run = found or self._created(experiment_id, start, parent)
        if parent is None:
            self._link(run.run, start)
        return run

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            self._experiments[name] = self._client.experiment(name).experiment_id
        return self._experiments[name]

    def _found(self, experiment_id: str, spool_id: str) -> ServerRun | None:
        if self._is_new and spool_id not in self._tried:
            return None
        run = self._first(experiment_id, SPOOL_ID, spool_id)
        return ServerRun.found(run) if run else None

    def _created(
        self, experiment_id: str, start: Mapping[str, Any], parent: ServerRun | None
    ) -> ServerRun:
        self._tried.add(start["spool_id"])
        tags = {RUN_ID: start["id"], SPOOL_ID: start["spool_id"]}
        if start["parent_id"]:
            tags[PARENT_ID] = start["parent_id"]
        if parent:
            tags[_PARENT_RUN] = parent.run_id
        run = self._client.create_run(
            experiment_id,
            name=start["name"],
            started_at=from_epoch_ms(start["at"]),
            tags=tags,
        )
        return ServerRun(run=run, is_in_doubt=False)

    def _link(self, run: ExperimentRun, start: Mapping[str, Any]) -> None:
        """Link the run to its parent and its parts, as far as these are on the server.

        Parent and parts each look for the other once they are there themselves, so the later one
        finds the earlier one.
        """
        if start["parent_id"]:
            parent = self._first(run.experiment_id, RUN_ID, start["parent_id"])
            if parent:
                self._client.log_batch(run.run_id, tags={_PARENT_RUN: parent.run_id})
        if start["has_parts"]:
            for part in list(self._with(run.experiment_id, PARENT_ID, start["id"])):
                if _PARENT_RUN not in part.tags:
                    self._client.log_batch(part.run_id, tags={_PARENT_RUN: run.run_id})

    def _first(self, experiment_id: str, tag: str, value: str) -> ExperimentRun | None:
        return next(iter(self._with(experiment_id, tag, value)), None)

    def _with(self, experiment_id: str, tag: str, value: str) -> list[ExperimentRun]:
        wanted = f"tags.`{tag}` = {quoted(value)}"
        return list(self._client.search_runs([experiment_id], filter=wanted))
