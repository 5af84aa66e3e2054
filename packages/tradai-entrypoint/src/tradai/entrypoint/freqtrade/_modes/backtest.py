"""BACKTEST: one hermetic backtest on recorded candles and market rules."""

from collections.abc import Callable, Iterator, Sized
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Final, final

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._runs.checks import Checklist, CheckRow
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._evidence.judge import judge
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob, job_checks
from tradai.entrypoint.freqtrade._results.collected import BACKTEST_NAME
from tradai.entrypoint.freqtrade._results.report_parts import report_parts
from tradai.entrypoint.freqtrade._results.results import BacktestResult, read_backtest
from tradai.entrypoint.freqtrade._results.trades_parquet import write_trades

if TYPE_CHECKING:
    from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint

__all__ = ["BacktestHandler", "record_backtest", "run_batch"]

_TRADES_NAME: Final = "trades.parquet"
# Missing candles are reported pair by pair; this long after the last one, all of them were.
_MORE_MISSING_S: Final = 2.0


@final
class BacktestHandler:
    """Runs the engine's backtest and records its result."""

    def __init__(
        self, entrypoint: "StrategyEntrypoint", *, engine: EngineInstall | None = None
    ) -> None:
        """Take the entrypoint, and an engine other than the installed one."""
        self._entrypoint = entrypoint
        self._engine = engine

    def run(self) -> int:
        """Backtest; the exit code is that of the verdict."""
        context = self._entrypoint.context
        job = EngineJob(context, engine=self._engine)
        verdict = run_batch(job, context, result=BACKTEST_NAME)
        result = record_backtest(job, context, verdict)
        return context.conclude(_finished(result) if result and verdict.is_success else verdict)

    def checks(self, checklist: Checklist) -> Iterator[CheckRow]:
        """Check what the job needs; see `CheckableHandler`."""
        yield from job_checks(self._entrypoint.context, checklist, engine=self._engine)


def run_batch(job: EngineJob, context: RunContext, *, result: str) -> Verdict:
    """Run the engine on recorded candles and rules until it ends by itself.

    It is stopped when it reports that candles are missing: the rest of its work would be wrong.
    What it wrote is kept, and marked as partial, whatever the verdict says.

    Args:
        job: The job; its scratch folder is still empty.
        context: The run.
        result: Name of the result in the run folder that proves success.
    """
    markets = job.load_markets()
    job.stage_candles()
    context.interrupts.check()
    context.progress.say(f"engine: {job.plan.subcommand}")
    with MarketServer(markets) as server, job.running(server.base_url) as engine:
        ended = _follow(engine, job, context.interrupts)
    context.journal.append(
        "engine ended", return_code=ended.return_code, seconds=round(ended.seconds, 3)
    )
    has_result = (context.folder.path / result).exists()
    verdict = judge(ended, job.evidence, result_present=has_result)
    if context.record.artifacts and not verdict.is_success:
        context.record.is_partial = True
        kept = ", ".join(context.record.artifacts)
        context.record.notices.append(f"partial, the engine did not do all its work: {kept}")
    return verdict


def record_backtest(job: EngineJob, context: RunContext, verdict: Verdict) -> BacktestResult | None:
    """Record the trades as Parquet, and the figures computed from them.

    Returns:
        The result; None when `verdict` is no success and there is no usable result.

    Raises:
        StorageError: The result of an engine that succeeded cannot be read, or the disk is full.
    """
    with nullcontext() if verdict.is_success else suppress(StorageError):
        return _record_result(job, context)
    return None


def _record_result(job: EngineJob, context: RunContext) -> BacktestResult:
    context.progress.say("reading the result")
    archive = context.folder.path / BACKTEST_NAME
    balance = context.config.execution.starting_balance
    result = read_backtest(archive, job.facts.class_name, balance)
    context.record_digest("trades", result.trades_digest)
    write_trades(result.trades, context.folder.path / _TRADES_NAME)
    context.record.results |= figures(result)
    context.record.artifacts.append(_TRADES_NAME)
    context.report = report_parts(result)
    return result


def _follow(engine: EngineProcess, job: EngineJob, interrupts: Interrupts) -> EngineExit:
    """Follow the engine to its end; stop it once all missing candles have been reported."""
    missing = job.evidence.missing
    reason = engine.follow(interrupts, until=lambda: bool(missing))
    while reason is WakeReason.REACHED:
        reason = engine.follow(interrupts, until=_longer(missing), timeout_s=_MORE_MISSING_S)
    return engine.wait(interrupts) if reason is WakeReason.EXITED else engine.stop(interrupts)


def _longer(items: Sized) -> Callable[[], bool]:
    """Return a function that tells whether `items` are more than they are now."""
    known = len(items)
    return lambda: len(items) > known


def _finished(result: BacktestResult) -> Verdict:
    total = result.summary.total
    sentence = f"backtest done: {total.trades} trades, {100 * total.profit_ratio:+.2f} % profit"
    return Verdict(exit_code=ExitCode.DONE, sentence=sentence)


def figures(result: BacktestResult) -> dict[str, JsonValue]:
    """Return the figures of a backtest for the result table and the manifest."""
    summary, total = result.summary, result.summary.total
    drawdown = summary.max_drawdown
    return {
        "trades": total.trades,
        "wins_draws_losses": f"{total.wins} / {total.draws} / {total.losses}",
        "profit_percent": _percent(total.profit_ratio),
        f"profit_{result.stake_currency}": round(total.profit_abs, 8),
        "starting_balance": summary.starting_balance,
        "final_balance": round(summary.final_balance, 8),
        "cagr_percent": _percent(summary.cagr),
        "max_drawdown_percent": _percent(drawdown.ratio if drawdown else 0.0),
        "profit_factor": _rounded(total.profit_factor),
        "expectancy": None if total.expectancy is None else round(total.expectancy, 8),
        "sharpe": _rounded(result.engine_figures["sharpe"]),
        "sortino": _rounded(result.engine_figures["sortino"]),
        "first_candle": f"{summary.period.start:%Y-%m-%d %H:%M} UTC",
        "last_candle": f"{summary.period.stop:%Y-%m-%d %H:%M} UTC",
    }


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else round(100 * ratio, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
