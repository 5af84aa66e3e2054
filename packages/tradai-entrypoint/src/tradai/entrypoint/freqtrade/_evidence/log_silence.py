"""Log records of a bot that have ceased though its loop goes on, whatever turned them off."""

from collections.abc import Callable, Mapping
from typing import Final, final

from tradai.core import SystemClock, WaitingClock
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict

# The engine's own interval, which no configuration here may set.
HEARTBEAT_S: Final = 60.0
# Heartbeats that are missed before the log counts as silent.
_MISSED: Final = 3


@final
class LogSilence:
    """Watches for the heartbeat that the engine logs after a turn of its loop, once in a minute.

    Other records do not count: those of a higher level may go on when the others are turned off.

    Attributes:
        problem: Sentence that says since when the log is silent; None while it is not, and kept
            from then on.
    """

    def __init__(self, clock: WaitingClock | None = None) -> None:
        """Wait for the first heartbeat from now on, by `clock` or that of this machine."""
        self.problem: str | None = None
        self._clock = clock or SystemClock()
        self._heard_s = self._clock()
        self._latest_s: float | None = None
        self._turns = 0

    def take(self, facts: Mapping[str, str]) -> None:
        """Take the facts of a log record."""
        if "heartbeat" in facts:
            self._heard_s, self._turns = self._clock(), 0

    def watching(self, last_loop_s: Callable[[], float | None]) -> Callable[[], float | None]:
        """Return `last_loop_s`, which from now on also counts the turns without a heartbeat.

        Args:
            last_loop_s: See `EngineControl.last_loop_s`.
        """

        def ask() -> float | None:
            ended_s = last_loop_s()
            self._note(ended_s)
            return ended_s

        return ask

    def judge(self) -> Verdict | None:
        """Return the verdict on a bot whose log is silent; None on another one."""
        if self.problem is None:
            return None
        sentence = (
            f"{self.problem}; journal and risks lack what it did not say: look at the orders of "
            f"the account, and for the code that turns records off"
        )
        return Verdict(exit_code=ExitCode.MISMATCH, sentence=sentence)

    def _note(self, ended_s: float | None) -> None:
        if not ended_s or ended_s == self._latest_s:
            return
        self._latest_s, silent_s = ended_s, self._clock() - self._heard_s
        # A heartbeat follows a turn that ends later than that; the turn may have ended before it
        # was noticed, and the last one's may still be due, so two of the turns prove nothing.
        if silent_s >= HEARTBEAT_S:
            self._turns += 1
        if self.problem is None and silent_s >= _MISSED * HEARTBEAT_S and self._turns >= _MISSED:
            self.problem = (
                f"the engine's log is silent: no heartbeat for {silent_s:.0f} s, though the "
                f"engine's loop goes on, so something has turned its records off"
            )
