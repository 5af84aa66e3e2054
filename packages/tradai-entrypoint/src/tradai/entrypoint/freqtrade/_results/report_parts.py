"""The part of a run's report that shows a backtest."""

from tradai.entrypoint._report.formatting import decimals_for, percent, plain, signed
from tradai.entrypoint._report.model import Figure, RunReportParts
from tradai.entrypoint.freqtrade._results.results import BacktestResult
from tradai.entrypoint.freqtrade._results.statistics import Summary


def report_parts(result: BacktestResult) -> RunReportParts:
    """Return charts, tables and figures of `result`."""
    summary = result.summary
    return RunReportParts(
        currency=result.stake_currency,
        highlights=_highlights(summary, result.stake_currency),
        figures=_figures(result),
        balance=summary.balance,
        pairs=summary.per_pair,
        exit_reasons=summary.per_exit_reason,
    )


def _highlights(summary: Summary, currency: str) -> tuple[Figure, ...]:
    total, fall = summary.total, summary.max_drawdown
    amount = signed(total.profit_abs, decimals_for([summary.final_balance]))
    return (
        Figure("Profit", f"{amount} {currency}"),
        Figure("Profit on the start", percent(total.profit_ratio, with_sign=True)),
        Figure("Largest drawdown", percent(-fall.ratio, with_sign=True) if fall else "none"),
        Figure("Trades", str(total.trades)),
    )


def _figures(result: BacktestResult) -> tuple[Figure, ...]:
    summary, total, engine = result.summary, result.summary.total, result.engine_figures
    decimals, currency = decimals_for([summary.final_balance]), result.stake_currency
    shown = {
        "Starting balance": f"{plain(summary.starting_balance, decimals)} {currency}",
        "Final balance": f"{plain(summary.final_balance, decimals)} {currency}",
        "Growth per year": percent(summary.cagr),
        "Won, drawn, lost": f"{total.wins} / {total.draws} / {total.losses}",
        "Win rate": percent(total.winrate),
        "Profit factor": plain(total.profit_factor, 2),
        "Expectancy": f"{plain(total.expectancy, max(decimals, 4))} {currency}",
        "Market change": percent(engine["market_change"]),
        "Sharpe (engine)": plain(engine["sharpe"], 2),
        "Sortino (engine)": plain(engine["sortino"], 2),
        "First candle opens": f"{summary.period.start:%Y-%m-%d %H:%M} UTC",
        "Last candle closes": f"{summary.period.stop:%Y-%m-%d %H:%M} UTC",
    }
    return tuple(Figure(label, value) for label, value in shown.items())
