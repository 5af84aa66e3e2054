"""The session of a live engine: lease kept, heart beating, operators obeyed, people told."""

import logging
from datetime import datetime
from typing import Final, final

from tradai.core import Clock, SystemClock
from tradai.core.exceptions import LeaseLostError, TradAIError, TradingError
from tradai.core.live import RiskAction, SessionRequest, SessionState
from tradai.entrypoint._alerts.alerts import Alerts
from tradai.entrypoint._live._risk.trading_halt import TradingHalt
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._live.supervision import PausableEngine, Supervision
from tradai.entrypoint._process.exit_codes import Verdict

_log: Final = logging.getLogger(__name__)
# States from which an engine can be paused or go on.
_TRADING: Final = frozenset({SessionState.WARM_UP, SessionState.RUNNING, SessionState.PAUSED})
# States from which a risk pauses a session.
_ENTERING: Final = frozenset({SessionState.WARM_UP, SessionState.RUNNING})


@final
class LiveSession:
    """The record of a session and, while an engine runs, the right to trade.

    Not for use from several threads.

    Attributes:
        stop_reason: Why the session is to be stopped in good order; None while it may go on.
        doubt: The first thing that is not known about the session, which a person must look at
            however well it is stopped; None without one.
    """

    def __init__(
        self,
        session: Session,
        alerts: Alerts,
        *,
        halt: TradingHalt,
        ends_at: datetime | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Take a session that starts, and the alerts that tell of its moves.

        Args:
            session: The session.
            alerts: They tell of its moves.
            halt: Records that trading is halted.
            ends_at: Instant at which it is stopped; None is without limit.
            clock: Clock that says when that is; by default that of this machine.
        """
        self.stop_reason: str | None = None
        self.doubt: str | None = None
        self._ends_at = ends_at
        self._clock = clock or SystemClock()
        self._session = session
        self._alerts = alerts
        self._halt = halt
        self._supervision: Supervision | None = None
        # Pause of an operator that was obeyed; without one, only the risks hold a paused session.
        self._pause: SessionRequest | None = None
        self._deferred: SessionRequest | None = None
        # Whether an operator asks for the stop, and nothing did before.
        self._is_asked_to_stop = False

    def supervise(self, supervision: Supervision | None) -> None:
        """Keep the right to trade beside an engine from now on; None ends that."""
        self._supervision = supervision

    def beat(self) -> None:
        """Renew the lease, write a heartbeat and obey operators, each when it is due.

        An engine that warms up is paused, and trades from here on unless a request forbids it.

        Raises:
            LeaseLostError: Another process may hold the lease by now: the watchdog ends the engine.
        """
        parts = self._supervision
        if parts is None:
            return
        parts.keeper.keep()
        if parts.keeper.is_lost:
            self._lose(parts.keeper.reason_to_stop)
        self._doubt_watchdog(parts)
        self.stop_for(parts.keeper.reason_to_stop)
        # Most risks are counted from the log.
        self.stop_for(parts.log.problem)
        if self._ends_at is not None and self._clock.now() >= self._ends_at:
            ended = f"{self._ends_at:%Y-%m-%d %H:%M:%S} UTC"
            self.stop_for(f"its approval, or its longest time, ended at {ended}")
        self._limit_risks(parts)
        try:
            request = parts.heartbeat.beat()
        except TradingError as exc:
            self._doubt(str(exc))
            return
        # A pause would start an engine that has stopped trading.
        if self.stop_reason is None:
            self._go_on(request, parts)

    def _go_on(self, request: SessionRequest | None, parts: Supervision) -> None:
        """Obey `request`; without one, let an engine that warms up trade."""
        is_warming_up = self._session.state is SessionState.WARM_UP
        if is_warming_up:
            # Also the one that a predecessor has left, before the next heartbeat is due.
            request = self._session.request
        if request is not None:
            self._obey(request, parts)
        elif is_warming_up and parts.risks.action is RiskAction.NONE:
            self._let_trade(parts.engine)

    def halt(self, cause: str) -> None:
        """Halt trading: the latch has it at once, and the session is to be stopped.

        A latch that cannot be written stops the session as well, and its verdict says so.
        """
        if self._halt.cause is None:
            self._halt.begin(cause)
            problem = self._halt.problem
            self._alerts.send("halted", f"{cause}; NOT recorded: {problem}" if problem else cause)
        self.stop_for(f"trading is halted: {cause}")

    def judge_halt(self) -> Verdict | None:
        """Return the verdict on a session that was halted; None on another one."""
        return self._halt.judge()

    def secure(self, seconds: float) -> float:
        """Renew the lease for a stop of `seconds`, and return how many of them it has.

        It has less when the place of leases refuses or does not answer.

        Raises:
            LeaseLostError: It has none: the watchdog ends the engine, and nothing may be changed at
                the exchange.
        """
        parts = self._supervision
        if parts is None:
            return seconds
        parts.keeper.renew()
        if parts.keeper.is_lost:
            self._lose(parts.keeper.reason_to_stop)
        self._doubt_watchdog(parts)
        return min(seconds, parts.keeper.sure_s)

    def move(
        self, state: SessionState, reason: str, *, obeyed: SessionRequest | None = None
    ) -> None:
        """Move the session, and tell people; without its store it is moved nevertheless."""
        is_by_risk = self._pause is None and state is SessionState.PAUSED
        kind = "paused by risk" if is_by_risk else "session"
        self._alerts.send_change(kind, f"it is {state}: {reason}")
        left = None if state in _TRADING else self._pause
        try:
            self._session.move(state, reason, obeyed=obeyed, left=left)
        except TradAIError as exc:
            _log.warning("the session record was not written", extra={"error": str(exc)})

    def stop_for(self, reason: str | None) -> None:
        """Have the session stopped in good order; the first reason is kept."""
        if reason is not None and self.stop_reason is None:
            self.stop_reason = reason

    @property
    def unwritten_since(self) -> datetime | None:
        """Instant since which the record could not be written; None when it has the last move."""
        return self._session.unwritten_since

    def note_stall(self, reason: str, *, has_stopped: bool) -> None:
        """Tell people that the engine stands still; one that has stopped trading is stopped.

        A pause would start it again, and without it positions are in the hands of no rule.
        """
        self._alerts.send_change("stalled", reason)
        if has_stopped:
            self.stop_for(reason)

    def note_recovery(self, reason: str) -> None:
        """Tell people that the engine goes on after `reason`."""
        self._alerts.send_change("stalled", f"it goes on again, after: {reason}")

    def drain(self) -> None:
        """Begin to stop, for the reason that there is.

        A request to stop stays in the record until the end: when this process is killed before, the
        next one obeys it.
        """
        if self.stop_reason is not None and not self._is_asked_to_stop:
            # Else a service would start it again and again.
            self._session.count_start()
        self.move(SessionState.DRAINING, self.stop_reason or "the session is asked to stop")

    def end(self, reason: str, state: SessionState) -> None:
        """Move the session to its last `state`; it is stopped only when it was drained before.

        One that was halted is halted whatever else was wrong, unless it lost its lease before it
        was drained. One that has ended before stays as it is.
        """
        if self._session.state.is_final:
            return
        is_drained = self._session.state is SessionState.DRAINING
        if is_drained and self._halt.cause is not None:
            state = SessionState.HALTED
        is_failed = state is SessionState.STOPPED and not is_drained
        request = self._session.request
        is_stop = request is not None and request.state is SessionState.STOPPED
        obeyed = request if is_stop else None
        self.move(SessionState.FAILED if is_failed else state, reason, obeyed=obeyed)

    def _doubt(self, reason: str) -> None:
        """Have the session stopped because of something that is not known."""
        self.doubt = self.doubt or reason
        self.stop_for(reason)

    def _doubt_watchdog(self, parts: Supervision) -> None:
        if parts.keeper.is_unwatched:
            self._doubt(parts.keeper.reason_to_stop or "the watchdog beside the engine has ended")

    def _lose(self, problem: str | None) -> None:
        reason = problem or "the lease is not sure any more"
        self._alerts.send("lease lost", reason)
        raise LeaseLostError(reason, lease="account")

    def _limit_risks(self, parts: Supervision) -> None:
        """Do what the approved limits of the risks demand."""
        try:
            action = parts.risks.beat(is_trading=self._session.state in _TRADING)
        except TradingError as exc:
            self._doubt(str(exc))
            return
        if action is RiskAction.HALT:
            self.halt(parts.risks.reason)
        elif action is RiskAction.DRAIN:
            self.stop_for(f"a risk has reached its limit: {parts.risks.reason}")
        elif self.stop_reason is None:
            move = self._pause_for_risk if action is RiskAction.PAUSE else self._release
            move(parts)

    def _pause_for_risk(self, parts: Supervision) -> None:
        if self._session.state in _ENTERING and parts.engine.pause_entries():
            self.move(SessionState.PAUSED, f"a risk has reached its limit: {parts.risks.reason}")

    def _release(self, parts: Supervision) -> None:
        """End a pause that only the risks had asked for."""
        is_held = self._pause is None and self._session.state is SessionState.PAUSED
        if is_held and parts.engine.resume_entries():
            self.move(SessionState.RUNNING, parts.risks.reason)

    def _obey(self, request: SessionRequest, parts: Supervision) -> None:
        """Do what an operator asks for; what the engine refuses now is tried at the next beat."""
        state, wanted = self._session.state, request.state
        reason = f"{request.by} asked for it: {request.reason}"
        if wanted is SessionState.STOPPED:
            self._pause, self._is_asked_to_stop = None, True
            self.stop_for(reason)
        elif wanted is SessionState.RUNNING and parts.risks.action is not RiskAction.NONE:
            self._defer(request, parts.risks.reason)
        elif wanted is state:
            self._keep_pause(request)
            self._note_obeyed(request, reason)
        elif state in _TRADING and _ask(parts.engine, wanted):
            self._keep_pause(request)
            self.move(wanted, reason, obeyed=request)

    def _keep_pause(self, request: SessionRequest) -> None:
        self._pause = request if request.state is SessionState.PAUSED else None

    def _defer(self, request: SessionRequest, reason: str) -> None:
        """Leave a request to go on in the record until the risks allow it."""
        if request != self._deferred:
            self._deferred = request
            self._alerts.send(
                "paused by risk", f"{request.by} asked to go on, which waits: {reason}"
            )

    def _let_trade(self, engine: PausableEngine) -> None:
        """Let a started engine open positions; one that does not answer is asked again."""
        if engine.resume_entries():
            self.move(SessionState.RUNNING, "the engine trades")

    def _note_obeyed(self, request: SessionRequest, reason: str) -> None:
        try:
            self._session.obey(request, reason)
        except TradAIError as exc:
            _log.warning("the session record was not written", extra={"error": str(exc)})


def _ask(engine: PausableEngine, wanted: SessionState) -> bool:
    if wanted is SessionState.PAUSED:
        return engine.pause_entries()
    return engine.resume_entries()
