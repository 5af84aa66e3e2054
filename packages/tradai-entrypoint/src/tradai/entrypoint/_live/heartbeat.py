"""Heartbeat of a live session: it goes on as the engine's loop does, and not as a timer does."""

import math
from collections.abc import Callable
from typing import Final, final

from tradai.core import LoggerMixin, SystemClock, WaitingClock
from tradai.core.exceptions import TradAIError, TradingError
from tradai.core.live import SessionRequest
from tradai.entrypoint._live.session import Session

_EVERY_S: Final = 5.0


@final
class Heartbeat(LoggerMixin):
    """Beats of one session: each says how many turns the engine's loop has made.

    The record of a session whose engine is frozen is written as before, but its instant of progress
    stands still.
    """

    def __init__(
        self,
        session: Session,
        last_loop_s: Callable[[], float | None],
        *,
        every_s: float = _EVERY_S,
        clock: WaitingClock | None = None,
    ) -> None:
        """Beat for `session`; the first beat is due at once.

        Args:
            session: The session.
            last_loop_s: Returns when the engine's loop last came to its end, None for no answer;
                see `EngineControl.last_loop_s`.
            every_s: Seconds from one beat to the next.
            clock: A clock for durations; by default that of this machine.
        """
        self._session = session
        self._last_loop_s = last_loop_s
        self._every_s = every_s
        self._clock = clock or SystemClock()
        self._due_s = -math.inf
        self._progressed_s = self._asked_s = self._clock()
        self._latest_s = 0.0
        self._turns = 0

    @property
    def due_in_s(self) -> float:
        """Seconds until the next beat is due."""
        return max(0.0, self._due_s - self._clock())

    @property
    def still_for_s(self) -> float:
        """Seconds since a beat found that the engine's loop had gone on."""
        return self._clock() - self._progressed_s

    @property
    def unasked_for_s(self) -> float:
        """Seconds since the supervisor's loop has asked for a beat, as it does at each turn."""
        return self._clock() - self._asked_s

    @property
    def has_progressed(self) -> bool:
        """Whether the engine's loop has made a turn."""
        return self._turns > 0

    def beat(self) -> SessionRequest | None:
        """Beat if that is due, and return the request of an operator that is to be obeyed.

        A store that refuses or does not answer is asked again at the next beat.

        Raises:
            TradingError: Another process has the record of the session.
        """
        self._asked_s = self._clock()
        if self.due_in_s > 0:
            return None
        self._due_s = self._clock() + self._every_s
        self._look()
        try:
            return self._session.beat(self._turns)
        except TradingError:
            raise
        except TradAIError as exc:
            self.logger.warning("heartbeat not stored", extra={"error": str(exc)})
            return None

    def _look(self) -> None:
        ended_s = self._last_loop_s()
        if ended_s is not None and ended_s > self._latest_s:
            self._latest_s, self._turns = ended_s, self._turns + 1
            self._progressed_s = self._clock()
