"""Follow the log of one job in CloudWatch."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import final

from tradai.aws._logs.followed_log import FollowedLog
from tradai.aws._logs.position import LogPosition, taken_at
from tradai.aws._logs.schedule import LogSchedule
from tradai.aws._logs.stream_reader import LogsClient, StreamReader
from tradai.core import JobLine, LogSummary


@final
class LogFollower:
    """Yields the lines of a log stream: each once, in order, to the very last. Secrets are masked.

    A stream that does not exist yet is waited for. Throttling and a network that is away are waited
    for too. The log is over when its end marker and every line before it have arrived; without an
    end marker, when the job has stopped and no line has come for `LogPolicy.settle_s`.

    >>> from tradai.aws import LogSchedule
    >>> from tradai.aws.testing import FakeLogs
    >>> aws = FakeLogs()
    >>> aws.create_log_group(logGroupName="jobs")
    >>> texts = ["1a2b3c4d:0!tradai-log 1", "1a2b3c4d:1 hello", "1a2b3c4d:2!end 1"]
    >>> aws.drive("jobs", "task/1", list(enumerate(texts)))
    >>> schedule = LogSchedule(clock=aws.clock)
    >>> name = {"group": "jobs", "stream": "task/1"}
    >>> log = LogFollower(aws, **name, is_stopped=lambda: True, schedule=schedule)
    >>> [line.text for line in log.lines()]
    ['hello']
    >>> log.summary().complete
    True

    """

    def __init__(
        self,
        client: LogsClient,
        *,
        group: str,
        stream: str,
        is_stopped: Callable[[], bool],
        schedule: LogSchedule | None = None,
        is_numbered: bool | None = None,
    ) -> None:
        """Name the stream; nothing is read yet.

        Args:
            client: boto3's client for CloudWatch Logs, or `tradai.aws.testing.FakeLogs`.
            group: Name of the log group.
            stream: Name of the log stream.
            is_stopped: Tells whether the job has ended. It is asked at every look at the log, by
                any thread that uses the schedule, and should not make a request each time.
            schedule: Schedule that this log shares with others; by default one of its own.
            is_numbered: Whether the job was started by ``tradai-entrypoint contain``; by default
                the first event tells.
        """
        self._client = client
        self._name = (group, stream)
        self._is_stopped = is_stopped
        self._schedule = schedule or LogSchedule()
        self._is_numbered = is_numbered
        self._start(LogPosition())

    @property
    def position(self) -> LogPosition:
        """Position after the last line that was yielded: another process goes on from there.

        A piece of a long line is read again where it shares a secret with the next one.
        """
        return LogPosition(
            number=self._log.resume_after(self._number),
            at_ms=self._place.at_ms,
            taken=() if self._log.is_numbered else taken_at(self._place),
            is_numbered=self._log.is_numbered,
            stream_id=self._log.stream_id,
            gaps=tuple(gap for gap in self._log.given_up if gap[0] <= self._number),
        )

    def lines(self, *, after: int | LogPosition = 0, follow: bool = True) -> Iterator[JobLine]:
        """Yield the lines of the log in order.

        Args:
            after: Number of the last line that is known, or the `position` after it, which saves
                reading the lines before it.
            follow: Whether to go on until the log is over; if not, the lines that are there now
                are yielded.

        Raises:
            NotFoundError: The log group does not exist.
            AwsError: AWS refused a request, and would refuse it again.
        """
        known, position = (after, LogPosition()) if isinstance(after, int) else (0, after)
        log = self._start(position, follow=follow)
        self._schedule.join(log)
        try:
            for line in self._taken(log):
                if line.number > known:
                    yield line
        finally:
            self._schedule.leave(log)

    def summary(self) -> LogSummary:
        """Return whether every line arrived that the job wrote."""
        return self._log.summary()

    def _start(self, position: LogPosition, *, follow: bool = True) -> FollowedLog:
        group, stream = self._name
        if position.is_numbered is None:
            position = replace(position, is_numbered=self._is_numbered)
        self._number, self._place, self._log = position.number, position.place(), position.log()
        reader = StreamReader(self._client, group=group, stream=stream)
        reader.restart(position.place())
        followed = FollowedLog(
            reader, self._log, is_stopped=self._is_stopped, policy=self._schedule.policy
        )
        followed.begin(self._schedule.now_s(), follow=follow)
        return followed

    def _taken(self, log: FollowedLog) -> Iterator[JobLine]:
        while True:
            while log.lines:
                line, event = log.lines.popleft()
                self._number = max(self._number, line.number)
                self._place.take(event)
                yield line
            if log.failure is not None:
                raise log.failure
            if log.has_nothing_more():
                return
            self._schedule.fill(log)
