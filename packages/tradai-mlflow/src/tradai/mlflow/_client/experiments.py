"""Experiments of the client."""

from collections.abc import Iterator

from tradai.mlflow._client.access import ServerAccess
from tradai.mlflow._client.creation import get_or_create
from tradai.mlflow._client.entities import Experiment, each
from tradai.mlflow._http.deadline import Deadline
from tradai.mlflow._http.errors import AlreadyExistsError, ExperimentNotFoundError
from tradai.mlflow._http.request import Subject


class ExperimentCalls(ServerAccess):
    """Calls about experiments."""

    def experiment(self, name: str, *, deadline_s: float | None = None) -> Experiment:
        """Return the experiment of this name, and create it where there is none.

        Any number of threads and processes may ask at once: there will be one experiment.

        Raises:
            AlreadyExistsError: It was deleted, and MLflow keeps its name.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._deadline(deadline_s)
        experiment = get_or_create(
            lambda: self._experiment(name, deadline),
            lambda: self._create("experiments/create", {"name": name}, deadline, _about(name)),
            deadline,
        )
        if experiment.is_deleted:
            message = (
                f"the experiment {name!r} is deleted, and MLflow keeps its name: restore it with "
                f"`mlflow experiments restore -x {experiment.experiment_id}`, or use another name"
            )
            raise AlreadyExistsError(message, operation="experiments/create")
        return experiment

    def get_experiment(self, name: str, *, deadline_s: float | None = None) -> Experiment:
        """Return the experiment of this name.

        Raises:
            ExperimentNotFoundError: There is none.
            MLflowError: The server refused, or gave no usable answer.
        """
        return self._experiment(name, self._deadline(deadline_s))

    def search_experiments(
        self,
        *,
        filter: str | None = None,  # noqa: A002 - the name that MLflow gives it
        limit: int | None = None,
        deadline_s: float | None = None,
    ) -> Iterator[Experiment]:
        """Yield the experiments that are not deleted, newest first.

        Args:
            filter: Condition in MLflow's language, such as ``name LIKE 'tradai%'``.
            limit: Largest number; by default all.
            deadline_s: Seconds for each page.
        """
        condition = {"filter": filter} if filter else {}
        pages = self._pages(
            lambda page, deadline: self._write(
                "experiments/search", {**condition, **page}, deadline
            ),
            "experiments",
            limit=limit,
            deadline_s=deadline_s,
        )
        return each(Experiment.from_answer, pages)

    def _experiment(self, name: str, deadline: Deadline) -> Experiment:
        answer = self._get(
            "experiments/get-by-name",
            {"experiment_name": name},
            deadline,
            _about(name),
        )
        return Experiment.within(answer, "experiment")


def _about(name: str) -> Subject:
    return Subject(f"experiment {name!r}", ExperimentNotFoundError, name)
