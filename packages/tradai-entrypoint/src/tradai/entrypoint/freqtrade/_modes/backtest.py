"""BACKTEST: one hermetic backtest on recorded candles and market rules."""

from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import final

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._store.names import CANDLES_NAME, TRADES_NAME
from tradai.entrypoint.freqtrade._candles.dataset import candle_files
from tradai.entrypoint.freqtrade._candles.shared_staging import write_once
from tradai.entrypoint.freqtrade._modes.cut_stakes import notice_cut_stakes
from tradai.entrypoint.freqtrade._modes.handler import BatchHandler
from tradai.entrypoint.freqtrade._modes.repeat import compare_trades
from tradai.entrypoint.freqtrade._modes.zero_trades import (
    explain_silent_pairs,
    explain_zero_trades,
)
from tradai.entrypoint.freqtrade._preparation.plan import DATA
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.collected import BACKTEST_NAME
from tradai.entrypoint.freqtrade._results.report_parts import report_parts
from tradai.entrypoint.freqtrade._results.results import BacktestResult, read_backtest
from tradai.entrypoint.freqtrade._results.trade_rows import funded_twice
from tradai.entrypoint.freqtrade._results.trades_parquet import write_trades


@final
class BacktestHandler(BatchHandler):
    """Runs the engine's backtest and records its result."""

    result = BACKTEST_NAME

    def _record(self, job: EngineJob, context: RunContext, verdict: Verdict) -> Verdict:
        result = record_backtest(job, context, verdict)
        if result is None:
            return verdict
        if verdict.is_success:
            sentence = _sentence(result)
            if result.trades:
                explain_silent_pairs(job, context, result)
            else:
                sentence += f"; {explain_zero_trades(job, context, result)}"
            verdict = Verdict(exit_code=ExitCode.DONE, sentence=sentence)
        return compare_trades(result, context, verdict)


def record_backtest(job: EngineJob, context: RunContext, verdict: Verdict) -> BacktestResult | None:
    """Record trades and candles as Parquet, and the figures computed from the trades.

    Candles that are staged once for several runs are kept once for all of them.

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
    write_trades(result.trades, context.folder.path / TRADES_NAME)
    context.record.results |= figures(result)
    context.record.artifacts.insert(0, TRADES_NAME)
    notice_cut_stakes(job, context, result.trades)
    _report(result, job, context)
    return result


def _report(result: BacktestResult, job: EngineJob, context: RunContext) -> None:
    """Keep the candles, and make the mode's part of the report."""
    # They need numpy, which a command that has no result to show never imports.
    from tradai.entrypoint.freqtrade._results.candle_table import read_candles, write_candles
    from tradai.entrypoint.freqtrade._results.equity import read_equity

    staged = context.folder.scratch / DATA
    traded = [series for series in job.series if series.is_traded]
    candles = [read_candles(staged, series.pair, series.timeframe) for series in traded]
    archive = context.folder.path / BACKTEST_NAME
    equity = read_equity(archive, job.facts.class_name, result, candles)
    if equity is not None:
        context.record.results["equity_drawdown_percent"] = _percent(equity.max_drawdown)
    # A file for each run of a sweep would fill the disk.
    if write_once(context.folder.path / CANDLES_NAME, partial(write_candles, candles), staged):
        context.record.artifacts.insert(1, CANDLES_NAME)
    _note_funding(result, job, staged, context)
    context.report = report_parts(result, equity=equity, candles=candles)


def _note_funding(
    result: BacktestResult, job: EngineJob, staged: Path, context: RunContext
) -> None:
    """Say of how many trades the engine has counted a funding fee twice."""
    from tradai.entrypoint.freqtrade._results.candle_table import read_times

    rates = [series for series in job.series if series.kind == "funding_rate"]
    if not rates:
        return
    funded = {
        each.pair: frozenset(read_times(staged / candle_files(each)[1]).tolist()) for each in rates
    }
    twice = funded_twice(result.trades, funded)
    if twice:
        context.record.notices.append(
            f"{counted(twice, 'trade')} of {len(result.trades)} had an order between entry and "
            "exit at the time of a funding fee: the engine counts that fee twice, for the position "
            "before the order and for that after it"
        )


def figures(result: BacktestResult) -> dict[str, JsonValue]:
    """Return the figures of a backtest for the result table and the manifest."""
    summary, total = result.summary, result.summary.total
    return {
        "trades": total.trades,
        "wins_draws_losses": f"{total.wins} / {total.draws} / {total.losses}",
        "profit_percent": _percent(total.profit_ratio),
        f"profit_{result.stake_currency}": round(total.profit_abs, 8),
        "starting_balance": summary.starting_balance,
        "final_balance": round(summary.final_balance, 8),
        "cagr_percent": _percent(summary.cagr),
        "max_drawdown_percent": _percent(summary.max_drawdown),
        "profit_factor": _rounded(total.profit_factor),
        "expectancy": None if total.expectancy is None else round(total.expectancy, 8),
        "sharpe": _rounded(result.engine_figures["sharpe"]),
        "sortino": _rounded(result.engine_figures["sortino"]),
        "first_candle": f"{summary.period.start:%Y-%m-%d %H:%M} UTC",
        "last_candle": f"{summary.period.stop:%Y-%m-%d %H:%M} UTC",
    }


def _sentence(result: BacktestResult) -> str:
    total = result.summary.total
    trades = counted(total.trades, "trade")
    return f"backtest done: {trades}, {100 * total.profit_ratio:+.2f} % profit"


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else round(100 * ratio, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
