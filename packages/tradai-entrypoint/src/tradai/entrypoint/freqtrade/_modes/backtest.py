"""BACKTEST: one hermetic backtest on recorded candles and market rules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, final

from tradai.core import JsonValue
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.checks import Checklist, CheckRow
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._evidence.judge import judge
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob, job_checks
from tradai.entrypoint.freqtrade._results.report_parts import report_parts
from tradai.entrypoint.freqtrade._results.results import BacktestResult, read_backtest
from tradai.entrypoint.freqtrade._results.trades_parquet import write_trades

if TYPE_CHECKING:
    from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint

__all__ = ["BacktestHandler", "record_backtest", "run_batch"]

_RESULTS: Final = "backtest_results/*.zip"


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
        verdict = run_batch(job, context, results=_RESULTS)
        if verdict.is_success:
            verdict = _finished(record_backtest(job, context))
        return context.conclude(verdict)

    def checks(self, checklist: Checklist) -> Iterator[CheckRow]:
        """Check what the job needs; see `CheckableHandler`."""
        yield from job_checks(self._entrypoint.context, checklist, engine=self._engine)


def run_batch(job: EngineJob, context: RunContext, *, results: str) -> Verdict:
    """Run the engine on recorded candles and rules until it ends by itself.

    Args:
        job: The job; its scratch folder is still empty.
        context: The run.
        results: Pattern of the result files below the engine's folder; one proves success.
    """
    markets = job.load_markets()
    job.stage_candles()
    context.interrupts.check()
    context.progress.say(f"engine: {job.plan.subcommand}")
    with MarketServer(markets) as server, job.running(server.base_url) as engine:
        ended = engine.wait(context.interrupts)
    has_result = any(job.user_data.glob(results))
    context.journal.append(
        "engine ended", return_code=ended.return_code, seconds=round(ended.seconds, 3)
    )
    return judge(ended, job.evidence, result_present=has_result)


def record_backtest(job: EngineJob, context: RunContext) -> BacktestResult:
    """Record the engine's result, the trades as Parquet, and the figures computed from them.

    Raises:
        StorageError: The result cannot be read, or the disk is full.
    """
    context.progress.say("reading the result")
    config = context.config
    result = read_backtest(job.user_data, job.facts.class_name, config.execution.starting_balance)
    context.record_digest("trades", result.trades_digest)
    write_trades(result.trades, context.folder.path / "trades.parquet")
    _keep_engine_result(job, context)
    context.record.results |= figures(result)
    context.record.artifacts += ["trades.parquet", "engine-result.zip"]
    context.report = report_parts(result)
    return result


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


def _keep_engine_result(job: EngineJob, context: RunContext) -> None:
    newest = max(job.user_data.glob(_RESULTS), key=lambda path: path.stat().st_mtime_ns)
    newest.rename(context.folder.path / "engine-result.zip")


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else round(100 * ratio, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
