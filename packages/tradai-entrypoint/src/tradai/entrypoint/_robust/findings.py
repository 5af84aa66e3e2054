"""Sentences on the profit that is left when a backtest is changed a little."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, final

from tradai.entrypoint._report.formatting import counted, percent
from tradai.entrypoint._robust.bootstrap import Bootstrap
from tradai.entrypoint._sweep.outcomes import RunOutcome

# With fewer trades a changed result says little.
FEWEST_TRADES: Final = 30
NO_PROFIT: Final = "The configuration makes no profit, so there is nothing that could survive."


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one test, in a sentence."""

    test: str
    sentence: str


def problem_with(trades: int, profit: float | None) -> str | None:
    """Return the reason for which no test of a backtest says something; None without one."""
    if trades < FEWEST_TRADES:
        needed = f"at least {FEWEST_TRADES} are needed"
        return f"Too little data: the backtest has {counted(trades, 'trade')}, and {needed}."
    return NO_PROFIT if profit is None or profit <= 0 else None


def profit_of(outcome: RunOutcome) -> float | None:
    """Return the profit of a run as a ratio of the starting balance; None without a result."""
    value = outcome.figure("profit_percent") if outcome.is_success else None
    return None if value is None else value / 100


def shake_finding(base: float, outcomes: Sequence[RunOutcome], *, share: float) -> Finding:
    """Return the finding on the runs with shaken numbers.

    Args:
        base: Profit of the configuration as a ratio, above 0.
        outcomes: Their outcomes.
        share: Largest change of a number, as a share of it.
    """
    profits = [profit for each in outcomes if (profit := profit_of(each)) is not None]
    if not profits:
        return Finding("parameters", "No number was shaken, or no run with shaken ones succeeded.")
    winners = sum(profit > 0 for profit in profits)
    sentence = (
        f"With the numbers shaken by up to {percent(share)}, {winners} of "
        f"{counted(len(profits), 'set')} make a profit. The median keeps "
        f"{_kept(median(profits), base)} of the profit, the worst {_kept(min(profits), base)}."
    )
    return Finding("parameters", sentence)


def cost_finding(base: float, outcome: RunOutcome, *, case: str, fee: str) -> Finding:
    """Return the finding on the run with higher costs.

    Args:
        base: Profit of the configuration as a ratio, above 0.
        outcome: Its outcome.
        case: Name of the case.
        fee: Its fee per order, in percent.
    """
    profit = profit_of(outcome)
    head = f"With the {case} (a fee of {fee} per order)"
    if profit is None:
        return Finding(case, f"{head} there is no result: {outcome.verdict}.")
    return Finding(case, f"{head} the strategy keeps {_kept(profit, base)} of its profit.")


def bootstrap_finding(base: float, bootstrap: Bootstrap, *, balance: float) -> Finding:
    """Return the finding on the resampled trades.

    Args:
        base: Profit of the configuration as a ratio, above 0.
        bootstrap: The resamples.
        balance: Starting balance in stake currency.
    """
    low = percent(bootstrap.low_profit / balance, with_sign=True)
    fall = percent(bootstrap.high_drawdown / balance)
    sentence = (
        f"Of {counted(len(bootstrap.profits), 'resample')} of the trades, "
        f"{percent(bootstrap.share_with_profit)} make a profit. The median keeps "
        f"{_kept(bootstrap.median_profit / balance, base)} of the profit; one of 20 ends below "
        f"{low}, and one of 20 falls by more than {fall} of the starting balance."
    )
    return Finding("bootstrap", sentence)


def _kept(profit: float, base: float) -> str:
    """Return the share of the profit `base` that is left, and `profit`."""
    shown = percent(profit, with_sign=True)
    return f"nothing ({shown})" if profit <= 0 else f"{percent(profit / base)} ({shown})"
