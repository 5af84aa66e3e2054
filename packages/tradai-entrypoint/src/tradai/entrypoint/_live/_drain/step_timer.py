"""The time that is left for the present step of a stop."""

from collections.abc import Callable
from typing import Final, final

from tradai.core import WaitingClock
from tradai.entrypoint._live._drain.budget import StopBudget, StopStep

# Time of each step after a second signal.
HURRIED_S: Final = 1.0
# In less than that nothing is done.
_LEAST_S: Final = 0.001


@final
class StepTimer:
    """The deadlines of a stop."""

    def __init__(
        self,
        budget: StopBudget,
        clock: WaitingClock,
        is_hurried: Callable[[], bool],
        *,
        began_s: float | None = None,
    ) -> None:
        """Begin.

        Args:
            budget: Time of the stop.
            clock: Measures it.
            is_hurried: Says whether a second signal has come.
            began_s: Time of `clock` from which the budget counts; by default now.
        """
        self._budget = budget
        self._clock = clock
        self._is_hurried = is_hurried
        self._step_began_s = clock()
        self._began_s = self._step_began_s if began_s is None else began_s
        self._step = StopStep.PAUSE
        self._ahead = set(StopStep)

    def begin(self, step: StopStep) -> None:
        """Begin `step`."""
        self._step, self._step_began_s = step, self._clock()
        self._ahead.discard(step)

    @property
    def step_seconds(self) -> float:
        """Seconds since the step began."""
        return self._clock() - self._step_began_s

    @property
    def seconds(self) -> float:
        """Seconds since the budget of the stop began."""
        return self._clock() - self._began_s

    @property
    def left_s(self) -> float:
        """Seconds that the step has left; a second signal leaves it a moment."""
        left = self._budget.deadline_s(self._ahead) - self.seconds
        if self._step is StopStep.PAUSE:
            # Trading stops in the next step, also without it.
            left = min(left, self._budget.need_s(self._step) - self.step_seconds)
        if self._is_hurried():
            left = min(left, HURRIED_S - self.step_seconds)
        return left if left > _LEAST_S else 0.0

    @property
    def is_over(self) -> bool:
        """Whether the step has no time left."""
        return self.left_s <= 0

    def sleep(self, seconds: float) -> None:
        """Pause, at most for the time that is left."""
        self._clock.sleep(min(seconds, self.left_s))
