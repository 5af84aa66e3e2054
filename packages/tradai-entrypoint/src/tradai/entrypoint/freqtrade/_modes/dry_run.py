"""DRY_RUN: paper trading until a signal; afterwards journal and database are compared."""

import re
from typing import Final, final

from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.engine_verdict import judge
from tradai.entrypoint.freqtrade._modes.handler import EngineHandler
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.database import DATABASE_NAME, entry_orders

# The engine's log record of an entry order (freqtrade 2026.9).
_ORDER: Final = re.compile(
    r"Order (?P<order_id>\S+) was created for (?P<pair>\S+) and status is (?P<status>\w+)"
)


@final
class DryRunHandler(EngineHandler):
    """Runs the engine's paper trading until a signal."""

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        self._ordered: set[str] = set()
        control = EngineControl.new()
        with job.running(
            context.parameters.exchange_url, sections=control.config(), on_record=self._note_order
        ) as engine:
            ended = _trade(engine, job, context, control)
        context.record.results["strategy_errors"] = job.evidence.strategy_errors.total
        verdict = judge(ended, job.evidence, result_present=True)
        verdict = self._compare_orders(verdict, context)
        context.journal.append("engine ended", return_code=ended.return_code)
        return verdict

    def _note_order(self, record: EngineRecord) -> None:
        order = _ORDER.match(record.text)
        if order is not None:
            self._ordered.add(order["order_id"])
            self._entrypoint.context.journal.append("order created", **order.groupdict())

    def _compare_orders(self, verdict: Verdict, context: RunContext) -> Verdict:
        stored = entry_orders(context.folder.path / DATABASE_NAME)
        context.record.results |= {
            "orders_in_journal": len(self._ordered),
            "orders_in_database": len(stored),
        }
        different = sorted(self._ordered ^ stored)
        # An order that the copy lacks may be in the original.
        context.folder.needs_scratch = bool(self._ordered - stored)
        if not different or not verdict.is_success:
            return verdict
        return Verdict(
            exit_code=ExitCode.MISMATCH,
            sentence=f"after the stop, journal and database disagree on {len(different)} orders, "
            f"the first {different[0]}: compare journal.jsonl and {DATABASE_NAME} in "
            f"{context.folder.path}",
        )


def _trade(
    engine: EngineProcess, job: EngineJob, context: RunContext, control: EngineControl
) -> EngineExit:
    """Follow the engine until it ends, is to be stopped, or has not started in time."""
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
        context.progress.say("engine: trading on paper, Ctrl-C stops it")
        reason = engine.follow(interrupts, until=lambda: bool(job.evidence.dropped))
        if reason is WakeReason.REACHED:
            # It would trade without these pairs, and the configuration asks for all of them.
            return engine.stop(interrupts, grace_s=parameters.stop_timeout_s)
    if reason in {WakeReason.INTERRUPTED, WakeReason.STORAGE}:
        _pause(engine, job, context, control)
        return engine.stop(interrupts, grace_s=parameters.stop_timeout_s)
    return engine.wait(interrupts)


def _pause(
    engine: EngineProcess, job: EngineJob, context: RunContext, control: EngineControl
) -> None:
    """Let the engine finish its work; a second signal or the time limit ends the wait."""
    is_pausing = job.evidence.is_running and control.pause()
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
