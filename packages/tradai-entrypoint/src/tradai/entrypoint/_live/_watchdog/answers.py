"""Answers of the watchdog: a process that is frozen still lives, and ends no engine."""

import math
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

from tradai.core import WaitingClock
from tradai.core.exceptions import TradingError

# Of the questions that a watchdog may leave open: a machine that was suspended had no time for one.
_MOST_OPEN: Final = 3
_CHUNK_BYTES: Final = 4096


@final
class Answers:
    """Questions to a process, and its answers, neither of which waits."""

    def __init__(
        self, pipe: int, ask: Callable[[], None], *, every_s: float, clock: WaitingClock
    ) -> None:
        """Ask by `ask` at most every `every_s`; each answer is a byte in `pipe`."""
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._ask = ask
        self._every_s = every_s
        self._clock = clock
        self._due_s = -math.inf
        self._open = 0

    def are_coming(self) -> bool:
        """Ask when that is due, and return whether one of the last questions was answered."""
        if self._has_answer():
            self._open = 0
        if self._clock() >= self._due_s:
            self._due_s = self._clock() + self._every_s
            self._open += 1
            # A pipe that is full, or closed, takes no question: that is no answer either.
            with suppress(TradingError):
                self._ask()
        return self._open <= _MOST_OPEN

    def _has_answer(self) -> bool:
        with suppress(BlockingIOError):
            return bool(os.read(self._pipe, _CHUNK_BYTES))
        return False
