"""Tracks a recorded run; a tracker that fails costs the run a warning, and nothing else."""

import logging
import os
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Self, final

from tradai.core import Delivery, RunTracking, TrackedStatus, Tracker, backend_for, redact
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.runs_folder import OTHER_TRACKED_FOLDERS, runs_folder
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._runs.folder import RunFolder
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.tracked_facts import (
    RunPart,
    balance_points,
    config_params,
    config_tags,
    end_tags,
    part_figures,
    part_params,
    part_points,
    result_points,
    tracked_run,
    tracked_status,
)
from tradai.entrypoint._store.names import JOURNAL_NAME, MANIFEST_NAME, result_files

_log: Final = logging.getLogger(__name__)

TRACKING_URI: Final = "MLFLOW_TRACKING_URI"
EXPERIMENT: Final = "MLFLOW_EXPERIMENT_NAME"
# Parts that are runs of their own, the best first; the history of the run has them all.
_MOST_PARTS: Final = 100
_LONGEST_WAIT_S: Final = 60.0
_AFTER_SIGNAL_S: Final = 2.0


def find_tracker(environ: Mapping[str, str]) -> Tracker | None:
    """Return the tracker that ``MLFLOW_TRACKING_URI`` names; None when it is not set.

    Raises:
        ConfigurationError: No installed distribution serves it, or it is not usable.
    """
    uri = environ.get(TRACKING_URI)
    if not uri:
        return None
    if ":" not in uri:
        message = f"{TRACKING_URI} is not usable: expected http:// or https:// and a host"
        raise ConfigurationError(message, key=TRACKING_URI)
    return backend_for("tradai.trackers", uri)


def attempt(work: Callable[[], None]) -> str | None:
    """Do `work` with a tracker, and return the reason why it failed; None when it did not."""
    try:
        work()
    except TradAIError as exc:
        return str(exc)
    # A tracker may be third-party code, and its crash must not end a run.
    except Exception as exc:  # noqa: BLE001
        return crash_sentence(exc)
    return None


def crash_sentence(error: Exception) -> str:
    """Return a sentence on a tracker that crashed with `error`, which the log has in full."""
    _log.debug("the tracker crashed", exc_info=error)
    return f"the tracker failed with {type(error).__name__}: {error}"


def waiting_notice(delivery: Delivery, noun: str, folder: Path) -> str | None:
    """Return how much of a run waits for the server, in a sentence; None when nothing does.

    Args:
        delivery: What the server has.
        noun: Noun of what is tracked.
        folder: Its folder, which is named unless `sync` looks there anyway.
    """
    if not delivery.waiting:
        return None
    reason = f": {delivery.problem}" if delivery.problem else ""
    known = (runs_folder(None, os.environ), *OTHER_TRACKED_FOLDERS)
    place = "" if folder.parent in known else f" {shlex.quote(str(folder))}"
    return (
        f"{counted(delivery.waiting, 'fact')} of the {noun} wait for the tracking server{reason}; "
        f"`tradai-entrypoint sync{place}` sends them"
    )


def waited_enough(interrupts: Interrupts) -> Callable[[], bool]:
    """Return a function that is true once the wait for the server has lasted long enough.

    After a signal the process must end soon, and a run store is waiting too.
    """
    before = interrupts.count
    deadline = time.monotonic() + (_AFTER_SIGNAL_S if before else _LONGEST_WAIT_S)
    return lambda: interrupts.count > before or time.monotonic() > deadline


@final
class RecordTracking:
    """Tracks one run of this process. No method raises, whatever the tracker does."""

    def __init__(
        self,
        record: RunManifest,
        tracker: Tracker | None,
        *,
        interrupts: Interrupts,
        experiment: str | None = None,
    ) -> None:
        """Track the run of `record`, in `experiment` or in one named after its strategy.

        A signal of `interrupts` ends the wait at the end of the run.
        """
        self._record = record
        self._tracker = tracker
        self._experiment = experiment
        self._interrupts = interrupts
        self._run: RunTracking | None = None

    @classmethod
    def of(cls, record: RunManifest, environ: Mapping[str, str], *, interrupts: Interrupts) -> Self:
        """Return the tracking of a run by the tracker that `environ` names, if it names one."""
        experiment = environ.get(EXPERIMENT) or None
        try:
            tracker = find_tracker(environ)
            return cls(record, tracker, interrupts=interrupts, experiment=experiment)
        except ConfigurationError as exc:
            untracked = cls(record, None, interrupts=interrupts)
            untracked._give_up(str(exc))
            return untracked

    def begin(self, folder: RunFolder) -> None:
        """Track the run from now on; its configuration is known."""
        self._try(lambda: self._begin(folder))

    def end(
        self, folder: RunFolder, report: RunReportParts | None, parts: tuple[RunPart, ...] = ()
    ) -> None:
        """Report the results of the run, which has ended, and wait a short time for the server."""
        if self._run is None:
            self.begin(folder)
        run = self._run
        if run is None:
            return
        problem = attempt(lambda: self._report(run, folder, report, parts))
        if problem:
            self._warn(f"not all of the run is tracked: {problem}")
        self._try(lambda: self._end(run, folder.path))

    def _begin(self, folder: RunFolder) -> None:
        if self._tracker is None:
            return
        run = tracked_run(self._record, self._experiment)
        self._run = self._tracker.start(run, folder=folder.path)
        problem = attempt(partial(self._report_config, self._run))
        if problem:
            self._warn(f"not all of the run is tracked: {problem}")

    def _report_config(self, run: RunTracking) -> None:
        run.log_params(config_params(self._record))
        run.set_tags(config_tags(self._record))

    def _report(
        self,
        run: RunTracking,
        folder: RunFolder,
        report: RunReportParts | None,
        parts: tuple[RunPart, ...],
    ) -> None:
        record = self._record
        run.set_tags(end_tags(record))
        run.log_points(result_points(record))
        run.log_points(balance_points(report.balance if report else ()))
        self._report_parts(run, parts)
        names = (*result_files(folder.path), JOURNAL_NAME, MANIFEST_NAME)
        problems = [attempt(partial(run.log_artifact, name)) for name in names]
        first = next(filter(None, problems), None)
        if first:
            self._warn(f"not all files of the run are tracked: {first}")

    def _end(self, run: RunTracking, folder: Path) -> None:
        status, ended_at = tracked_status(self._record.exit_code), self._record.ended_at
        self._note(run.end(status, at=ended_at, give_up=waited_enough(self._interrupts)), folder)

    def _report_parts(self, run: RunTracking, parts: tuple[RunPart, ...]) -> None:
        if not parts:
            return
        ended_at = self._record.ended_at
        run.log_points(part_points(parts, ended_at))
        whole = tracked_run(self._record, self._experiment)
        for part in parts[:_MOST_PARTS]:
            name = f"{part.noun} {part.number}"
            child = run.child(replace(whole, id=f"{whole.id}.{part.number}", name=name))
            child.log_params(part_params(part))
            child.log_points(part_figures(part, ended_at))
            child.end(TrackedStatus.FINISHED, at=ended_at)

    def _note(self, delivery: Delivery, folder: Path) -> None:
        """Say where the run is, or how much of it waits."""
        notice = waiting_notice(delivery, "run", folder)
        if notice:
            self._warn(notice)
        else:
            _log.info("run tracked", extra={"place": delivery.place})

    def _try(self, work: Callable[[], None]) -> None:
        """Start or end the run by `work`; after an error it is not tracked any more."""
        problem = attempt(work)
        if problem:
            self._give_up(problem)

    def _give_up(self, reason: str) -> None:
        self._tracker = self._run = None
        self._warn(f"the run is not tracked: {reason}")

    def _warn(self, sentence: str) -> None:
        notice = redact(" ".join(sentence.splitlines()))
        _log.warning(notice)
        self._record.notices.append(notice)
