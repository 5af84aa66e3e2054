"""Halt trading when the engine trains a model: the session would trade what was not approved."""

from collections.abc import Mapping
from typing import Final, final

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._live._risk.halt_latch import HaltLatch
from tradai.entrypoint._live.live_session import LiveSession
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext

_ADVICE: Final = (
    "set freqai.live_retrain_hours to more than the age of the models and the length of a session, "
    "have the models approved again, then clear the halt with `tradai-entrypoint resume`"
)


@final
class TrainingHalt:
    """The halt of one session, recorded in the latch before anything is stopped."""

    def __init__(self, latch: HaltLatch, context: RunContext) -> None:
        """Record the halt in `latch`, and in the journal of `context`."""
        self._latch = latch
        self._context = context
        self._cause: str | None = None
        self._problem = ""

    def take(self, facts: Mapping[str, str], session: LiveSession) -> None:
        """Halt, and stop `session`, when `facts` of the engine's log are about a training."""
        pair = facts.get("trained")
        if pair is None or self._cause is not None:
            return
        self._cause = f"the engine trains a model of {pair}"
        try:
            self._latch.trip(self._cause, run_id=self._context.run_id)
        except TradAIError as exc:
            self._problem = f"; the halt could not be recorded, so start no session: {exc}"
        session.stop_reason = session.stop_reason or f"trading is halted: {self._cause}"
        self._context.journal.append("training seen", pair=pair)

    def judged(self, verdict: Verdict) -> Verdict:
        """Return the verdict on the halt, if there was one, instead of one that is no mismatch."""
        if self._cause is None or verdict.exit_code is ExitCode.MISMATCH:
            return verdict
        if not verdict.is_success:
            self._context.record.notices.append(verdict.sentence)
        sentence = f"trading was halted: {self._cause}, which was not approved; {_ADVICE}"
        return Verdict(exit_code=ExitCode.HALTED, sentence=f"{sentence}{self._problem}")
