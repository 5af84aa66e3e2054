"""What a backtest adds to the report of its run."""

from collections.abc import Mapping

from tradai.core import JsonValue
from tradai.entrypoint._report import BalancePoint, Figure, Group, RunReportParts
from tradai.entrypoint.freqtrade._results import BacktestResult
from tradai.entrypoint.freqtrade._summary import Summary, Tally

__all__ = ["report_parts"]


def report_parts(result: BacktestResult, figures: Mapping[str, JsonValue]) -> RunReportParts:
    """Return charts, tables and figures of `result`."""
    summary = result.summary
    return RunReportParts(
        currency=result.stake_currency,
        highlights=_highlights(summary, result.stake_currency),
        figures=tuple(
            Figure(name.replace("_", " "), "-" if value is None else str(value))
            for name, value in figures.items()
        ),
        balance=tuple(BalancePoint(point.at, point.balance) for point in summary.equity),
        pairs=tuple(_group(tally) for tally in summary.per_pair),
        exit_reasons=tuple(_group(tally) for tally in summary.per_exit_reason),
    )


def _highlights(summary: Summary, currency: str) -> tuple[Figure, ...]:
    total, fall = summary.total, summary.max_drawdown
    return (
        Figure("profit", f"{total.profit_abs:+,.2f} {currency}"),
        Figure("profit of the start", f"{100 * total.profit_ratio:+.2f} %"),
        Figure("largest drawdown", f"{-100 * fall.ratio:.2f} %" if fall else "none"),
        Figure("trades", str(total.trades)),
    )


def _group(tally: Tally) -> Group:
    return Group(
        name=tally.name,
        trades=tally.trades,
        wins=tally.wins,
        draws=tally.draws,
        losses=tally.losses,
        profit=tally.profit_abs,
        profit_ratio=tally.profit_ratio,
        winrate=tally.winrate,
        profit_factor=tally.profit_factor,
        mean_duration_s=tally.mean_duration_s,
    )
