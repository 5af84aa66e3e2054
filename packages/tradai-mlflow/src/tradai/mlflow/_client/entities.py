"""Experiments, runs, metrics and artifacts, as the server describes them."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Self, TypeAlias, TypeVar, final

from pydantic import AfterValidator, BaseModel, ConfigDict

from tradai.core import FrozenMapping, Utc, from_epoch_ms, to_epoch_ms
from tradai.mlflow._http.errors import NotAnMLflowServerError

Texts: TypeAlias = Annotated[Mapping[str, str], AfterValidator(FrozenMapping)]
Figures: TypeAlias = Annotated[Mapping[str, float], AfterValidator(FrozenMapping)]

E = TypeVar("E")

# Errors of an answer whose parts are missing, or of other types.
_ODD: Final = (AttributeError, KeyError, OverflowError, TypeError, ValueError)

# Tag of the last value of a metric that was NaN or infinite: servers store those as other numbers.
NOT_FINITE: Final = "tradai.not_finite."

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Entity(BaseModel):
    """A frozen answer of the server."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class NamedEntity(Entity):
    """An entity that the server's JSON has under a name."""

    @classmethod
    @abstractmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the server's JSON."""

    @classmethod
    def within(cls, answer: Mapping[str, Any], name: str) -> Self:
        """Read the part `name` of the server's JSON.

        Raises:
            NotAnMLflowServerError: It is not there, or not as MLflow writes it.
        """
        try:
            return cls.from_answer(answer[name])
        except _ODD as exc:
            raise odd_answer(name.replace("_", " ")) from exc


@final
class RunStatus(StrEnum):
    """Status of a run, under MLflow's names."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended."""
        return self not in {RunStatus.RUNNING, RunStatus.SCHEDULED}


@final
class Experiment(NamedEntity):
    """A group of runs.

    Attributes:
        experiment_id: Id on the server.
        name: Name, unique on the server.
        artifact_uri: Folder of the artifacts of its runs.
        is_deleted: Whether it is in the bin of the server.
        tags: Tags by their key.
    """

    experiment_id: str
    name: str
    artifact_uri: str = ""
    is_deleted: bool = False
    tags: Texts = FrozenMapping()

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the server's JSON."""
        return cls(
            experiment_id=answer["experiment_id"],
            name=answer["name"],
            artifact_uri=answer.get("artifact_location", ""),
            is_deleted=answer.get("lifecycle_stage") == "deleted",
            tags=pairs(answer.get("tags", ())),
        )


@final
class ExperimentRun(NamedEntity):
    """A run: one execution whose parameters, metrics and files are recorded.

    Attributes:
        run_id: Id on the server.
        experiment_id: Id of its experiment.
        name: Name; need not be unique.
        status: Its status.
        started_at: When it was started.
        ended_at: When it ended; None before that.
        params: Parameters by name; each is written once.
        metrics: Newest value of each metric by name; not finite where the server says so.
        tags: Tags by their key.
        artifact_uri: Folder of its artifacts.
        is_deleted: Whether it is in the bin of the server.
    """

    run_id: str
    experiment_id: str
    name: str = ""
    status: RunStatus = RunStatus.RUNNING
    started_at: Utc | None = None
    ended_at: Utc | None = None
    params: Texts = FrozenMapping()
    metrics: Figures = FrozenMapping()
    tags: Texts = FrozenMapping()
    artifact_uri: str = ""
    is_deleted: bool = False

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the server's JSON."""
        info, data = answer["info"], answer.get("data", {})
        return cls(
            run_id=info["run_id"],
            experiment_id=info["experiment_id"],
            name=info.get("run_name", ""),
            status=info.get("status", RunStatus.RUNNING),
            started_at=instant(info.get("start_time")),
            ended_at=instant(info.get("end_time")),
            params=pairs(data.get("params", ())),
            metrics=pairs(data.get("metrics", ())),
            tags=pairs(data.get("tags", ())),
            artifact_uri=info.get("artifact_uri", ""),
            is_deleted=info.get("lifecycle_stage") == "deleted",
        )


# Not a model of pydantic: points come by the thousand, and take a third of the time so.
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetric:
    """One point of a metric of a run.

    Attributes:
        key: Name of the metric.
        value: Its value.
        step: Number of the point, from 0.
        at: When it was measured, to the millisecond. The client fills it in, never the server, so
            that a point that is sent twice is stored once.
    """

    key: str
    value: float
    step: int = 0
    at: datetime

    def __post_init__(self) -> None:
        """Check the time.

        Raises:
            ValidationError: It is naive, or not in UTC.
        """
        if self.at.tzinfo is not UTC:
            to_epoch_ms(self.at.replace(microsecond=0))

    @property
    def at_ms(self) -> int:
        """Whole milliseconds of `at` since 1970; the rest is dropped."""
        return (self.at - _EPOCH) // _MILLISECOND

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the server's JSON."""
        return cls(
            key=answer["key"],
            value=float(answer["value"]),
            step=int(answer.get("step", 0)),
            at=from_epoch_ms(int(answer["timestamp"])),
        )


@final
class ArtifactInfo(Entity):
    """A file or folder among the artifacts of a run.

    Attributes:
        path: Path below the run's folder.
        is_folder: Whether it is a folder.
        size: Bytes of a file; None for a folder.
    """

    path: str
    is_folder: bool
    size: int | None = None

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the server's JSON."""
        is_folder = bool(answer.get("is_dir", False))
        size = None if is_folder else int(answer.get("file_size", 0))
        return cls(path=answer["path"], is_folder=is_folder, size=size)


def each(read: Callable[[Mapping[str, Any]], E], answers: Any) -> Iterator[E]:  # noqa: ANN401 - JSON
    """Read each entry of a list of the server's JSON with `read`; None counts as an empty list.

    Raises:
        NotAnMLflowServerError: An entry is not as MLflow writes it.
    """
    entries = () if answers is None else answers
    if not isinstance(entries, Iterable):
        raise odd_answer("list of entries")
    # The entries may come page by page, and the errors of a page are those of its call.
    for entry in entries:
        try:
            entity = read(entry)
        except _ODD as exc:
            raise odd_answer("entry") from exc
        yield entity


def odd_answer(noun: str) -> NotAnMLflowServerError:
    """Return the error of an answer without the part `noun`."""
    message = (
        f"the answer has no {noun} as MLflow describes one; check MLFLOW_TRACKING_URI, and its "
        "path when the server has a prefix"
    )
    return NotAnMLflowServerError(message, operation=f"read {noun}")


def pairs(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mapping that MLflow sends as a list of keys and values."""
    return {item["key"]: item.get("value", "") for item in items}


def instant(ms: int | str | None) -> datetime | None:
    """Return the instant of MLflow's milliseconds; None for none, or 0."""
    return from_epoch_ms(int(ms)) if ms else None


def quoted(text: str) -> str:
    """Return `text` as a string of MLflow's filters."""
    return f'"{text}"' if "'" in text else f"'{text}'"
