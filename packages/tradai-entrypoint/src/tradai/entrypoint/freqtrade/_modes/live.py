"""LIVE: real orders, for as long as an approval, a lease and every check allow them."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, final

from tradai.core import Lease
from tradai.core.exceptions import LeaseLostError, TradAIError
from tradai.core.live import Approval
from tradai.entrypoint._live.gate import Found, Gate, SignedIn
from tradai.entrypoint._live.live_places import database_of, session_store_of
from tradai.entrypoint._live.live_session import LiveSession
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.order_owner import is_ours
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._process.checks import Checklist, CheckRow
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._modes.bot_handler import Bot, BotHandler
from tradai.entrypoint.freqtrade._modes.live_start import (
    check_rows,
    gate_of,
    record_admission,
    require_checks,
)
from tradai.entrypoint.freqtrade._preparation.engine_access import EngineAccess
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._preparation.session_start import SessionStart
from tradai.entrypoint.freqtrade._results.database import (
    DATABASE_NAME,
    all_orders,
    copy_database,
    entry_orders,
)

# Beside the time that a stop may take, so that a stop does not outlive the lease.
_LEASE_MARGIN_S: Final = 35.0


@final
class LiveHandler(BotHandler):
    """Trades an approved plan on the approved account until a signal."""

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        with ExitStack() as held:
            with context.interrupts.raising():
                settings = LiveSettings.load(environ=context.environ)
                gate = gate_of(job, context, settings)
                admission = gate.admit()
                record_admission(admission, context)
                signed_in = admission.signed_in
                lease = held.enter_context(_lease(gate, signed_in, context))
                # First, so that a start that is refused counts in the restart budget.
                session = held.enter_context(_session(lease, settings, context))
                require_checks(self._start(job, settings, signed_in, admission.approval))
                # The checks may have taken a while.
                lease.renew()
            bot = _bot(job, context, settings, signed_in, session)
            verdict = self._compared(self._traded(job, context, bot), signed_in)
            session.end(verdict.sentence, is_success=verdict.is_success)
        return verdict

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
        start = signed_in and self._start(job, settings, signed_in, found.approval)
        yield from check_rows(start)

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
        reason = bot.session.stop_reason if bot.session else None
        if reason is None or not verdict.is_success:
            return verdict
        return replace(verdict, sentence=f"the session stopped in good order: {reason}")

    def _compared(self, verdict: Verdict, signed_in: SignedIn) -> Verdict:
        """Keep a copy of the database, and compare it with the session's orders at the exchange."""
        context, database = self._entrypoint.context, self._bot.database
        if database.exists():
            _keep_copy(database, context)
        try:
            orders, booked = signed_in.client.reads.fetch_open_orders(), all_orders(database)
        except TradAIError as exc:
            return _not_compared(verdict, str(exc), context)
        prefix = signed_in.order_prefix
        ours = {row.order_id for row in orders if is_ours(row.client_order_id, prefix)}
        context.record.results["open_orders_at_exchange"] = len(ours)
        unknown = sorted(ours - booked)
        if not unknown:
            return verdict
        problem = (
            f"the exchange has {len(unknown)} open orders of this session that {database} does not "
            f"have, the first {unknown[0]}: look at the account"
        )
        return _not_compared(verdict, problem, context)


def _lease(gate: Gate, signed_in: SignedIn, context: RunContext) -> AbstractContextManager[Lease]:
    ttl_s = context.parameters.stop_timeout_s + _LEASE_MARGIN_S
    return gate.held(signed_in.account, holder=f"run {context.run_id}", ttl_s=ttl_s)


def _keep_copy(database: Path, context: RunContext) -> None:
    try:
        copy_database(database, context.folder.path / DATABASE_NAME)
        context.record.artifacts.append(DATABASE_NAME)
    except (sqlite3.Error, OSError) as exc:
        context.record.notices.append(f"the run has no copy of {database}: {exc}")


def _not_compared(verdict: Verdict, problem: str, context: RunContext) -> Verdict:
    """Return the verdict on a session whose books do not agree, or could not be compared."""
    if verdict.is_success:
        return Verdict(exit_code=ExitCode.MISMATCH, sentence=f"after the stop, {problem}")
    context.record.notices.append(problem)
    return verdict


def _bot(
    job: EngineJob,
    context: RunContext,
    settings: LiveSettings,
    signed_in: SignedIn,
    session: LiveSession,
) -> Bot:
    database = database_of(settings, signed_in.account, context.config.name)
    database.parent.mkdir(parents=True, exist_ok=True)
    access = EngineAccess(
        keys=signed_in.keys, order_prefix=signed_in.order_prefix, database=database
    )
    address = context.parameters.exchange_url
    return Bot(
        doing=f"trading live{' on loopback, no money' if address else ''}",
        address=address,
        database=database,
        sections=access.sections(job.plan.exchange, address),
        session=session,
        earlier_orders=frozenset(entry_orders(database)),
    )


@contextmanager
def _session(lease: Lease, settings: LiveSettings, context: RunContext) -> Iterator[LiveSession]:
    """Start a session record, which says that it failed when the block raises."""
    name = settings.session_name(context.config.name)
    store = session_store_of(settings)
    started = Session.start(store, session=name, run_id=context.run_id, journal=context.journal)
    session = LiveSession(lease, started)
    try:
        yield session
    except BaseException as exc:
        session.end(str(exc), is_success=False)
        raise
