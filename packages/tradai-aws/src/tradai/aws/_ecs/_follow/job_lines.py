"""Lines of a job: those of all tasks that it had, one after the other."""

from collections.abc import Callable, Generator, Iterator
from typing import final

from tradai.aws._client.client import client_for
from tradai.aws._ecs._follow.job_follower import JobFollower
from tradai.aws._ecs._launch.record import LaunchRecord, StoredRecord
from tradai.aws._ecs.task_definition import STREAM_PREFIX
from tradai.aws._logs.follower import LogFollower
from tradai.aws._logs.position import LogPosition
from tradai.aws._logs.schedule import LogSchedule
from tradai.aws._logs.stream_reader import LogsClient
from tradai.core import JobLine, LogSummary


@final
class JobLines:
    """Reads the logs of jobs; all readers share one budget of requests."""

    def __init__(self, client: LogsClient | None, schedule: LogSchedule) -> None:
        """Read with `client`, by default boto3's."""
        self._client = client
        self._schedule = schedule
        self._positions: dict[str, LogPosition] = {}
        self._summaries: dict[str, LogSummary] = {}

    def lines(
        self, stored: StoredRecord, jobs: JobFollower, *, after: int, follow: bool
    ) -> Iterator[JobLine]:
        """Yield the lines of a job after line `after`.

        Args:
            stored: Record of the job.
            jobs: Follows the job.
            after: Number of the last line that is known.
            follow: Whether to go on until the job has ended and all lines have been yielded.
        """
        if follow and not (stored.record.task_arn or stored.record.end):
            stored = jobs.launch(stored)
        begun = 0
        self._summaries.pop(stored.record.job_id, None)
        for past in stored.record.past:
            if past.has_run:
                tail = self._task(stored.record, past.task_arn, _has_ended, begun, after)
                begun = yield from tail
        while stored.record.task_arn:
            arn = stored.record.task_arn
            following = _Following(stored, jobs, follow=follow)
            tail = self._task(stored.record, arn, following.has_ended, begun, after, follow=follow)
            begun = yield from tail
            stored = following.newest
            if follow and stored.record.attempt < stored.record.attempts:
                # The log may have ended because AWS takes the task back.
                stored = jobs.await_next(stored, arn)
            if not follow or stored.record.task_arn == arn:
                if follow or following.has_whole_log:
                    jobs.expect_end(stored)
                return

    def summary(self, job_id: str) -> LogSummary | None:
        """Return how much of a job's log was read last; None when nothing was."""
        return self._summaries.get(job_id)

    def _add(self, job_id: str, summary: LogSummary, begun: int) -> None:
        before = self._summaries.get(job_id)
        added = before.followed_by(summary, begun=begun) if before else summary
        self._summaries[job_id] = added

    def _task(
        self,
        record: LaunchRecord,
        arn: str,
        has_ended: Callable[[LogFollower], bool],
        begun: int,
        after: int,
        *,
        follow: bool = True,
    ) -> Generator[JobLine, None, int]:
        """Yield the lines of one task, numbered on from `begun`; return the last number."""
        if self._client is None:
            self._client = client_for("logs")
        follower: LogFollower = LogFollower(
            self._client,
            group=record.log_group,
            stream=f"{STREAM_PREFIX}/{record.container}/{arn.rpartition('/')[2]}",
            is_stopped=lambda: has_ended(follower),
            schedule=self._schedule,
        )
        position = self._positions.get(arn)
        is_next = position is not None and position.number == after - begun
        known = position if is_next and position is not None else max(0, after - begun)
        try:
            for line in follower.lines(after=known, follow=follow):
                yield JobLine(number=begun + line.number, text=line.text)
        finally:
            # A reader that comes again for the next lines does not read those before.
            self._positions[arn] = follower.position
            self._add(record.job_id, follower.summary(), begun)
        return begun + follower.position.number


def _has_ended(_: LogFollower) -> bool:
    return True


@final
class _Following:
    """A job during the reading of one task's log."""

    def __init__(self, stored: StoredRecord, jobs: JobFollower, *, follow: bool) -> None:
        self.newest = jobs.await_start(stored) if follow else stored
        self._arn = stored.record.task_arn
        self._jobs = jobs
        self._is_following = follow
        self._log: LogFollower | None = None

    @property
    def has_whole_log(self) -> bool:
        return self._log is not None and self._log.summary().complete

    def has_ended(self, follower: LogFollower) -> bool:
        self._log = follower
        # A reader that does not follow may come again long before the end of a silent job.
        says_end = self._is_following and bool(follower.position.is_numbered)
        self.newest = self._jobs.look(self.newest, is_numbered=says_end)
        record = self.newest.record
        return record.end is not None or record.task_arn != self._arn
