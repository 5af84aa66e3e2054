"""Lines of a job: those of all tasks that it had, one after the other."""

from collections.abc import Callable, Iterator
from typing import TypeAlias, final

from tradai.aws._client.client import client_for
from tradai.aws._ecs._launch.record import LaunchRecord, StoredRecord
from tradai.aws._ecs.task_definition import STREAM_PREFIX
from tradai.aws._logs.follower import LogFollower
from tradai.aws._logs.position import LogPosition
from tradai.aws._logs.schedule import LogSchedule
from tradai.aws._logs.stream_reader import LogsClient
from tradai.core import JobLine

Look: TypeAlias = Callable[[StoredRecord], StoredRecord]


@final
class JobLines:
    """Reads the logs of jobs; all readers share one budget of requests."""

    def __init__(self, client: LogsClient | None, schedule: LogSchedule) -> None:
        """Read with `client`, by default boto3's."""
        self._client = client
        self._schedule = schedule
        self._positions: dict[str, LogPosition] = {}

    def lines(
        self, stored: StoredRecord, look: Look, *, after: int, follow: bool
    ) -> Iterator[JobLine]:
        """Yield the lines of a job after line `after`.

        Args:
            stored: Record of the job.
            look: Looks at the job, when that is due, and returns its record.
            after: Number of the last line that is known.
            follow: Whether to go on until the job has ended and all lines have been yielded.
        """
        begun, seen = 0, 0
        for past in stored.record.past:
            if past.has_run:
                for line in self._task(stored.record, past.task_arn, lambda: True, after - begun):
                    seen = begun + line.number
                    yield JobLine(number=seen, text=line.text)
                begun = seen
        yield from self._current(stored, look, after=after, begun=begun, follow=follow)

    def _current(
        self, stored: StoredRecord, look: Look, *, after: int, begun: int, follow: bool
    ) -> Iterator[JobLine]:
        """Yield the lines of the task that runs, then those of the one that takes its place."""
        newest, arn, seen = stored, stored.record.task_arn, begun

        def has_ended() -> bool:
            nonlocal newest
            newest = look(newest)
            return newest.record.end is not None or newest.record.task_arn != arn

        while arn:
            tail = self._task(stored.record, arn, has_ended, after - begun, follow=follow)
            for line in tail:
                seen = begun + line.number
                yield JobLine(number=seen, text=line.text)
            begun, is_same = seen, newest.record.task_arn == arn
            arn = "" if is_same or not follow else newest.record.task_arn

    def _task(
        self,
        record: LaunchRecord,
        arn: str,
        has_ended: Callable[[], bool],
        after: int,
        *,
        follow: bool = True,
    ) -> Iterator[JobLine]:
        if self._client is None:
            self._client = client_for("logs")
        follower = LogFollower(
            self._client,
            group=record.log_group,
            stream=f"{STREAM_PREFIX}/{record.container}/{arn.rpartition('/')[2]}",
            is_stopped=has_ended,
            schedule=self._schedule,
        )
        position = self._positions.get(arn)
        is_next = position is not None and position.number == after
        known = position if is_next and position is not None else max(0, after)
        try:
            yield from follower.lines(after=known, follow=follow)
        finally:
            # Whoever asks again for what comes next does not read the lines before it.
            self._positions[arn] = follower.position
