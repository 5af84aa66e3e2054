"""The halt of one session, which its latch has before anything is stopped."""

from typing import Final, final

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict

_RECORDED: Final = "clear it with `tradai-entrypoint resume` when you know why"
_NOT_RECORDED: Final = (
    "and it could NOT be recorded ({}), so nothing keeps the next session from trading: start none "
    "before a person has looked"
)


@final
class TradingHalt:
    """A halt that may come; the first cause counts.

    Attributes:
        cause: Why trading is halted; None while it is not.
        problem: Why the latch does not have it; None when it has.
    """

    def __init__(self, latch: HaltLatch, *, run_id: str) -> None:
        """Take the latch, and the run of the session."""
        self._latch = latch
        self._run_id = run_id
        self.cause: str | None = None
        self.problem: str | None = None

    def begin(self, cause: str) -> None:
        """Halt trading because of `cause`, unless it is halted already."""
        if self.cause is None:
            self.cause = cause
            self._record(cause)

    def judge(self) -> Verdict | None:
        """Return the verdict on a session that was halted; a latch that was away is tried again."""
        if self.cause is None:
            return None
        if self.problem is not None:
            self._record(self.cause)
        advice = _NOT_RECORDED.format(self.problem) if self.problem else _RECORDED
        return Verdict(
            exit_code=ExitCode.HALTED, sentence=f"trading was halted: {self.cause}; {advice}"
        )

    def _record(self, cause: str) -> None:
        self.problem = None
        try:
            self._latch.trip(cause, run_id=self._run_id)
        except HaltedError:
            # A latch that cannot be read is halted already.
            return
        except TradAIError as exc:
            self.problem = str(exc)
