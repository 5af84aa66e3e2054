"""Analysis for bias: the engine's look-ahead analysis as one recorded run."""

from typing import ClassVar, final

from tradai.core import TradingMode, digest
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.handler_registry import HandlerRegistry
from tradai.entrypoint._runs.strategy_entrypoint import HandlerFactory, StrategyEntrypoint
from tradai.entrypoint.freqtrade._modes._bias.lookahead import (
    FEWEST_TRADES,
    Lookahead,
    lookahead_plan,
)
from tradai.entrypoint.freqtrade._modes.handler import BatchHandler
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.collected import LOOKAHEAD_NAME


@final
class BiasEntrypoint(StrategyEntrypoint):
    """Runs the analysis for bias in the place of the backtest that it is about."""

    handlers: ClassVar[HandlerRegistry[HandlerFactory]] = HandlerRegistry()


@final
@BiasEntrypoint.register_handler(TradingMode.BACKTEST)
class BiasHandler(BatchHandler):
    """Runs the engine's look-ahead analysis and records what it found."""

    result = LOOKAHEAD_NAME

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        job.plan = lookahead_plan(job.plan)
        return super()._run_job(job, context)

    def _record(self, job: EngineJob, context: RunContext, verdict: Verdict) -> Verdict:
        # It is not the run that a backtest of the same inputs is.
        run = {"analysis": job.plan.subcommand, "run": context.record.digests["run"]}
        context.record_digest("run", digest(run))
        if not verdict.is_success:
            return verdict
        found = Lookahead.read(context.folder.path / LOOKAHEAD_NAME)
        name, verdict = _verdict(found)
        context.record.results |= {"bias": name, **found.figures()}
        return verdict


def _verdict(found: Lookahead) -> tuple[str, Verdict]:
    """Return the name of the result, and the verdict."""
    trades = f"{found.trades} trades computed again without the candles after them"
    if found.is_found:
        return "found", Verdict(exit_code=ExitCode.MISMATCH, sentence=_found_sentence(found))
    if found.trades < FEWEST_TRADES:
        sentence = (
            f"whether the strategy reads the future is not known: {trades}, and fewer than "
            f"{FEWEST_TRADES} prove nothing; choose a longer --timerange"
        )
        return "not known", Verdict(exit_code=ExitCode.DATA, sentence=sentence)
    return "clean", Verdict(exit_code=ExitCode.DONE, sentence=f"no bias found: {trades} are equal")


def _found_sentence(found: Lookahead) -> str:
    columns = ", ".join(found.indicators) or "no single column"
    return (
        f"the strategy reads candles of the future, so its backtest cannot be believed: of "
        f"{found.trades} trades, {found.entries} entries and {found.exits} exits are not made "
        f"without the candles after them; columns that change: {columns}"
    )
