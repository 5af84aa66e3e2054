"""One schedule for all logs that are followed together: each look at CloudWatch has its turn."""

import threading
import time
from typing import Final, final

from tradai.aws._logs.followed_log import FollowedLog
from tradai.aws._logs.policy import LogPolicy
from tradai.core import WaitingClock

# A log whose lines are not taken is not read on: this is a page of CloudWatch.
_MOST_LINES: Final = 10_000
_LONGEST_SLEEP_S: Final = 60.0


@final
class LogSchedule:
    """Shares the requests of `LogPolicy.calls_per_s` between logs; threads may share a schedule.

    Logs with new lines come first, and those that have waited longest among them. It needs no
    thread of its own: a thread that waits for lines looks at whichever log has its turn.
    """

    def __init__(
        self, *, clock: WaitingClock | None = None, policy: LogPolicy | None = None
    ) -> None:
        """Follow no log yet.

        Args:
            clock: Clock to wait by; by default that of this machine, and a log that joins while a
                thread waits has its turn at once.
            policy: Limits; by default those of `LogPolicy`.
        """
        self.policy = policy or LogPolicy()
        self._clock = clock
        self._logs: list[FollowedLog] = []
        self._next_call_s = self.now_s()
        self._changed = threading.Condition()
        self._is_looking = False

    def now_s(self) -> float:
        """Return the present instant in seconds."""
        return time.monotonic() if self._clock is None else self._clock()

    def join(self, log: FollowedLog) -> None:
        """Give a log its turns from now on."""
        with self._changed:
            self._logs.append(log)
            # A thread that sleeps until a later turn must look again.
            self._changed.notify_all()

    def leave(self, log: FollowedLog) -> None:
        """Give a log no more turns."""
        with self._changed:
            self._logs.remove(log)

    def fill(self, log: FollowedLog) -> None:
        """Wait until `log` has lines to take, or is done."""
        with self._changed:
            while not log.is_ready:
                if self._is_looking:
                    self._changed.wait()
                    continue
                self._is_looking = True
                self._changed.release()
                try:
                    self.step()
                finally:
                    self._changed.acquire()
                    self._is_looking = False
                    self._changed.notify_all()

    def step(self) -> None:
        """Look at the log whose turn is next, or sleep a while when that is later."""
        with self._changed:
            now_s = self.now_s()
            log, at_s = self._turn(now_s)
            if self._clock is None and at_s > now_s:
                self._changed.wait(at_s - now_s)
                return
        if self._clock is not None and at_s > now_s:
            self._clock.sleep(at_s - now_s)
        elif log is not None:
            self._next_call_s = now_s + 1 / self.policy.calls_per_s
            log.look(now_s)

    def _turn(self, now_s: float) -> tuple[FollowedLog | None, float]:
        logs = [log for log in self._logs if not log.is_done and len(log.lines) < _MOST_LINES]
        if not logs:
            return None, now_s + _LONGEST_SLEEP_S
        at_s = max(now_s, self._next_call_s)
        due = [log for log in logs if log.due_s <= at_s]
        if due:
            return max(due, key=lambda log: log.urgency(at_s)), at_s
        first = min(logs, key=lambda log: log.due_s)
        return first, first.due_s
