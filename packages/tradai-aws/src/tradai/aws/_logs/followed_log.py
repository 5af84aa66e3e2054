"""The log of one job while it is followed: its next look at CloudWatch, and its end."""

from collections import deque
from collections.abc import Callable
from typing import Final, final

from tradai.aws._client.random_pauses import RandomPauses
from tradai.aws._logs.policy import LogPolicy
from tradai.aws._logs.stream_reader import LogEvent, Page, Place, StreamReader
from tradai.core import JobLine, JobLog
from tradai.core.exceptions import TradAIError

# A page of CloudWatch has up to 10,000 events or 1 MB.
_FULL_EVENTS: Final = 5_000
_FULL_CHARACTERS: Final = 500_000
_LONGEST_BACKOFF_S: Final = 30.0
_QUIET_AFTER_S: Final = 60.0
_LEAST_WEIGHT: Final = 1 / 32


@final
class FollowedLog:
    """Reads a stream when it is its turn, and keeps the lines until they are taken.

    Attributes:
        due_s: Instant of the next look.
        since_s: Instant from which this log waits for its turn.
        lines: Lines to take, each with its event.
        failure: Error that ended it.
        is_done: Whether nothing more will come.
        is_at_end: Whether the last look saw the end of the stream.
    """

    def __init__(
        self,
        reader: StreamReader,
        log: JobLog,
        *,
        is_stopped: Callable[[], bool],
        policy: LogPolicy,
    ) -> None:
        """Take a stream that was not read yet, and the log that it is read into."""
        self.log = log
        self.lines: deque[tuple[JobLine, LogEvent]] = deque()
        self.failure: TradAIError | None = None
        self.is_done = False
        self.is_at_end = False
        self.due_s = self.since_s = 0.0
        self._reader = reader
        self._is_stopped = is_stopped
        self._policy = policy
        self._pause_s = policy.first_pause_s
        self._backoff = RandomPauses(first_s=policy.first_pause_s, longest_s=_LONGEST_BACKOFF_S)
        self._newest_s = 0.0
        self._weight = 1.0
        self._follows = True
        self._ended_s: float | None = None
        self._waits_since_s: float | None = None
        self._was_read_again = False
        # Time stamp of the last line in order.
        self._ordered_ms = 0

    def begin(self, now_s: float, *, follow: bool) -> None:
        """Look at the stream for the first time at `now_s`; go on after its end if `follow`."""
        self.due_s = self.since_s = self._newest_s = now_s
        self._follows = follow

    @property
    def is_ready(self) -> bool:
        """Whether there is a line to take, or nothing to wait for."""
        return bool(self.lines) or self.is_done or (self.is_at_end and not self._follows)

    def has_nothing_more(self) -> bool:
        """Tell whether no line is left; give out those that came after a missing one."""
        if not self.is_done and not (self.is_at_end and not self._follows):
            return False
        self.give_up_waiting()
        return not self.lines

    def urgency(self, at_s: float) -> float:
        """Return how urgent a look at `at_s` is: a log without new lines may wait longer."""
        return (at_s - self.since_s) * self._weight

    def look(self, now_s: float) -> None:
        """Read one page of the stream, and decide when to look again."""
        try:
            page = self._reader.read()
            self._take(page.events, now_s)
            self.is_at_end = page.is_end
            self._plan(page, now_s)
            self._backoff.reset()
        except TradAIError as exc:
            if exc.retryable:
                self.due_s = now_s + self._backoff.next_s()
            else:
                self.failure, self.is_done = exc, True

    def give_up_waiting(self) -> None:
        """Give out all lines that are there, although some before them are missing."""
        event = LogEvent(self._ordered_ms, 0, "")
        self.lines.extend((line, event) for line in self.log.give_up())
        self._waits_since_s = None

    def _take(self, events: list[LogEvent], now_s: float) -> None:
        for event in events:
            lines = self.log.add(event.message)
            if lines:
                self._ordered_ms, self._newest_s, self._weight = event.timestamp, now_s, 1.0
            self.lines.extend((line, event) for line in lines)

    def _plan(self, page: Page, now_s: float) -> None:
        self._note_end(now_s)
        if self.log.is_whole:
            self.is_done = True
        elif self._has_more(page):
            self.due_s = now_s
        elif self.log.is_waiting:
            self._await_missing(now_s)
        elif self._has_settled(now_s):
            self._finish(now_s)
        else:
            self._pause(now_s)

    def _note_end(self, now_s: float) -> None:
        if self._ended_s is None and (self.log.has_ended or self._is_stopped()):
            self._ended_s, self._weight = now_s, 1.0
            self._pause_s = self._policy.first_pause_s

    def _has_more(self, page: Page) -> bool:
        """Tell whether the next page is wanted at once."""
        if page.is_end:
            return False
        is_in_haste = self._ended_s is not None or not self._follows
        return is_in_haste or not page.events or _is_full(page.events)

    def _await_missing(self, now_s: float) -> None:
        """Read again from the last line in order: a late event comes before the forward token."""
        if self._waits_since_s is None:
            self._waits_since_s = now_s
        patience = self._policy.reorder_s if self._ended_s is None else self._policy.settle_s
        if now_s - self._waits_since_s >= patience:
            self.give_up_waiting()
        else:
            self._reader.restart(Place(self._ordered_ms))
        self._pause(now_s)

    def _has_settled(self, now_s: float) -> bool:
        last_s = None if self._ended_s is None else max(self._ended_s, self._newest_s)
        return self.is_at_end and last_s is not None and now_s - last_s >= self._policy.settle_s

    def _finish(self, now_s: float) -> None:
        """End here; a numbered log that is not whole is read a second time before.

        Its last lines are before the forward token when the clock of the container was set back.
        """
        if self.log.is_numbered is False or self._was_read_again:
            self.is_done = True
            return
        self._was_read_again = True
        self._reader.restart(Place())
        self.due_s = now_s

    def _pause(self, now_s: float) -> None:
        self._waits_since_s = self._waits_since_s if self.log.is_waiting else None
        if self._ended_s is None and self._newest_s < now_s:
            self._weight = max(self._weight / 8, _LEAST_WEIGHT)
        self.since_s, self.due_s = now_s, now_s + self._pause_s
        is_quiet = self._ended_s is None and now_s - self._newest_s > _QUIET_AFTER_S
        longest = self._policy.quiet_pause_s if is_quiet else self._policy.longest_pause_s
        self._pause_s = min(2 * self._pause_s, longest)


def _is_full(events: list[LogEvent]) -> bool:
    return len(events) >= _FULL_EVENTS or sum(len(e.message) for e in events) >= _FULL_CHARACTERS
