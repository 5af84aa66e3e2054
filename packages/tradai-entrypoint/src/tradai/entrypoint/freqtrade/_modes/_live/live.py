"""LIVE: real orders, for as long as an approval, a lease and every check allow them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Final, final

from tradai.core import SystemClock
from tradai.core.exceptions import LeaseLostError, StorageError, TradAIError
from tradai.core.live import Approval, SessionState
from tradai.entrypoint._live._drain.drain import Drain, StoppableEngine
from tradai.entrypoint._live._drain.report import DrainReport
from tradai.entrypoint._live.gate import Found, SignedIn
from tradai.entrypoint._live.heartbeat import Heartbeat
from tradai.entrypoint._live.lease_keeper import LeaseKeeper, least_ttl_s
from tradai.entrypoint._live.live_places import alerts_of, database_of
from tradai.entrypoint._live.live_session import Supervision
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.watchdog import Watchdog
from tradai.entrypoint._process.checks import Checklist, CheckRow
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.exits import EngineExit
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._modes._live.desk import Desk, bot_of, started_session
from tradai.entrypoint.freqtrade._modes._live.engine_stop import LiveEngineStop
from tradai.entrypoint.freqtrade._modes._live.start import (
    check_rows,
    end_of,
    entry_account,
    gate_of,
    record_admission,
    require_checks,
)
from tradai.entrypoint.freqtrade._modes._live.stop import (
    EndedEngine,
    has_exchange_stops,
    keep_copy,
    stop_budget,
)
from tradai.entrypoint.freqtrade._modes.bot_handler import Bot, BotHandler
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._preparation.session_account import traded_account
from tradai.entrypoint.freqtrade._preparation.session_start import SessionStart

_WATCHDOG_LOG: Final = "watchdog.jsonl"


@final
class LiveHandler(BotHandler):
    """Trades an approved plan on the approved account until a signal."""

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        self._report: DrainReport | None = None
        self._clock = SystemClock()
        with ExitStack() as held:
            with context.interrupts.raising():
                self._desk = desk = self._admitted(job, context, held)
            bot = bot_of(job, context, desk)
            verdict = self._traded(job, context, bot)
            if desk.database.exists():
                keep_copy(desk.database, context)
            desk.session.end(
                verdict.sentence,
                SessionState.STOPPED if verdict.is_success else SessionState.FAILED,
            )
        return verdict

    def _admitted(self, job: EngineJob, context: RunContext, held: ExitStack) -> Desk:
        """Pass the gate and take what the session needs; `held` gives it back."""
        settings = LiveSettings.load(environ=context.environ)
        budget = stop_budget(job, context, grace_s=self._entrypoint.settings.stop_grace_s)
        gate = gate_of(job, context, settings)
        admission = gate.admit()
        record_admission(admission, context)
        signed_in = admission.signed_in
        database = database_of(settings, signed_in.account, context.config.name)
        database.parent.mkdir(parents=True, exist_ok=True)
        leases = held.enter_context(
            gate.held(
                signed_in.account,
                f"sqlite:///{database}",
                holder=f"run {context.run_id}",
                ttl_s=least_ttl_s(budget.total_s),
            )
        )
        alerts = alerts_of(settings)
        held.callback(alerts.close)
        # First, so that a start that is refused counts in the restart budget.
        ends_at = end_of(admission.approval, settings)
        record, session = held.enter_context(started_session(alerts, settings, context, ends_at))
        require_checks(self._start(job, settings, signed_in, admission.approval))
        leases.renew()
        account = traded_account(job, context, signed_in, database)
        return Desk(
            admission=admission,
            leases=leases,
            budget=budget,
            account=account,
            database=database,
            record=record,
            session=session,
        )

    @contextmanager
    def _supervising(self, engine: EngineProcess, control: EngineControl) -> Iterator[None]:
        """Keep the lease and a watchdog beside the engine, from before it has its keys."""
        desk, context = self._desk, self._entrypoint.context
        log = context.folder.path / _WATCHDOG_LOG
        with Watchdog.start(
            engine.pid, account=entry_account(desk.admission.signed_in, context), log=log
        ) as watchdog:
            keeper = LeaseKeeper(desk.leases, watchdog, drain_s=desk.budget.total_s)
            heartbeat = Heartbeat(desk.record, control.last_loop_s)
            desk.session.supervise(Supervision(keeper=keeper, heartbeat=heartbeat, engine=control))
            yield
            desk.session.supervise(None)
            if not watchdog.stand_down():
                context.record.notices.append(f"the watchdog has acted: see {_WATCHDOG_LOG}")

    def _not_started(
        self, engine: EngineProcess, job: EngineJob, control: EngineControl
    ) -> EngineExit:
        """Stop an engine that has not started in time: it may have placed an order."""
        self._desk.session.stop_for("the engine had not started in time")
        return replace(self._stop(engine, job, control), timed_out=True)

    def _without_pairs(
        self, engine: EngineProcess, job: EngineJob, control: EngineControl
    ) -> EngineExit:
        """Stop an engine that has left out a pair: it trades the others."""
        self._desk.session.stop_for(f"the engine left out {', '.join(job.evidence.dropped)}")
        return self._stop(engine, job, control)

    def _stop(self, engine: EngineProcess, job: EngineJob, control: EngineControl) -> EngineExit:
        """Stop trading without losing an order; a second signal shortens the stop."""
        context, interrupts = self._entrypoint.context, self._entrypoint.context.interrupts
        began_s = self._begin_stop()
        self._desk.session.drain()
        with engine.storing():
            context.journal.append("engine stopping", signal=interrupts.received)
        stop = LiveEngineStop(
            engine, control, job.evidence, interrupts=interrupts, database=self._desk.database
        )
        self._drain(stop, job, began_s)
        return stop.exit or engine.stop(interrupts)

    def _ended(self, engine: EngineProcess, job: EngineJob) -> EngineExit:
        """Treat the orders of an engine that has ended by itself, and return its end."""
        ended = engine.wait(self._entrypoint.context.interrupts)
        began_s = self._begin_stop()
        self._desk.session.move(SessionState.DRAINING, "the engine has ended by itself")
        ended_engine = EndedEngine(self._desk.database, has_stopped=job.evidence.is_stopped)
        self._drain(ended_engine, job, began_s)
        return ended

    def _begin_stop(self) -> float:
        """Renew the lease for the whole stop, and return when its time began.

        The launcher counts from the signal, not from when it was noticed.
        """
        arrived_s, now_s = self._entrypoint.context.interrupts.received_s, self._clock()
        self._desk.session.secure(self._desk.budget.total_s)
        return now_s if arrived_s is None else arrived_s

    def _drain(self, engine: StoppableEngine, job: EngineJob, began_s: float) -> None:
        desk, context = self._desk, self._entrypoint.context
        # A signal that asks for what is under way does not hurry it.
        signals = max(1, context.interrupts.count)
        self._report = report = Drain(
            engine,
            desk.account,
            policy=desk.admission.approval.order_policy,
            budget=desk.budget,
            clock=self._clock,
            began_s=began_s,
            is_hurried=lambda: context.interrupts.count > signals,
            has_exchange_stops=has_exchange_stops(job, context),
        ).run()
        context.record.live["drain"] = report.to_json()
        # A disk that refuses this line must not keep the watchdog from standing down.
        with suppress(StorageError):
            context.journal.append("drained", problems=len(report.problems), seconds=report.seconds)

    def checks(self, checklist: Checklist) -> Iterator[CheckRow]:
        """Check everything the session needs; see `CheckableHandler`."""
        yield from super().checks(checklist)
        if checklist.has_failed:
            return
        context = self._entrypoint.context
        job = EngineJob(context, engine=self._engine)
        settings = LiveSettings.load(environ=context.environ)
        found = Found()
        yield from gate_of(job, context, settings).rows(found)
        signed_in = found.signed_in
        yield from check_rows(signed_in and self._start(job, settings, signed_in, found.approval))

    def _start(
        self,
        job: EngineJob,
        settings: LiveSettings,
        signed_in: SignedIn,
        approval: Approval | None,
    ) -> SessionStart:
        return SessionStart(
            job=job,
            context=self._entrypoint.context,
            runs=self._entrypoint.settings,
            settings=settings,
            signed_in=signed_in,
            approval=approval,
        )

    def _traded(self, job: EngineJob, context: RunContext, bot: Bot) -> Verdict:
        """Run `bot` to its end; an engine that may not trade any more is killed."""
        try:
            verdict = self._run_bot(job, context, bot)
        except LeaseLostError as exc:
            sentence = f"the engine was killed: {exc}; look at the orders of the account first"
            return Verdict(exit_code=ExitCode.MISMATCH, sentence=sentence)
        except TradAIError as exc:
            if self._report is None or self._report.verdict.is_success:
                raise
            context.record.notices.append(str(exc))
            return self._report.verdict
        reason = bot.session.stop_reason if bot.session else None
        if self._report is not None and not self._report.verdict.is_success:
            return _not_clean(verdict, self._report.verdict, context)
        if self._report is None or not verdict.is_success:
            return verdict
        stopped = f"the session stopped in good order{f': {reason}' if reason else ''}"
        return replace(verdict, sentence=f"{stopped}; {self._report.remainder}")


def _not_clean(verdict: Verdict, found: Verdict, context: RunContext) -> Verdict:
    """Return `found`, which a person must look at whatever else was wrong."""
    if not verdict.is_success:
        context.record.notices.append(verdict.sentence)
    return found
