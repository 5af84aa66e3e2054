"""Watch a bot that trades, and record each time that it stands still."""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Protocol, final

from tradai.core import SystemClock, redact
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.exits import WakeReason
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.liveness import Liveness, Stall, StallCause
from tradai.entrypoint.freqtrade._modes.running_bot import RunningBot
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob

_log: Final = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 5.0
# Between two looks the engine's output is read, which this leaves time for.
_LEAST_S: Final = 0.1
# The journal has each later stall too.
_MOST_NOTICES: Final = 20
_ADVICE: Final[Mapping[StallCause, str]] = {
    StallCause.STOPPED: "mend that and start it again",
    StallCause.EXCHANGE: "start it again when the exchange answers",
    StallCause.UNTRAINED: "change the features, or provide more candles",
    StallCause.LOOP: "look for a call in the strategy that does not return",
    StallCause.CANDLES: "look into engine.log",
}


class WatchedSession(Protocol):
    """The right of a bot to trade.

    Attributes:
        doing: Short text for people, such as ``trading on paper``.
        is_to_stop: Whether it is to be stopped in good order.
    """

    @property
    def doing(self) -> str: ...
    @property
    def is_to_stop(self) -> bool: ...

    def beat(self) -> None:
        """Keep the right to trade; see `LiveSession.beat`."""
        ...

    def note_stall(self, stall: Stall) -> None:
        """Tell people that it stands still; one that has stopped by itself is to be stopped."""
        ...

    def note_recovery(self, stall: Stall) -> None:
        """Tell people that it goes on."""
        ...


@final
class StallWatch:
    """Follows a bot that trades, and records when it stands still and until when.

    Attributes:
        is_over: Whether it stood still for as long as `run.max_idle` allows.
    """

    def __init__(
        self, job: EngineJob, context: RunContext, control: EngineControl, bot: WatchedSession
    ) -> None:
        """Prepare to watch the `bot` of `job`; `follow` begins."""
        self.is_over = False
        self._bot = bot
        self._context = context
        self._evidence = job.evidence
        self._liveness = Liveness(RunningBot(job, context, control), job.evidence)
        self._stall: Stall | None = None
        self._stalled_since_s: float | None = None
        self._notice: int | None = None
        self._notices = 0

    def take(self, facts: Mapping[str, str]) -> None:
        """Take the facts of a log record."""
        self._liveness.take(facts)

    def follow(self, engine: EngineProcess) -> WakeReason:
        """Follow a bot that begins to trade now, until something ends it.

        REACHED means that `run.max_idle` is over, that the bot left out a pair, or that its
        session is to be stopped.

        Raises:
            LeaseLostError: The bot may not trade any more.
        """
        self._liveness.begin()
        interrupts = self._context.interrupts
        while not self.is_over:
            self._bot.beat()
            if self._bot.is_to_stop:
                break
            reason = engine.follow(interrupts, until=self._has_news, timeout_s=self._next_s())
            if reason not in {WakeReason.REACHED, WakeReason.TIMEOUT} or self._evidence.dropped:
                return reason
            with engine.storing():
                self._look()
        return WakeReason.REACHED

    @property
    def problem(self) -> str | None:
        """Sentence that says why the bot stands still; None while it trades."""
        stall = self._stall
        return None if stall is None else redact(stall.reason)

    def judged(self, verdict: Verdict) -> Verdict:
        """Return `verdict`, or the one on a bot that stood still when it was stopped."""
        stall = self._stall
        if stall is None or not verdict.is_success:
            return verdict
        problem = f"since {_time(stall.since_s)}: {stall.reason}; {_ADVICE[stall.cause]}"
        if self.is_over:
            allowed = self._context.parameters.max_idle
            sentence = f"stopped because the bot stood still for {allowed}, {problem}"
            return Verdict(exit_code=ExitCode.MAX_IDLE, sentence=redact(sentence))
        sentence = f"{verdict.sentence}, but the bot stood still {problem}"
        return Verdict(exit_code=ExitCode.STALLED, sentence=redact(sentence))

    def _has_news(self) -> bool:
        """Return whether the bot left out a pair, or stopped by itself, which is not recorded."""
        return bool(self._evidence.dropped) or self._has_stopped()

    def _has_stopped(self) -> bool:
        return self._evidence.has_stopped_itself and not self._is_stalled_by(StallCause.STOPPED)

    def _is_stalled_by(self, cause: StallCause | None) -> bool:
        return (self._stall.cause if self._stall else None) is cause

    def _next_s(self) -> float:
        """Return the time until the next look, at which `run.max_idle` may be over."""
        if self._stalled_since_s is None or self._max_idle_s is None:
            return _LOOK_EVERY_S
        left_s = self._stalled_since_s + self._max_idle_s - time.monotonic()
        return max(_LEAST_S, min(_LOOK_EVERY_S, left_s))

    @property
    def _max_idle_s(self) -> float | None:
        allowed = self._context.parameters.max_idle
        return None if allowed is None else allowed.seconds

    def _look(self) -> None:
        # The fallback has no candles and places no order, which its notices say.
        if self._context.record.is_fallback:
            return
        before, self._stall = self._stall, self._liveness.look()
        self._measure_stall()
        if not self._is_stalled_by(before.cause if before else None):
            if before is not None:
                self._record_end(before)
            if self._stall is not None:
                self._record_begin(self._stall)
            self._context.folder.write_manifest(self._context.record)

    def _measure_stall(self) -> None:
        if self._stall is None:
            self._stalled_since_s = None
            return
        if self._stalled_since_s is None:
            self._stalled_since_s = self._stall.since_s
        stalled_s = time.monotonic() - self._stalled_since_s
        self.is_over = self._max_idle_s is not None and stalled_s >= self._max_idle_s

    def _record_begin(self, stall: Stall) -> None:
        self._bot.note_stall(stall)
        since, reason = _time(stall.since_s), redact(stall.reason)
        _log.warning("the bot stands still", extra={"reason": reason, "since": since})
        self._context.progress.say("engine: the bot stands still, Ctrl-C stops it")
        self._add_notice(f"the bot stands still since {since}: {reason}")
        self._context.journal.append(
            "bot stalled", cause=stall.cause.value, since=since, reason=reason
        )

    def _record_end(self, stall: Stall) -> None:
        self._bot.note_recovery(stall)
        seconds = round(time.monotonic() - stall.since_s, 3)
        _log.warning("the bot goes on", extra={"cause": stall.cause.value, "seconds": seconds})
        self._context.progress.say(f"engine: {self._bot.doing} again, Ctrl-C stops it")
        if self._notice is not None:
            self._context.record.notices[self._notice] = (
                f"the bot stood still from {_time(stall.since_s)} to {_time(time.monotonic())}: "
                f"{redact(stall.reason)}"
            )
        self._context.journal.append("bot recovered", cause=stall.cause.value, seconds=seconds)

    def _add_notice(self, text: str) -> None:
        notices = self._context.record.notices
        self._notices += 1
        self._notice = len(notices) if self._notices <= _MOST_NOTICES else None
        if self._notice is not None:
            notices.append(text)
        elif self._notices == _MOST_NOTICES + 1:
            notices.append("the bot stood still more often: journal.jsonl has each time")


def _time(monotonic_s: float) -> str:
    """Return an instant of `time.monotonic` as text, in UTC."""
    age = timedelta(seconds=time.monotonic() - monotonic_s)
    return f"{SystemClock().now() - age:%Y-%m-%dT%H:%M:%SZ}"
