"""Fake of a tracker, whose server is a dictionary."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, final

from tradai.core._fork_lock import ForkLock
from tradai.core._ports.protocols import Clock
from tradai.core._ports.tracker import (
    Delivery,
    MetricPoint,
    RunTracking,
    TrackedRun,
    TrackedStatus,
)
from tradai.core._secrets.redaction import redact
from tradai.core._time.clock import SystemClock
from tradai.core.exceptions import NotFoundError, TradAIError, ValidationError
from tradai.core.testing._tracking.tracked_view import TrackedView

_PLACE: Final = "memory:"


@final
class MemoryTracker:
    """Tracker in memory; a test reads `views`, and sets `refusal` for a server that is down.

    Attributes:
        views: Runs that the server has, by id.
        refusal: Error of the server; None while it takes everything.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        """Start without runs; `clock` dates the points."""
        self.views: dict[str, TrackedView] = {}
        self.refusal: TradAIError | None = None
        self._clock = clock or SystemClock()
        self._folders: dict[Path, _MemoryRun] = {}

    def start(self, run: TrackedRun, *, folder: Path) -> RunTracking:
        """Track `run`; see `Tracker`."""
        tracked = _MemoryRun(run, folder, tracker=self)
        if self._folders.setdefault(folder, tracked) is not tracked:
            message = f"a run is tracked in {folder} already: choose another folder"
            raise ValidationError(message, field="folder", expected="a folder of its own")
        return tracked

    def deliver(self, folder: Path) -> Delivery:
        """Take what waits in `folder`; see `Tracker`. The process of a run lives here."""
        tracked = self._folders.get(folder)
        return tracked.deliver() if tracked else Delivery(waiting=0)

    def check(self) -> str:
        """Return a sentence about the server; see `Tracker`."""
        if self.refusal:
            raise self.refusal
        return "runs are tracked in memory"

    def now(self) -> datetime:
        """Return the instant of the clock."""
        return self._clock.now()


@final
class _MemoryRun:
    def __init__(self, run: TrackedRun, folder: Path, *, tracker: MemoryTracker) -> None:
        self._view = TrackedView(
            id=run.id, name=redact(run.name), experiment=run.experiment, parent_id=run.parent_id
        )
        self._folder = folder
        self._tracker = tracker
        self._lock = ForkLock()
        self._waiting = 0
        self._children: list[_MemoryRun] = []
        self.set_tags(run.tags)

    def log_params(self, params: Mapping[str, str]) -> None:
        """Report parameters; see `RunTracking`."""
        with self._lock:
            self._check_open()
            for name, value in params.items():
                if self._view.params.setdefault(name, redact(value)) != redact(value):
                    message = f"parameter {name!r} has another value already: name another"
                    raise ValidationError(message, field=name, expected="the value it has")
            self._waiting += len(params)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Report tags; see `RunTracking`."""
        with self._lock:
            self._check_open()
            self._view.tags |= {name: redact(value) for name, value in tags.items()}
            self._waiting += len(tags)

    def log_points(self, points: Iterable[MetricPoint]) -> None:
        """Report points; see `RunTracking`."""
        with self._lock:
            self._check_open()
            dated = [replace(each, at=each.at or self._tracker.now()) for each in points]
            self._view.points.extend(dated)
            self._waiting += len(dated)

    def log_artifact(self, name: str) -> None:
        """Report an artifact; see `RunTracking`."""
        with self._lock:
            self._check_open()
            files = dict(_files(self._folder, name))
            self._view.artifacts |= files
            self._waiting += 1

    def child(self, run: TrackedRun) -> RunTracking:
        """Track a part of this run; see `RunTracking`."""
        part = replace(run, parent_id=self._view.id, experiment=self._view.experiment)
        child = _MemoryRun(part, self._folder, tracker=self._tracker)
        with self._lock:
            self._check_open()
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
        del at, give_up
        with self._lock:
            self._check_open()
            self._view.status = status
            self._waiting += 1
            for child in self._children:
                child.end_with(status)
        return self.deliver()

    def end_with(self, status: TrackedStatus) -> None:
        """End a child that goes on with its parent."""
        if self._view.status is None:
            self.end(status)

    def deliver(self) -> Delivery:
        """Take what waits, unless the server is down."""
        problem = self._tracker.refusal
        if problem:
            return Delivery(waiting=self._waiting, problem=problem)
        with self._lock:
            sent, self._waiting = self._waiting, 0
        self._tracker.views[self._view.id] = self._view
        is_alive, place = self._view.status is None, f"{_PLACE}{self._view.id}"
        return Delivery(waiting=0, sent=sent, is_alive=is_alive, place=place)

    def _check_open(self) -> None:
        if self._view.status:
            message = f"run {self._view.id!r} has ended: report before its end"
            raise ValidationError(message, field="run", expected="a run that goes on")


def _files(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    path = folder / name
    if not path.exists() or not path.resolve().is_relative_to(folder.resolve()):
        message = f"no artifact {name!r} in {folder}: write it there before it is reported"
        raise NotFoundError(message, kind="artifact", key=name)
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file():
            yield os.path.relpath(file, folder), file.read_bytes()
