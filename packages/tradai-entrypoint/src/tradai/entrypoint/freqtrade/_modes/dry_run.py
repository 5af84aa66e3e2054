"""DRY_RUN: paper trading until a signal; afterwards journal and database are compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from tradai.core import utc_now
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.engine_verdict import judge
from tradai.entrypoint.freqtrade._evidence.entry_orders import EntryOrders
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._evidence.log_patterns import facts_in
from tradai.entrypoint.freqtrade._exchange.exchange import MarketRules
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._modes.handler import EngineHandler
from tradai.entrypoint.freqtrade._modes.stall_watch import StallWatch
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.database import (
    DATABASE_NAME,
    entry_orders,
    trade_figures,
)

# The fallback places no order, so no rule of its market matters.
_ANY_RULES: Final = MarketRules(tick="0.01", step="0.00001", min_notional="5")

_ENDED_BY_ITSELF: Final = Verdict(
    exit_code=ExitCode.CRASHED,
    sentence="the bot ended without being asked to, as when a strategy calls sys.exit(): "
    "engine.log has more",
)


@final
class DryRunHandler(EngineHandler):
    """Runs the engine's paper trading until a signal."""

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        self._orders = EntryOrders()
        control = EngineControl.new()
        self._watch = StallWatch(job, context, control)
        with (
            _exchange_address(context) as address,
            job.running(address, sections=control.config(), on_record=self._note_facts) as engine,
        ):
            ended = self._trade(engine, job, control)
        self._notice_untrained(job.evidence)
        context.record.results["strategy_errors"] = job.evidence.strategy_errors.total
        verdict = judge(ended, job.evidence, result_present=True)
        if verdict.is_success and not ended.asked_to_stop and ended.interrupted_by is None:
            verdict = _ENDED_BY_ITSELF
        verdict = self._compare_orders(verdict, context)
        context.journal.append("engine ended", return_code=ended.return_code)
        return self._watch.judged(verdict)

    def _note_facts(self, record: EngineRecord) -> None:
        facts = facts_in(record)
        self._watch.take(facts)
        for event, details in self._orders.take(facts):
            self._entrypoint.context.journal.append(event, **details)

    def _trade(self, engine: EngineProcess, job: EngineJob, control: EngineControl) -> EngineExit:
        """Follow the engine until it ends, is to be stopped, or has not started in time."""
        context = self._entrypoint.context
        parameters, interrupts = context.parameters, context.interrupts
        context.progress.say("engine: starting")
        reason = engine.follow(
            interrupts, until=lambda: job.evidence.is_running, timeout_s=parameters.start_deadline_s
        )
        if reason is WakeReason.TIMEOUT:
            return engine.wait(interrupts, deadline_s=0.0)
        if reason is WakeReason.REACHED:
            with engine.storing():
                context.journal.append("engine running")
            if job.evidence.dropped:
                # It would trade without these pairs, and the configuration asks for all of them.
                return engine.stop(interrupts, grace_s=parameters.stop_timeout_s)
            context.progress.say("engine: trading on paper, Ctrl-C stops it")
            reason = self._watch.follow(engine)
        if reason is WakeReason.EXITED:
            return engine.wait(interrupts)
        _stop_trading(engine, job, context, control)
        return engine.stop(interrupts, grace_s=parameters.stop_timeout_s)

    def _notice_untrained(self, evidence: EngineEvidence) -> None:
        if evidence.untrained:
            pairs = ", ".join(sorted(evidence.untrained_pairs))
            notice = f"models could not be trained ({pairs}), the last: {evidence.untrained[-1]}"
            self._entrypoint.context.record.notices.append(notice)

    def _compare_orders(self, verdict: Verdict, context: RunContext) -> Verdict:
        database = context.folder.path / DATABASE_NAME
        kept, stored = self._orders.kept, entry_orders(database)
        context.record.results |= trade_figures(database, context.config.stake_currency) | {
            "orders_in_journal": len(kept) + len(self._orders.removed),
            "orders_in_database": len(stored),
            "orders_removed": len(self._orders.removed),
        }
        different = sorted(kept ^ stored)
        # An order that the copy lacks may be in the original.
        context.folder.needs_scratch = bool(kept - stored)
        if not different or not verdict.is_success:
            return verdict
        return Verdict(
            exit_code=ExitCode.MISMATCH,
            sentence=f"after the stop, journal and database disagree on {len(different)} orders, "
            f"the first {different[0]}: compare journal.jsonl and {DATABASE_NAME} in "
            f"{context.folder.path}",
        )


@contextmanager
def _exchange_address(context: RunContext) -> Iterator[str | None]:
    """Return the address of the exchange, None for its own; the fallback has one on this machine.

    Without a configuration it is not known which exchange was meant.
    """
    address = context.parameters.exchange_url
    if address is not None or not context.record.is_fallback:
        yield address
        return
    rules = {str(pair): _ANY_RULES for pair in context.config.pairs}
    snapshot = MarketsSnapshot.made(rules, note="of the fallback", captured_at=utc_now())
    with MarketServer(snapshot) as server:
        yield server.base_url


def _stop_trading(
    engine: EngineProcess, job: EngineJob, context: RunContext, control: EngineControl
) -> None:
    """Let the engine finish its work; a second signal or the time limit ends the wait."""
    is_pausing = job.evidence.is_running and control.stop_trading()
    with engine.storing():
        context.journal.append(
            "engine stopping", signal=context.interrupts.received, is_pausing=is_pausing
        )
    if is_pausing:
        engine.follow(
            context.interrupts,
            until=lambda: job.evidence.is_stopped,
            timeout_s=context.parameters.stop_timeout_s,
        )
