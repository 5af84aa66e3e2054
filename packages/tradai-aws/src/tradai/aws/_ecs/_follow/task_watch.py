"""Watch over tasks: one DescribeTasks for up to 100 of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

from tradai.aws._ecs._launch.lookup import CONSISTENT_AFTER_S, MOST_DESCRIBED
from tradai.aws._ecs.client import EcsClient, translated
from tradai.aws._ecs.pace import RateLimit
from tradai.core import ForkLock, WaitingClock

Task: TypeAlias = Mapping[str, Any]

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 20.0
_LONGEST_RELAXED_S: Final = 60.0
_GROWTH: Final = 2.0
# A task that no caller has asked for in this time is no longer described.
_FORGOTTEN_S: Final = 60.0


@dataclass(slots=True, kw_only=True)
class _Watched:
    arn: str
    due_s: float
    asked_s: float
    pause_s: float = _FIRST_PAUSE_S
    longest_s: float = _LONGEST_PAUSE_S
    looked_s: float = float("-inf")
    seen_s: float = float("-inf")
    task: Task | None = None

    def take(self, task: Task | None) -> None:
        """Take a description; a task that was seen a moment ago has not vanished since."""
        if task is not None:
            self.task, self.seen_s = task, self.looked_s
        elif self.looked_s - self.seen_s > CONSISTENT_AFTER_S:
            self.task = None


@final
class TaskWatch:
    """The newest description of each task, renewed for all tasks together.

    The pauses between two looks at a task grow from one second to twenty. There is at most one
    DescribeTasks a second, whatever the number of tasks and threads.
    """

    def __init__(self, client: EcsClient, *, cluster: str, clock: WaitingClock) -> None:
        """Watch tasks of `cluster`."""
        self._client = client
        self._cluster = cluster
        self._clock = clock
        self._limit = RateLimit(clock, per_s=1.0)
        self._watched: dict[str, _Watched] = {}
        self._lock = ForkLock()
        self._requests = ForkLock()

    def add(self, arn: str) -> None:
        """Watch a task that was just launched, so that looks at others include it."""
        with self._lock:
            if arn not in self._watched:
                self._ask(arn).due_s += _FIRST_PAUSE_S

    def look(self, arn: str, *, max_age_s: float | None = None) -> Task | None:
        """Return the task as it was described last; None when ECS does not know it (yet).

        Args:
            arn: The task.
            max_age_s: Age in seconds above which it is described anew; by default it is when its
                next look is due.
        """
        # Callers that wait here are served by the request of the first.
        if self._is_due(arn, max_age_s):
            with self._requests:
                if self._is_due(arn, max_age_s):
                    self._describe(arn)
        with self._lock:
            return self._ask(arn).task

    def due_in(self, arn: str) -> float:
        """Return the seconds until the next look at a task is due."""
        with self._lock:
            return max(0.0, self._ask(arn).due_s - self._clock())

    def hurry(self, arn: str) -> None:
        """Look soon and often again: the task is about to change."""
        with self._lock:
            watched = self._ask(arn)
            watched.pause_s, watched.longest_s = _FIRST_PAUSE_S, _LONGEST_PAUSE_S
            watched.due_s = min(watched.due_s, self._clock() + _FIRST_PAUSE_S)

    def relax(self, arn: str) -> None:
        """Look less often: the task's log will say when it ends."""
        with self._lock:
            watched = self._ask(arn)
            if watched.longest_s < _LONGEST_RELAXED_S:
                watched.longest_s = watched.pause_s = _LONGEST_RELAXED_S
                watched.due_s = self._clock() + _LONGEST_RELAXED_S

    def look_within(self, arn: str, seconds: float) -> None:
        """Look again in `seconds` at the latest."""
        with self._lock:
            watched = self._ask(arn)
            watched.due_s = min(watched.due_s, self._clock() + max(0.0, seconds))

    def forget(self, arn: str) -> None:
        """Watch a task no longer."""
        with self._lock:
            self._watched.pop(arn, None)

    def _ask(self, arn: str) -> _Watched:
        now_s = self._clock()
        watched = self._watched.setdefault(arn, _Watched(arn=arn, due_s=now_s, asked_s=now_s))
        watched.asked_s = now_s
        return watched

    def _is_due(self, arn: str, max_age_s: float | None) -> bool:
        with self._lock:
            watched, now_s = self._ask(arn), self._clock()
            longest_s = float("inf") if max_age_s is None else max_age_s
            return now_s >= watched.due_s or now_s - watched.looked_s > longest_s

    def _describe(self, arn: str) -> None:
        """Describe `arn`, and with it the tasks whose next looks are nearest."""
        self._limit.acquire()
        arns = self._nearest(arn)
        with translated("describe_tasks", self._cluster):
            found = self._client.describe_tasks(cluster=self._cluster, tasks=arns)
        tasks = {str(task["taskArn"]): task for task in found.get("tasks", ())}
        with self._lock:
            for watched in map(self._ask_again, arns):
                watched.looked_s = self._clock()
                watched.take(tasks.get(watched.arn))
                watched.due_s = watched.looked_s + watched.pause_s
                watched.pause_s = min(watched.longest_s, _GROWTH * watched.pause_s)

    def _nearest(self, arn: str) -> list[str]:
        with self._lock:
            now_s = self._clock()
            self._watched = {
                name: one
                for name, one in self._watched.items()
                if name == arn or now_s - one.asked_s <= _FORGOTTEN_S
            }
            others = sorted((name for name in self._watched if name != arn), key=self._due)
            return [arn, *others[: MOST_DESCRIBED - 1]]

    def _ask_again(self, arn: str) -> _Watched:
        """Return the entry of a task, which may have been forgotten during a request."""
        now_s = self._clock()
        return self._watched.get(arn) or _Watched(arn=arn, due_s=now_s, asked_s=now_s)

    def _due(self, arn: str) -> float:
        return self._watched[arn].due_s
