"""Watch over tasks: one DescribeTasks for up to 100 of them, whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

from tradai.aws._ecs.client import EcsClient, translated
from tradai.aws._ecs.lookup import MOST_DESCRIBED
from tradai.aws._ecs.pace import RateLimit, WaitingClock
from tradai.core import ForkLock

Task: TypeAlias = Mapping[str, Any]

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 10.0
_GROWTH: Final = 1.5
# A task that no caller has asked for in this time is no longer described.
_FORGOTTEN_S: Final = 60.0


@dataclass(slots=True, kw_only=True)
class _Watched:
    due_s: float
    asked_s: float
    pause_s: float = _FIRST_PAUSE_S
    looked_s: float = float("-inf")
    task: Task | None = None


@final
class TaskWatch:
    """The newest description of each task, renewed for all tasks together.

    The pauses between two looks at a task grow from one second to ten. There is at most one
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

    def look(self, arn: str, *, max_age_s: float | None = None) -> Task | None:
        """Return the task as it was described last; None when ECS does not know it.

        Args:
            arn: The task.
            max_age_s: Age in seconds above which it is described anew; by default it is when its
                next look is due.
        """
        with self._lock:
            watched = self._ask(arn)
            now_s = self._clock()
            is_old = now_s - watched.looked_s > (float("inf") if max_age_s is None else max_age_s)
            if is_old or now_s >= watched.due_s:
                self._describe(arn)
            return watched.task

    def due_in(self, arn: str) -> float:
        """Return the seconds until the next look at a task is due."""
        with self._lock:
            return max(0.0, self._ask(arn).due_s - self._clock())

    def hurry(self, arn: str) -> None:
        """Look soon and often again: the task is about to change."""
        with self._lock:
            watched = self._ask(arn)
            watched.pause_s = _FIRST_PAUSE_S
            watched.due_s = min(watched.due_s, self._clock() + _FIRST_PAUSE_S)

    def forget(self, arn: str) -> None:
        """Watch a task no longer."""
        with self._lock:
            self._watched.pop(arn, None)

    def _ask(self, arn: str) -> _Watched:
        now_s = self._clock()
        # A task that was just launched is not known yet, so the first look can wait.
        watched = self._watched.setdefault(arn, _Watched(due_s=now_s, asked_s=now_s))
        watched.asked_s = now_s
        return watched

    def _describe(self, arn: str) -> None:
        """Describe `arn`, and with it the tasks whose next looks are nearest."""
        self._limit.acquire()
        now_s = self._clock()
        for name, one in list(self._watched.items()):
            if now_s - one.asked_s > _FORGOTTEN_S and name != arn:
                del self._watched[name]
        others = sorted((name for name in self._watched if name != arn), key=self._due)
        arns = [arn, *others[: MOST_DESCRIBED - 1]]
        with translated("describe_tasks", self._cluster):
            found = self._client.describe_tasks(cluster=self._cluster, tasks=arns)
        tasks = {str(task["taskArn"]): task for task in found.get("tasks", ())}
        for name in arns:
            watched = self._watched[name]
            watched.task, watched.looked_s = tasks.get(name), self._clock()
            watched.due_s = watched.looked_s + watched.pause_s
            watched.pause_s = min(_LONGEST_PAUSE_S, _GROWTH * watched.pause_s)

    def _due(self, arn: str) -> float:
        return self._watched[arn].due_s
