"""Port of trackers: the facts of a run, as a tracking server shows them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, final

from tradai.core._time.instants import Utc
from tradai.core.exceptions import TradAIError


@final
class TrackedStatus(StrEnum):
    """The end of a tracked run."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@final
@dataclass(frozen=True, slots=True)
class MetricPoint:
    """The value of a metric at a step.

    Attributes:
        at: Instant of the point, to the millisecond; None means the present one.
    """

    key: str
    value: float
    step: int = 0
    at: Utc | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """A run to track.

    Attributes:
        id: Id of the run, by which it is found again.
        name: Name that is shown.
        experiment: Name of the group of runs that it belongs to.
        parent_id: Id of the run that this one is a part of; it may be tracked later than this one.
        has_parts: Whether other runs name this one as their parent.
    """

    id: str
    name: str
    experiment: str
    started_at: Utc
    parent_id: str | None = None
    has_parts: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The facts of a run that a tracking server has, and those that wait.

    Attributes:
        waiting: Number of facts that the server is not known to have: points, parameters, tags,
            artifacts and ends.
        sent: Number of facts that were sent to find out.
        is_alive: Whether the process of the run still sends them itself.
        problem: Reason why some wait, if one is known.
        place: Address of the run on the server; None before the server was reached.
    """

    waiting: int
    sent: int = 0
    is_alive: bool = False
    problem: TradAIError | None = None
    place: str | None = None


class RunTracking(Protocol):
    """A run that is being tracked; any thread may report.

    Facts are kept on this machine once the call returns, also when the process is killed, and are
    sent in the background. No call waits for the server, apart from `end`.
    Secrets are masked. Every method raises `StorageError` when the disk refuses, and
    `ValidationError` for a bad value or a run that has ended.
    """

    def log_params(self, params: Mapping[str, str]) -> None:
        """Report parameters; each has one value, which may be reported again.

        Raises:
            ValidationError: A parameter has another value already.
        """
        ...

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Report tags; the last value of a tag counts."""
        ...

    def log_points(self, points: Iterable[MetricPoint]) -> None:
        """Report points of metrics."""
        ...

    def log_artifact(self, name: str) -> None:
        """Report a file or folder below the folder of the run, which must not change any more.

        Raises:
            NotFoundError: It is not there.
        """
        ...

    def child(self, run: TrackedRun) -> "RunTracking":
        """Track a part of this run: its parent and experiment are this run and its own.

        It is kept and sent with this run, and ends with it at the latest.
        """
        ...

    def end(
        self,
        status: TrackedStatus,
        *,
        at: Utc | None = None,
        give_up: Callable[[], bool] | None = None,
    ) -> Delivery:
        """Report the end, and wait a short time for the server; return what it has.

        The wait goes on while the server takes something, and ends soon when it does not. The end
        of a child does not wait.

        Args:
            status: The end of the run.
            at: When it ended; None means now.
            give_up: Asked several times a second during the wait; true ends it.
        """
        ...


class Tracker(Protocol):
    """Tracks runs, each in a folder of its own on this machine."""

    def start(self, run: TrackedRun, *, folder: Path) -> RunTracking:
        """Track `run`, whose files are below `folder`.

        Raises:
            ValidationError: A run is tracked in `folder` already.
            StorageError: The disk refused.
        """
        ...

    def deliver(self, folder: Path) -> Delivery:
        """Send what waits of the run that was tracked in `folder`; return what the server has.

        A run whose process is gone is closed as ``KILLED``. One whose process lives is left to it.

        Args:
            folder: Folder of the run; one without a tracked run has nothing that waits.

        Raises:
            StorageError: The disk refused, or a newer version made the files.
        """
        ...

    def check(self) -> str:
        """Return a sentence about the server, which answers.

        Raises:
            ExternalServiceError: It does not answer, or refuses.
        """
        ...
