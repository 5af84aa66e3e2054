"""The part of a run's report that shows a backtest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tradai.entrypoint._report.figures import LABELS, PROFIT_LABEL, expectancy_decimals, fall
from tradai.entrypoint._report.formatting import NOTHING, decimals_for, percent, plain, signed
from tradai.entrypoint._report.model import Figure, RunReportParts, TradeRow, TradeStats
from tradai.entrypoint.freqtrade._results.results import BacktestResult
from tradai.entrypoint.freqtrade._results.statistics import Summary
from tradai.entrypoint.freqtrade._results.trade_rows import (
    daily_profits,
    exposure,
    fees_paid,
    funding_fees,
    longest_streaks,
    trade_rows,
)

if TYPE_CHECKING:
    from tradai.entrypoint.freqtrade._results.candle_table import CandleTable
    from tradai.entrypoint.freqtrade._results.equity import Equity

_NO_TAG: Final = "(none)"
_NO_SLOT: Final = "Entry signals without a free slot (max_open_trades)"
_REJECTED: Final[Mapping[str, str]] = {
    "locks": "Locks of pairs by protections",
    "timedout_entry_orders": "Entry orders that timed out",
    "canceled_trade_entries": "Trades given up before their entry filled",
    "canceled_entry_orders": "Entry orders cancelled by the strategy",
    "replaced_entry_orders": "Entry orders replaced at another price",
    "timedout_exit_orders": "Exit orders that timed out",
}


def report_parts(
    result: BacktestResult, *, equity: "Equity | None", candles: "Sequence[CandleTable]"
) -> RunReportParts:
    """Return charts, tables and figures of `result`.

    Args:
        result: The result of the backtest.
        equity: Value of the account over time; None where it is not known.
        candles: Candles of the traded pairs.
    """
    # They need numpy, which a command that has no result to show never imports.
    from tradai.entrypoint.freqtrade._results.chart_candles import chart_candles
    from tradai.entrypoint.freqtrade._results.equity import (
        day_returns,
        equity_points,
        month_returns,
    )

    summary, trades = result.summary, trade_rows(result.trades)
    return RunReportParts(
        currency=result.stake_currency,
        highlights=_highlights(summary, result.stake_currency, equity),
        figures=(*_figures(result, equity), *_trade_figures(result, trades)),
        balance=summary.balance,
        equity=equity_points(equity, candles, summary) if equity else (),
        months=tuple(month_returns(equity)) if equity else (),
        days=tuple(day_returns(equity)) if equity else (),
        trades=trades,
        candles=chart_candles(candles, trades),
        pairs=summary.per_pair,
        entry_tags=_tags(summary),
        exit_reasons=summary.per_exit_reason,
        rejected=_rejected(result),
    )


def _highlights(summary: Summary, currency: str, equity: "Equity | None") -> tuple[Figure, ...]:
    total = summary.total
    amount = signed(total.profit_abs, decimals_for([summary.final_balance], currency))
    return (
        Figure(PROFIT_LABEL, f"{amount} {currency}"),
        Figure(LABELS["profit_percent"], percent(total.profit_ratio, with_sign=True)),
        Figure(LABELS["equity_drawdown_percent"], fall(equity.max_drawdown))
        if equity
        else Figure(LABELS["max_drawdown_percent"], fall(summary.max_drawdown)),
        Figure(LABELS["trades"], str(total.trades)),
    )


def _figures(result: BacktestResult, equity: "Equity | None") -> tuple[Figure, ...]:
    summary, total, engine = result.summary, result.summary.total, result.engine_figures
    currency = result.stake_currency
    decimals = decimals_for([summary.final_balance], currency)
    expectancy = plain(total.expectancy, expectancy_decimals(decimals))
    shown = {
        LABELS["starting_balance"]: f"{plain(summary.starting_balance, decimals)} {currency}",
        LABELS["final_balance"]: f"{plain(summary.final_balance, decimals)} {currency}",
        LABELS["cagr_percent"]: percent(summary.cagr),
        "Won, drawn, lost": f"{total.wins} / {total.draws} / {total.losses}",
        "Win rate": percent(total.winrate),
        LABELS["profit_factor"]: plain(total.profit_factor, 2),
        LABELS["expectancy"]: f"{expectancy} {currency}",
        "Market change": percent(engine["market_change"]),
        LABELS["sharpe"]: plain(engine["sharpe"], 2),
        LABELS["sortino"]: plain(engine["sortino"], 2),
        "Calmar (engine)": plain(engine["calmar"], 2),
        "SQN (engine)": plain(engine["sqn"], 2),
        "First candle opens": f"{summary.period.start:%Y-%m-%d %H:%M} UTC",
        "Last candle closes": f"{summary.period.stop:%Y-%m-%d %H:%M} UTC",
    }
    if equity:
        shown[LABELS["max_drawdown_percent"]] = fall(summary.max_drawdown)
    return tuple(Figure(label, value) for label, value in shown.items())


def _trade_figures(result: BacktestResult, trades: Sequence[TradeRow]) -> tuple[Figure, ...]:
    if not trades:
        return ()
    currency = result.stake_currency
    decimals = decimals_for([result.summary.final_balance], currency)
    days, (wins, losses) = daily_profits(trades), longest_streaks(trades)
    best, worst = (f(trades, key=lambda trade: trade.profit_ratio) for f in (max, min))
    good, bad = (f(days, key=lambda day: days[day]) for f in (max, min))
    shown = {
        "Time with a trade open": percent(exposure(trades, result.summary.period)),
        "Fees paid": f"{plain(fees_paid(result.trades), decimals)} {currency}",
        **_futures_figures(result, trades),
        "Best trade": f"{percent(best.profit_ratio, with_sign=True)} {best.pair}",
        "Worst trade": f"{percent(worst.profit_ratio, with_sign=True)} {worst.pair}",
        "Best day": f"{signed(days[good], decimals)} {currency} on {good}",
        "Worst day": f"{signed(days[bad], decimals)} {currency} on {bad}",
        "Longest streak of wins": str(wins or NOTHING),
        "Longest streak of losses": str(losses or NOTHING),
    }
    return tuple(Figure(label, value) for label, value in shown.items())


def _futures_figures(result: BacktestResult, trades: Sequence[TradeRow]) -> dict[str, str]:
    """Return the figures of contracts; none where all trades are like those of a spot market."""
    funding = funding_fees(result.trades)
    shorts = sum(trade.is_short for trade in trades)
    if not (funding or shorts or any(trade.leverage != 1 for trade in trades)):
        return {}
    decimals = decimals_for([result.summary.final_balance], result.stake_currency)
    return {
        "Funding fees received, net": f"{signed(funding, decimals)} {result.stake_currency}",
        "Longs, shorts": f"{len(trades) - shorts} / {shorts}",
        "Highest leverage": f"{max(trade.leverage for trade in trades):g}\N{MULTIPLICATION SIGN}",
    }


def _tags(summary: Summary) -> tuple[TradeStats, ...]:
    """Return the statistics of the entry tags; none where no trade has one."""
    tags = summary.per_entry_tag
    if not any(each.name for each in tags):
        return ()
    return tuple(each if each.name else replace(each, name=_NO_TAG) for each in tags)


def _rejected(result: BacktestResult) -> tuple[Figure, ...]:
    """Return the numbers of signals and orders without a trade: free slots always, others if any.

    The engine's export has the time of each signal only as a pickle of pandas, which is not read.
    """
    counts = result.engine_counts
    shown = ((name, label) for name, label in _REJECTED.items() if counts[name])
    slots = Figure(_NO_SLOT, str(counts["rejected_signals"]))
    return (slots, *(Figure(label, str(counts[name])) for name, label in shown))
