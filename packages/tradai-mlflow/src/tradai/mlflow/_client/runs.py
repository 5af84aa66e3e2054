"""Runs of the client: create, read, end, search."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tradai.core import JsonValue, to_epoch_ms, utc_now
from tradai.mlflow._client.access import ServerAccess
from tradai.mlflow._client.creation import Creation, create_once
from tradai.mlflow._client.entities import ExperimentRun, RunMetric, RunStatus, each, quoted
from tradai.mlflow._client.limits import TAG_LENGTH, check_length
from tradai.mlflow._http.deadline import Deadline
from tradai.mlflow._http.errors import ExperimentNotFoundError, RunNotFoundError
from tradai.mlflow._http.request import Subject

OPERATION_TAG: Final = "tradai.operation_id"


class RunCalls(ServerAccess):
    """Calls about runs."""

    def create_run(
        self,
        experiment_id: str,
        *,
        name: str,
        started_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        operation_id: str | None = None,
        deadline_s: float | None = None,
    ) -> ExperimentRun:
        """Create a run, once, also when answers are lost.

        The run carries an operation id as the tag ``tradai.operation_id``. Before a request is
        sent again, the run with that id is looked for.

        Args:
            experiment_id: Experiment of the run.
            name: Name of the run.
            started_at: When it was started; by default now.
            tags: Tags to begin with.
            operation_id: Id of an earlier call to continue: the run that it made is returned. By
                default a new one. Two calls at once that find no run make one each, since MLflow
                does not say which of two runs was made first.
            deadline_s: Seconds for all of it.

        Raises:
            ExperimentNotFoundError: The experiment does not exist.
            LimitExceededError: A tag is longer than the server keeps; nothing is sent.
            MLflowError: The server refused, or gave no usable answer. When ``may_have_run`` is
                true, the run may exist; call again with the same `operation_id`.
        """
        deadline = self._deadline(deadline_s)
        operation = operation_id or uuid.uuid4().hex
        for key, value in (tags or {}).items():
            check_length("tag", key, value, TAG_LENGTH)
        body: dict[str, JsonValue] = {
            "experiment_id": experiment_id,
            "run_name": name,
            "start_time": _whole_ms(started_at or utc_now()),
            "tags": key_values({**(tags or {}), OPERATION_TAG: operation}),
        }

        about = Subject(f"run {name!r}", ExperimentNotFoundError, experiment_id)

        def create() -> ExperimentRun:
            answer = self._create("runs/create", body, deadline, about)
            return ExperimentRun.within(answer, "run")

        creation = Creation(
            create=create,
            find=lambda: self._runs_of_operation(experiment_id, operation, deadline),
            discard=lambda run: self._delete_run(run.run_id, deadline),
        )
        return create_once(creation, deadline, look_first=operation_id is not None)

    def get_run(self, run_id: str, *, deadline_s: float | None = None) -> ExperimentRun:
        """Return the run of this id.

        Raises:
            RunNotFoundError: There is none.
            MLflowError: The server refused, or gave no usable answer.
        """
        answer = self._get(
            "runs/get", {"run_id": run_id}, self._deadline(deadline_s), about_run(run_id)
        )
        return ExperimentRun.within(answer, "run")

    def end_run(
        self,
        run_id: str,
        status: RunStatus,
        ended_at: datetime | None = None,
        *,
        deadline_s: float | None = None,
    ) -> None:
        """Set the status of a run, and the time of its end, by default now.

        Raises:
            RunNotFoundError: The run does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        body: dict[str, JsonValue] = {"run_id": run_id, "status": RunStatus(status).value}
        if RunStatus(status).is_terminal:
            body["end_time"] = _whole_ms(ended_at or utc_now())
        self._write("runs/update", body, self._deadline(deadline_s), about_run(run_id))

    def delete_run(self, run_id: str, *, deadline_s: float | None = None) -> None:
        """Move a run to the bin of the server; one that is there already stays.

        Raises:
            RunNotFoundError: The run does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        self._write(
            "runs/delete", {"run_id": run_id}, self._deadline(deadline_s), about_run(run_id)
        )

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        *,
        filter: str | None = None,  # noqa: A002 - the name that MLflow gives it
        order_by: Sequence[str] = (),
        limit: int | None = None,
        deadline_s: float | None = None,
    ) -> Iterator[ExperimentRun]:
        """Yield the runs of some experiments that are not deleted, page by page.

        Args:
            experiment_ids: Experiments to search.
            filter: Condition in MLflow's language, such as ``metrics.profit > 0.1``.
            order_by: Columns, such as ``metrics.profit DESC``; by default newest first.
            limit: Largest number of runs; by default all.
            deadline_s: Seconds for each page.

        Raises:
            MLflowError: The server refused, or gave no usable answer.
        """
        condition: dict[str, JsonValue] = {"experiment_ids": list(experiment_ids)}
        if filter:
            condition["filter"] = filter
        if order_by:
            condition["order_by"] = list(order_by)
        answers = self._pages(
            lambda page, deadline: self._write("runs/search", {**condition, **page}, deadline),
            "runs",
            limit=limit,
            deadline_s=deadline_s,
        )
        return each(ExperimentRun.from_answer, answers)

    def metric_history(
        self, run_id: str, key: str, *, deadline_s: float | None = None
    ) -> Iterator[RunMetric]:
        """Yield all points of a metric of a run.

        Raises:
            RunNotFoundError: The run does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        answers = self._pages(
            lambda page, deadline: self._get(
                "metrics/get-history",
                {"run_id": run_id, "metric_key": key, **_token(page)},
                deadline,
                about_run(run_id),
            ),
            "metrics",
            limit=None,
            deadline_s=deadline_s,
        )
        return each(RunMetric.from_answer, answers)

    def _delete_run(self, run_id: str, deadline: Deadline) -> None:
        self._write("runs/delete", {"run_id": run_id}, deadline, about_run(run_id))

    def _runs_of_operation(
        self, experiment_id: str, operation: str, deadline: Deadline
    ) -> list[ExperimentRun]:
        condition: dict[str, JsonValue] = {
            "experiment_ids": [experiment_id],
            "filter": f"tags.`{OPERATION_TAG}` = {quoted(operation)}",
        }
        answer = self._write("runs/search", condition, deadline)
        runs = each(ExperimentRun.from_answer, answer.get("runs"))
        return sorted(runs, key=lambda run: run.run_id)


def key_values(items: Mapping[str, str]) -> list[JsonValue]:
    """Return `items` as MLflow's list of keys and values."""
    return [{"key": key, "value": value} for key, value in items.items()]


def _whole_ms(at: datetime) -> int:
    return to_epoch_ms(at.replace(microsecond=at.microsecond // 1000 * 1000))


def _token(page: Mapping[str, Any]) -> dict[str, str]:
    # Servers of 2.18 refuse a page size here, and send all points at once.
    return {"page_token": page["page_token"]} if "page_token" in page else {}


def about_run(run_id: str) -> Subject:
    """Return the facts about a run that errors name."""
    return Subject(f"run {run_id!r}", RunNotFoundError, run_id)
