"""Analysis for bias: the engine's look-ahead and recursive analyses as one recorded run."""

from typing import ClassVar, cast, final

from tradai.core import TimeRange, TradingMode, digest
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.handler_registry import HandlerRegistry
from tradai.entrypoint._runs.strategy_entrypoint import HandlerFactory, StrategyEntrypoint
from tradai.entrypoint.freqtrade._candles.series import enabled_freqai
from tradai.entrypoint.freqtrade._evidence.engine_verdict import judge
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._modes._bias.lookahead import (
    FEWEST_TRADES,
    MOST_TRADES,
    Lookahead,
    lookahead_plan,
)
from tradai.entrypoint.freqtrade._modes._bias.recursive import (
    MOST_PAIRS,
    Recursion,
    pairs_notices,
    recursive_notice,
    recursive_plan,
    tried_counts,
)
from tradai.entrypoint.freqtrade._modes.handler import BatchHandler
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.collected import LOOKAHEAD_NAME


@final
class BiasEntrypoint(StrategyEntrypoint):
    """Runs the analysis for bias in the place of the backtest that it is about.

    Attributes:
        most_trades: Number of trades to check.
    """

    most_trades = MOST_TRADES
    handlers: ClassVar[HandlerRegistry[HandlerFactory]] = HandlerRegistry()


@final
@BiasEntrypoint.register_handler(TradingMode.BACKTEST)
class BiasHandler(BatchHandler):
    """Runs the engine's analyses and records their result."""

    result = LOOKAHEAD_NAME

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        # It is registered there alone.
        most_trades = cast("BiasEntrypoint", self._entrypoint).most_trades
        job.plan = lookahead_plan(job.plan, most_trades)
        return super()._run_job(job, context)

    def _caveats(self, _context: RunContext) -> tuple[str, ...]:
        """Return none: it looks for itself."""
        return ()

    def _record(self, job: EngineJob, context: RunContext, verdict: Verdict) -> Verdict:
        if verdict.is_success:
            found = Lookahead.read(context.folder.path / LOOKAHEAD_NAME)
            stopped = _look_for_recursion(job, context)
            verdict = stopped or _verdict(found, context)
        # It is not the run that a backtest of the same inputs is.
        run = {"analysis": "bias", "run": context.record.digests["run"]}
        context.record_digest("run", digest(run))
        return verdict


def _look_for_recursion(job: EngineJob, context: RunContext) -> Verdict | None:
    """Record indicators that depend on the candles before them; return how a signal ended it."""
    startup, notices = job.evidence.startup_candles, context.record.notices
    if not startup or enabled_freqai(context.config):
        why = "it trains with FreqAI" if startup else "its startup_candle_count is 0"
        notices.append(f"the strategy was not analysed for recursive indicators, because {why}")
        return None
    context.progress.say("engine: recursive-analysis")
    timerange = job.plan.timerange
    counts = tried_counts(
        startup,
        timerange if isinstance(timerange, TimeRange) else None,
        candle_s=context.config.timeframe.seconds,
    )
    pairs = context.config.pairs[:MOST_PAIRS]
    engine_facts, job.plan = context.record.engine, recursive_plan(job.plan, counts, pairs)
    with MarketServer(job.markets) as server, job.running(server.base_url) as engine:
        ended = engine.wait(context.interrupts)
    context.record.engine = engine_facts
    verdict = judge(ended, job.evidence, result_present=True)
    if ended.interrupted_by is not None:
        return verdict
    if not verdict.is_success:
        notices.append(f"recursive indicators are not known: {verdict.sentence}")
        return None
    _record_recursion(Recursion.read(context.folder.path / "engine.log", counts), context)
    return None


def _record_recursion(found: Recursion, context: RunContext) -> None:
    own = next(iter(found.by_count.values()))
    results, notices = context.record.results, context.record.notices
    results["recursive_percent"] = {name: each.percent for name, each in own.items()}
    results["recursive_worst_pair"] = {name: each.pair for name, each in own.items()}
    results["recursive_pairs"] = list(found.pairs)
    results["startup_candles_tried"] = list(found.by_count)
    pairs = context.config.pairs
    results["startup_candles_enough"] = found.enough_candles(pairs[:MOST_PAIRS])
    unknown = pairs_notices(found.pairs, pairs, found.unread)
    notices += filter(None, [recursive_notice(found.by_count), *unknown])


def _verdict(found: Lookahead, context: RunContext) -> Verdict:
    """Record the result, and return the verdict."""
    name, verdict = _named_verdict(found)
    context.record.results = {"bias": name, **found.figures(), **context.record.results}
    return verdict


def _named_verdict(found: Lookahead) -> tuple[str, Verdict]:
    number = f"{found.trades} of {counted(found.made, 'trade')}"
    trades = f"{number} computed again without the candles after them"
    if found.is_found:
        return "found", Verdict(exit_code=ExitCode.MISMATCH, sentence=found.explanation())
    if found.trades < FEWEST_TRADES:
        sentence = (
            f"whether the strategy reads the future is not known: {trades}, and fewer than "
            f"{FEWEST_TRADES} prove nothing; choose a longer --timerange"
        )
        return "not known", Verdict(exit_code=ExitCode.DATA, sentence=sentence)
    return "clean", Verdict(exit_code=ExitCode.DONE, sentence=f"no bias found: {trades} are equal")
