"""Waits for jobs: their starts, their ends, and failures of AWS that pass."""

from datetime import timedelta
from typing import Final, final

from tradai.aws._ecs._follow.job_watch import JobWatch
from tradai.aws._ecs._launch.launcher import Launcher
from tradai.aws._ecs._launch.record import StoredRecord
from tradai.aws._ecs.client import LaunchError
from tradai.aws._ecs.pace import Backoff
from tradai.core import JobInfo, JobStatus, WaitingClock
from tradai.core.exceptions import ExternalServiceError

_PATIENCE_S: Final = 300.0
# The log driver of a container sends its first lines after this time.
_FIRST_LINES: Final = timedelta(seconds=5)


@final
class JobFollower:
    """Follows jobs, and keeps the newest record that this process has seen of each."""

    def __init__(self, watch: JobWatch, launcher: Launcher, clock: WaitingClock) -> None:
        """Follow no job yet."""
        self._watch = watch
        self._launcher = launcher
        self._clock = clock
        self._known: dict[str, StoredRecord] = {}

    def known(self, job_id: str) -> StoredRecord | None:
        """Return the record that was seen last, which another process may have changed since."""
        stored = self._known.get(job_id)
        # Without a task, another process may be launching it.
        return stored if stored and (stored.record.task_arn or stored.record.end) else None

    def keep(self, stored: StoredRecord) -> StoredRecord:
        """Keep and return a record."""
        self._known[stored.record.job_id] = stored
        return stored

    def launch(self, stored: StoredRecord) -> StoredRecord:
        """Launch the job, if it has no task yet, and watch its task from now on."""
        stored = self.keep(self._launcher.launch(stored))
        self._watch.add(stored)
        return stored

    def status(self, stored: StoredRecord, *, max_age_s: float) -> JobInfo:
        """Return the facts about a job, which are at most `max_age_s` old."""
        stored, info = self._watch.advance(stored, max_age_s=max_age_s)
        self.keep(stored)
        return info

    def wait(self, stored: StoredRecord, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended, or after `timeout_s` seconds."""
        deadline_s = float("inf") if timeout_s is None else self._clock() + timeout_s
        while True:
            stored, info = self._advance(stored)
            left_s = deadline_s - self._clock()
            if info.status.is_terminal or left_s <= 0:
                return info
            stored = self._pause(stored, left_s)

    def await_start(self, stored: StoredRecord) -> StoredRecord:
        """Wait until the job's task writes to its log, or has ended."""
        while True:
            stored, info = self._advance(stored)
            if info.status is not JobStatus.PENDING:
                break
            stored = self._pause(stored, float("inf"))
        if info.status is JobStatus.RUNNING and info.started_at is not None:
            left = info.started_at + _FIRST_LINES - self._clock.now()
            self._clock.sleep(min(max(0.0, left.total_seconds()), _FIRST_LINES.total_seconds()))
        return stored

    def await_next(self, stored: StoredRecord, arn: str) -> StoredRecord:
        """Wait until the job has ended, or has another task than `arn`."""
        self.expect_end(stored)
        while True:
            stored, _ = self._advance(stored)
            if stored.record.end is not None or stored.record.task_arn != arn:
                return stored
            stored = self._pause(stored, float("inf"))

    def look(self, stored: StoredRecord, *, is_numbered: bool) -> StoredRecord:
        """Look at a job where that is due; a numbered log says itself when it ends."""
        if is_numbered and stored.record.task_arn and not stored.record.end:
            self._watch.follow_log(stored)
        return self.keep(self._watch.advance(stored)[0])

    def expect_end(self, stored: StoredRecord) -> None:
        """Look soon: the job's log has ended."""
        if stored.record.task_arn and not stored.record.end:
            self._watch.expect_end(stored)

    def _pause(self, stored: StoredRecord, longest_s: float) -> StoredRecord:
        if not stored.record.task_arn:
            return self.launch(stored)
        self._clock.sleep(min(self._watch.due_in(stored), longest_s))
        return stored

    def _advance(self, stored: StoredRecord) -> tuple[StoredRecord, JobInfo]:
        """Look at a job; failures of AWS that pass are waited for."""
        patience = Backoff(self._clock, budget_s=_PATIENCE_S)
        while True:
            try:
                stored, info = self._watch.advance(stored)
            except ExternalServiceError as exc:
                if not exc.retryable or isinstance(exc, LaunchError) or not patience.pause():
                    raise
            else:
                return self.keep(stored), info
