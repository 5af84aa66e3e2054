"""A tracked run, whose facts go to a spool."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, final

from tradai.core import (
    Delivery,
    FileStore,
    JsonValue,
    MetricPoint,
    RunTracking,
    TrackedRun,
    TrackedStatus,
    redact,
)
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.mlflow._client.artifact_roots import checked_path
from tradai.mlflow._client.entities import NOT_FINITE
from tradai.mlflow._client.limits import PARAM_LENGTH, TAG_LENGTH, metric_value
from tradai.mlflow._tracking.point_times import PointTimes, floor_ms
from tradai.mlflow._tracking.sender import artifact_files
from tradai.mlflow._tracking.server_values import check_key, server_values
from tradai.mlflow._tracking.spooling import Spooling

_NS_PER_MS: Final = 1_000_000
_MOST_STEPS: Final = 2**63
# Tag of the sentence on how a run ended, which MLflow's page shows as the description.
VERDICT: Final = "tradai.verdict"
_DESCRIPTION: Final = "mlflow.note.content"


@final
class SpooledRun:
    """One run of a spool; see `RunTracking`.

    Several threads may report to it.
    """

    def __init__(self, run: TrackedRun, spooling: Spooling, *, parent: int | None = None) -> None:
        """Add `run` to `spooling`, below the run with the number `parent`.

        Raises:
            ValidationError: The id or a tag of the run is not usable.
            StorageError: The disk refused.
        """
        self._run = run
        self._spooling = spooling
        self._params: dict[str, str] = {}
        self._keys: set[str] = set()
        self._times = PointTimes()
        self._children: list[SpooledRun] = []
        self._has_ended = False
        self._number = spooling.start(run, parent=parent)
        self.set_tags(run.tags)

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return self._spooling.folder

    def log_params(self, params: Mapping[str, str]) -> None:
        """Report parameters; see `RunTracking`."""
        with self._spooling.lock:
            self._check_open()
            values = server_values(params, longest=PARAM_LENGTH, spill=self._spill)
            for key, value in values.items():
                if self._params.get(key, value) != value:
                    message = f"parameter {key!r} has another value already: name another"
                    raise ValidationError(message, field=key, expected=self._params[key])
            fresh = {key: value for key, value in values.items() if key not in self._params}
            self._append("params", fresh)
            self._params |= fresh

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Report tags; see `RunTracking`."""
        if VERDICT in tags:
            tags = {**tags, _DESCRIPTION: tags[VERDICT]}
        with self._spooling.lock:
            self._check_open()
            self._append("tags", server_values(tags, longest=TAG_LENGTH, spill=self._spill))

    def log_points(self, points: Iterable[MetricPoint]) -> None:
        """Report points; see `RunTracking`. One that is NaN or infinite is kept as a tag."""
        now_ms = _now_ms()
        with self._spooling.lock:
            self._check_open()
            rows: list[list[JsonValue]] = []
            unusable: dict[str, str] = {}
            for point in map(_with_number, points):
                self._check_key(point.key)
                _check_place(point)
                if math.isfinite(point.value):
                    at_ms = self._times.place(point, now_ms)
                    rows.append([point.key, point.value, point.step, at_ms])
                else:
                    unusable[f"{NOT_FINITE}{point.key}"] = f"{point.value} at step {point.step}"
            self._append("points", rows)
            self._append("tags", unusable)

    def log_artifact(self, name: str) -> None:
        """Report a file or folder; see `RunTracking`."""
        path = self.folder / name
        # Of a link that leads to itself, nothing exists.
        if not path.exists() or not path.resolve().is_relative_to(self.folder.resolve()):
            message = f"no artifact {name!r} in {self.folder}: write it there before it is reported"
            raise NotFoundError(message, kind="artifact", key=name)
        for _, found in artifact_files(self.folder, name):
            checked_path(found)
        with self._spooling.lock:
            self._check_open()
            self._spooling.append("artifact", name, run=self._number)

    def child(self, run: TrackedRun) -> RunTracking:
        """Track a part of this run; see `RunTracking`."""
        part = replace(run, parent_id=self._run.id, experiment=self._run.experiment)
        with self._spooling.lock:
            self._check_open()
            child = SpooledRun(part, self._spooling, parent=self._number)
            self._children.append(child)
        return child

    def end(
        self,
        status: TrackedStatus,
        *,
        at: datetime | None = None,
        give_up: Callable[[], bool] | None = None,
    ) -> Delivery:
        """Report the end; see `RunTracking`."""
        with self._spooling.lock:
            self._check_open()
            self.end_unsent(status, floor_ms(at) if at else _now_ms())
        return self._spooling.finish(give_up) if self._number == 0 else self._spooling.state()

    def end_unsent(self, status: TrackedStatus, at_ms: int) -> None:
        """Report the end of this run and of its children, unless it has ended."""
        if self._has_ended:
            return
        for child in self._children:
            child.end_unsent(status, at_ms)
        self._spooling.append("end", {"status": status, "at": at_ms}, run=self._number)
        self._has_ended = True

    def _append(self, kind: str, value: Mapping[str, str] | list[list[JsonValue]]) -> None:
        if value:
            self._spooling.append(kind, value, run=self._number)

    def _spill(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        FileStore().write(path.resolve().as_uri(), text.encode())
        self._spooling.append("artifact", name, run=self._number)

    def _check_key(self, key: str) -> None:
        if key not in self._keys:
            check_key(key)
            # It may become the name of a tag.
            check_key(f"{NOT_FINITE}{key}")
            if redact(key) != key:
                message = "a metric has the name of a secret: name it otherwise"
                raise ValidationError(message, field="name", expected="a name that is public")
            self._keys.add(key)

    def _check_open(self) -> None:
        if self._has_ended or not self._spooling.is_open:
            message = f"run {self._run.id!r} has ended: report before its end"
            raise ValidationError(message, field="run", expected="a run that goes on")


def _with_number(point: MetricPoint) -> MetricPoint:
    """Return `point`, whose value is a float."""
    if type(point.value) is float:
        return point
    return replace(point, value=metric_value(point.key, point.value))


def _check_place(point: MetricPoint) -> None:
    """Check step and instant: a server stores a step that is too large as 0."""
    step: object = point.step
    if not (isinstance(step, int) and -_MOST_STEPS <= step < _MOST_STEPS):
        expected = "a whole number of at most 64 bits"
        message = f"the step {point.step!r} of {point.key!r} is not usable: expected {expected}"
        raise ValidationError(message, field="step", expected=expected)
    if point.at is not None and floor_ms(point.at) < 0:
        expected = "an instant since 1970"
        message = f"the instant {point.at} of {point.key!r} is not usable: expected {expected}"
        raise ValidationError(message, field="at", expected=expected)


def _now_ms() -> int:
    return time.time_ns() // _NS_PER_MS
