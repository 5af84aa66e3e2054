"""LIVE: real orders, for as long as an approval, a lease and every check allow them."""

from collections.abc import Callable, Iterator, Mapping
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
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.supervision import Supervision
from tradai.entrypoint._live.watchdog import Watchdog
from tradai.entrypoint._preflight.facts import known
from tradai.entrypoint._process.checks import Checklist, CheckRow
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.exits import EngineExit
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.log_silence import LogSilence
from tradai.entrypoint.freqtrade._modes._live.desk import Desk, bot_of, started_session
from tradai.entrypoint.freqtrade._modes._live.doubts import with_doubts, with_record
from tradai.entrypoint.freqtrade._modes._live.engine_stop import LiveEngineStop
from tradai.entrypoint.freqtrade._modes._live.risks import LiveBot, risks_of
from tradai.entrypoint.freqtrade._modes._live.start import (
    check_rows,
    confirm_admission,
    end_of,
    entry_account,
    gate_of,
    record_admission,
    require_checks,
    served_probes,
)
from tradai.entrypoint.freqtrade._modes._live.stop import (
    EndedEngine,
    has_exchange_stops,
    keep_copy,
    not_clean,
    stop_budget,
    with_halt,
)
from tradai.entrypoint.freqtrade._modes.bot_handler import Bot, BotHandler
from tradai.entrypoint.freqtrade._preparation.job_checks import job_checks
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._preparation.session_account import traded_account
from tradai.entrypoint.freqtrade._preparation.session_start import SessionStart
from tradai.entrypoint.freqtrade._results.database import database_at

_WATCHDOG_LOG: Final = "watchdog.jsonl"


@final
class LiveHandler(BotHandler):
    """Trades an approved plan on the approved account until a signal."""

    def _judged(self, job: EngineJob, context: RunContext) -> Verdict:
        """Trade under the lease; the session ends there, by the verdict of the run."""
        self._report: DrainReport | None = None
        self._has_supervised, self._evidence = False, job.evidence
        self._silence, self._clock = LogSilence(), SystemClock()
        with ExitStack() as held:
            with context.interrupts.raising():
                self._desk = desk = self._admitted(job, context, held)
            verdict = super()._judged(job, context)
            desk.session.end(
                verdict.sentence,
                SessionState.STOPPED if verdict.is_success else SessionState.FAILED,
            )
        return with_record(verdict, desk.session, context)

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        verdict = self._traded(job, context, bot_of(job, context, self._desk))
        verdict = with_doubts(verdict, self._desk.session, context)
        keep_copy(self._desk.database, context)
        return verdict

    def _admitted(self, job: EngineJob, context: RunContext, held: ExitStack) -> Desk:
        """Pass the gate and take what the session needs; `held` gives it back."""
        settings = LiveSettings.load(environ=context.environ)
        budget = stop_budget(job, context, grace_s=self._entrypoint.settings.stop_grace_s)
        gate = gate_of(job, context, settings)
        self._probes = held.enter_context(served_probes(settings, context))
        admission = gate.admit()
        record_admission(admission, context)
        signed_in = admission.signed_in
        place = database_of(settings, signed_in.account, context.config.name)
        database = database_at(place)
        leases = held.enter_context(
            gate.held(
                signed_in.account,
                database.url,
                holder=f"run {context.run_id}",
                ttl_s=least_ttl_s(budget.total_s),
                say=context.progress.say,
            )
        )
        admission = confirm_admission(gate, admission, context)
        name = settings.session_name(context.config.name)
        alerts = alerts_of(settings, facts={"session": name, "run_id": context.run_id})
        held.callback(alerts.close)
        # First, so that a start that is refused counts in the restart budget.
        ends_at = end_of(admission.approval, settings)
        record, session = held.enter_context(started_session(alerts, settings, context, ends_at))
        self._probes.begin(record)
        start = self._start(job, settings, signed_in, admission.approval, keep=leases.keep)
        # What a predecessor did while its lease was waited for is in this reading alone.
        state = known(require_checks(start).account)
        admission = replace(admission, signed_in=replace(signed_in, state=state))
        leases.renew()
        database.prepare()
        return Desk(
            admission=admission,
            leases=leases,
            budget=budget,
            account=traded_account(job, context, admission.signed_in, database, venue=start.venue),
            database=database,
            record=record,
            session=session,
            risks=risks_of(admission, settings, context, database),
        )

    def _take(self, facts: Mapping[str, str]) -> None:
        """Halt as well when the engine trains a model: it would trade what was not approved."""
        super()._take(facts)
        self._silence.take(facts)
        if (pair := facts.get("trained")) is not None:
            self._desk.session.halt(f"the engine trains a model of {pair}, which was not approved")
            self._entrypoint.context.journal.append("training seen", pair=pair)

    @contextmanager
    def _supervising(self, engine: EngineProcess, control: EngineControl) -> Iterator[None]:
        """Keep the lease and a watchdog beside the engine, from before it has its keys."""
        desk, context = self._desk, self._entrypoint.context
        log = context.folder.path / _WATCHDOG_LOG
        with Watchdog.start(
            engine.pid, account=entry_account(desk.admission.signed_in, context), log=log
        ) as watchdog:
            keeper = LeaseKeeper(desk.leases, watchdog, drain_s=desk.budget.total_s)
            heartbeat = Heartbeat(desk.record, self._silence.watching(control.last_loop_s))
            self._probes.watch(heartbeat, lambda: self._watch.problem)
            errors = self._evidence.strategy_errors
            risks = desk.risks(LiveBot(control, self._orders, errors, desk.database))
            parts = Supervision(
                keeper=keeper, heartbeat=heartbeat, risks=risks, engine=control, log=self._silence
            )
            desk.session.supervise(parts)
            self._has_supervised = True
            yield
            desk.session.supervise(None)
            context.record.live["risks"] = risks.to_json()
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
        ended, began_s = engine.wait(self._entrypoint.context.interrupts), self._begin_stop()
        self._desk.session.move(SessionState.DRAINING, "the engine has ended by itself")
        ended_engine = EndedEngine(self._desk.database, has_stopped=job.evidence.is_stopped)
        self._drain(ended_engine, job, began_s)
        return ended

    def _begin_stop(self) -> float:
        """Renew the lease for the stop, and return when its time began.

        The launcher counts from the signal, not from when it was noticed; and a stop ends while the
        lease is sure.
        """
        arrived_s, now_s = self._entrypoint.context.interrupts.received_s, self._clock()
        total_s = self._desk.budget.total_s
        latest_s = self._clock() + self._desk.session.secure(total_s) - total_s
        return min(latest_s, now_s if arrived_s is None else arrived_s)

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
            has_exchange_stops=has_exchange_stops(job),
        ).run()
        context.record.live["drain"] = report.to_json()
        # A disk that refuses this line must not keep the watchdog from standing down.
        with suppress(StorageError):
            context.journal.append("drained", problems=len(report.problems), seconds=report.seconds)

    def checks(self, checklist: Checklist) -> Iterator[CheckRow]:
        """Check everything the session needs; see `CheckableHandler`."""
        context, made = self._entrypoint.context, list[EngineJob]()
        yield from job_checks(context, checklist, engine=self._engine, made=made)
        if checklist.has_failed:
            return
        (job,) = made
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
        *,
        keep: Callable[[], None] = lambda: None,
    ) -> SessionStart:
        return SessionStart(
            job=job,
            context=self._entrypoint.context,
            runs=self._entrypoint.settings,
            settings=settings,
            signed_in=signed_in,
            approval=approval,
            keep=keep,
        )

    def _traded(self, job: EngineJob, context: RunContext, bot: Bot) -> Verdict:
        """Run `bot` to its end; an engine that may not trade any more is killed."""
        try:
            verdict = self._run_bot(job, context, bot)
        except LeaseLostError as exc:
            return self._killed(exc, context)
        except TradAIError as exc:
            if self._report is None and self._has_supervised:
                return self._killed(exc, context)
            if self._report is None or self._report.verdict.is_success:
                raise
            context.record.notices.append(str(exc))
            return with_halt(self._desk.session, self._report.verdict, context)
        reason = bot.session.stop_reason if bot.session else None
        verdict = with_halt(self._desk.session, verdict, context)
        if self._report is not None and not self._report.verdict.is_success:
            return not_clean(verdict, self._report.verdict, context)
        if self._report is None or not verdict.is_success:
            return verdict
        stopped = f"the session stopped in good order{f': {reason}' if reason else ''}"
        return replace(verdict, sentence=f"{stopped}; {self._report.remainder}")

    def _killed(self, cause: TradAIError, context: RunContext) -> Verdict:
        """Return the verdict on an engine that was killed and whose books were not compared."""
        sentence = f"the engine was killed: {cause}; look at the orders of the account first"
        return with_halt(
            self._desk.session, Verdict(exit_code=ExitCode.MISMATCH, sentence=sentence), context
        )

    def _compare_orders(self, verdict: Verdict, context: RunContext) -> Verdict:
        """Compare journal and database; one that cannot be read or is silent is a mismatch."""
        try:
            verdict = super()._compare_orders(verdict, context)
        except TradAIError as exc:
            found = Verdict(exit_code=ExitCode.MISMATCH, sentence=f"after the stop, {exc}")
            return not_clean(verdict, found, context)
        silent = self._silence.judge()
        return verdict if silent is None else not_clean(verdict, silent, context)
