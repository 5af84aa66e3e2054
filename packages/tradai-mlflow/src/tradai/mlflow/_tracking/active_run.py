"""A run that a program tracks itself, such as a notebook."""

import logging
import os
import re
import secrets
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

from tradai.core import (
    Delivery,
    MetricPoint,
    RunTracking,
    TrackedRun,
    TrackedStatus,
    file_errors,
    redact,
    utc_now,
)
from tradai.core.exceptions import TradAIError, ValidationError
from tradai.mlflow._client.artifact_roots import checked_path
from tradai.mlflow._settings import MLflowSettings
from tradai.mlflow._tracking.run_client import RunClient
from tradai.mlflow._tracking.spool import SPOOL_NAME, Spool
from tradai.mlflow._tracking.spooled_run import VERDICT, SpooledRun
from tradai.mlflow._tracking.tracker import MLflowTracker, track

_log: Final = logging.getLogger(__name__)

_FOLDER: Final = Path(".tradai/tracking")
# A program that a signal ended exits with this and the number of the signal.
_SIGNALS: Final = 128


@final
class ActiveRun:
    """A run that is tracked until the end of its ``with`` block; see `start_run`.

    Any thread may use it: no run is the current one. Nothing waits for the server before the end.

    Attributes:
        id: Id of the run; not the one that the server gives it.
        folder: Folder with what was tracked, and with copies of the artifacts.
        delivery: Facts that the server has, and those that wait; None before the end.
    """

    def __init__(self, run: TrackedRun, tracking: RunTracking, folder: Path) -> None:
        """Report to `tracking`; `start_run` is meant to be called."""
        self.id = run.id
        self.folder = folder
        self.delivery: Delivery | None = None
        self._run = run
        self._tracking = tracking

    def log_params(self, params: Mapping[str, object]) -> None:
        """Report parameters, as text.

        Raises:
            ValidationError: A parameter has another value already, or an unusable name.
            StorageError: The disk refused.
        """
        self._tracking.log_params({name: str(value) for name, value in params.items()})

    def log_metrics(self, metrics: Mapping[str, float], *, step: int = 0) -> None:
        """Report values of metrics at a step, as of now.

        A value that is NaN or infinite becomes the tag ``tradai.not_finite.<metric>``.

        Raises:
            ValidationError: A name is not usable.
            StorageError: The disk refused.
        """
        self.log_points(MetricPoint(key, value, step) for key, value in metrics.items())

    def log_points(self, points: Iterable[MetricPoint]) -> None:
        """Report points with instants of their own; as `log_metrics`."""
        self._tracking.log_points(points)

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Report tags, as text; the last value of a tag counts.

        Raises:
            ValidationError: A name is not usable.
            StorageError: The disk refused.
        """
        self._tracking.set_tags({name: str(value) for name, value in tags.items()})

    def log_artifact(self, path: str | Path, name: str | None = None) -> None:
        """Copy a file or folder, and report the copy under `name`, by default its own name.

        Raises:
            NotFoundError: It is not there.
            ValidationError: The name leads out of the folder of the run, or is that of its spool.
            StorageError: The disk refused.
        """
        source = Path(path)
        target = self._target(source, name or source.name)
        with file_errors("copy", source):
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, target)
        self._tracking.log_artifact(target.relative_to(self.folder).as_posix())

    def _target(self, source: Path, name: str) -> Path:
        folder = self.folder.resolve()
        # `Path.resolve` raises RuntimeError for a link that leads to itself, before Python 3.13.
        target = Path(os.path.realpath(folder / name))
        is_free = target not in {folder, folder / SPOOL_NAME} and target.is_relative_to(folder)
        if not is_free or folder.is_relative_to(os.path.realpath(source)):
            expected = f"a name below the folder of the run, and not {SPOOL_NAME}"
            message = (
                f"the artifact {str(source)!r} cannot be kept as {name!r}: expected {expected}"
            )
            raise ValidationError(message, field="name", expected=expected)
        kept = target.relative_to(folder)
        checked_path(kept.as_posix())
        return self.folder / kept

    def child(self, name: str) -> "ActiveRun":
        """Return a run of its own below this one, for a ``with`` block inside that of this one."""
        part = TrackedRun(
            id=f"{self.id}.{secrets.token_hex(4)}",
            name=name,
            experiment=self._run.experiment,
            started_at=utc_now(),
        )
        return ActiveRun(part, self._tracking.child(part), self.folder)

    def __enter__(self) -> Self:
        """Use the run in the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the run: as failed after an exception, as killed after Ctrl-C or an exit."""
        try:
            self._end(error)
        except TradAIError as exc:
            if error is None:
                raise
            # The error of the block matters more, and goes on.
            self._warn(f"the end of the run is not tracked: {exc}")

    def _end(self, error: BaseException | None) -> None:
        if error is not None:
            self._explain(error)
        self.delivery = self._tracking.end(_status(error))
        if self.delivery.waiting and not self.delivery.is_alive:
            self._warn(
                f"{self.delivery.waiting} facts of the run wait for a tracking server; "
                f"`tradai-entrypoint sync {shlex.quote(str(self.folder))}` sends them"
            )

    def _explain(self, error: BaseException) -> None:
        """Report the error of the block; where that fails, the run ends without its reason."""
        try:
            self.set_tags({VERDICT: f"{type(error).__name__}: {error}"})
        # The text of an error of the caller may raise anything, and the run must have its end.
        except Exception as exc:  # noqa: BLE001
            self._warn(f"the reason of the end of the run is not tracked: {exc}")

    def _warn(self, sentence: str) -> None:
        """Warn in one sentence: a program without a log format of its own prints nothing else."""
        _log.warning(redact(sentence), extra={"folder": str(self.folder)})


def start_run(
    experiment: str,
    *,
    name: str | None = None,
    client: RunClient | None = None,
    folder: str | Path = _FOLDER,
) -> ActiveRun:
    """Start a run, for a ``with`` block.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, start_run("momentum", folder=folder) as run:
    ...     run.log_metrics({"loss": 0.25}, step=1)
    >>> run.delivery.waiting
    2

    The server is that of ``MLFLOW_TRACKING_URI``. Without one, or while it is down, the run is kept
    in its folder until `tradai-entrypoint sync` finds a server.

    Args:
        experiment: Name of the group of runs; it is created unless it exists.
        name: Name of the run, by default its id.
        client: Client of another server; closed by its owner after the run.
        folder: Folder that gets one folder per run; on a local disk.

    Raises:
        ConfigurationError: ``MLFLOW_TRACKING_URI`` or another setting is not usable.
        StorageError: The disk refused.
    """
    run_id = _new_id(experiment)
    run = TrackedRun(id=run_id, name=name or run_id, experiment=experiment, started_at=utc_now())
    place = Path(folder) / run_id
    with file_errors("create", place):
        place.mkdir(parents=True)
    return ActiveRun(run, _tracking(run, place, client), place)


def _tracking(run: TrackedRun, place: Path, client: RunClient | None) -> SpooledRun:
    if client is not None:
        return MLflowTracker(lambda: client, address=client.uri).start(run, folder=place)
    uri = MLflowSettings().uri
    if uri is None:
        return track(run, Spool.create(place))
    return MLflowTracker.for_uri(uri).start(run, folder=place)


def _new_id(experiment: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", experiment).strip("-_")[:40] or "run"
    return f"{utc_now():%Y%m%dT%H%M%SZ}-{readable}-{secrets.token_hex(4)}"


def _status(error: BaseException | None) -> TrackedStatus:
    if isinstance(error, SystemExit):
        return _status_of_exit(error.code)
    if error is None:
        return TrackedStatus.FINISHED
    return TrackedStatus.FAILED if isinstance(error, Exception) else TrackedStatus.KILLED


def _status_of_exit(code: str | int | None) -> TrackedStatus:
    if not code:
        return TrackedStatus.FINISHED
    is_signal = isinstance(code, int) and code > _SIGNALS
    return TrackedStatus.KILLED if is_signal else TrackedStatus.FAILED
