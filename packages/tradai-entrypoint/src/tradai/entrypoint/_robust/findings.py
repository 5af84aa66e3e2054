"""Sentences on the profit that is left when a backtest is changed a little."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean, median
from typing import Final, final

from tradai.core import TimeRange
from tradai.entrypoint._report.formatting import counted, percent
from tradai.entrypoint._robust.bootstrap import Bootstrap
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.result import WindowResult

# With fewer trades a result is chance.
FEWEST_TRADES: Final = 30
RULE: Final = (
    f"Results of fewer than {FEWEST_TRADES} trades do not count: those of the backtest, of a set "
    "of numbers, of a set on the training range of a window, and of all test ranges together."
)
_TOO_FEW: Final = "Too few trades to say"
# Profits of ranges of different lengths are compared for so long.
_MONTH: Final = timedelta(days=30)
NO_PROFIT: Final = "The configuration makes no profit, so nothing could survive."
# Of the starting balance. A smaller profit is that of a few orders, and shares of it say nothing.
_SMALLEST_PROFIT: Final = 0.001
_TO_SPEAK_OF: Final = f"no profit to speak of, which begins at {percent(_SMALLEST_PROFIT)}"


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one test, in a sentence."""

    test: str
    sentence: str


def problem_with(trades: int, profit: float | None) -> str | None:
    """Return the reason for which no test of a backtest says something; None without one."""
    if trades < FEWEST_TRADES:
        return f"{_too_few('the backtest has', trades)} Choose a longer time range."
    if profit is None or profit <= 0:
        return NO_PROFIT
    if profit < _SMALLEST_PROFIT:
        made = f"{percent(profit, with_sign=True)} of the starting balance"
        return f"The configuration makes {made}: {_TO_SPEAK_OF}, so nothing could survive."
    return None


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
    found = [(profit, each) for each in outcomes if (profit := profit_of(each)) is not None]
    if not found:
        return Finding("parameters", "No number was shaken, or no run with shaken ones succeeded.")
    profits = [profit for profit, each in found if each.trades >= FEWEST_TRADES]
    failed = len(outcomes) - len(found)
    if not profits:
        number = f"{counted(len(found), 'set')} with the numbers shaken by up to {percent(share)}"
        sentence = f"{_TOO_FEW}: each of {number} has fewer than {FEWEST_TRADES}."
        return Finding("parameters", f"{sentence}{_left_out(failed=failed)}")
    winners = sum(profit > 0 for profit in profits)
    left_out = _left_out(few=len(found) - len(profits), failed=failed)
    sentence = (
        f"With the numbers shaken by up to {percent(share)}, {winners} of "
        f"{counted(len(profits), 'set')} make a profit.{left_out} The median "
        f"{_keeps(median(profits), base)} of the profit, the worst {_kept(min(profits), base)}."
    )
    return Finding("parameters", sentence)


def _left_out(*, few: int = 0, failed: int) -> str:
    """Return a sentence on the sets that do not count; nothing without any."""
    reasons = {f"with fewer than {FEWEST_TRADES} trades": few, "without a result": failed}
    sets = ", ".join(f"{number} {reason}" for reason, number in reasons.items() if number)
    return f" Not counted: {sets}." if sets else ""


def _too_few(head: str, trades: int) -> str:
    number = counted(trades, "trade")
    return f"{_TOO_FEW}: {head} {number}, and at least {FEWEST_TRADES} are needed."


def cost_finding(base: float, cost: float, *, case: str) -> Finding:
    """Return the finding on higher costs of the same trades.

    Args:
        base: Profit of the configuration as a ratio, above 0.
        cost: The added costs as a ratio of the starting balance.
        case: Name of the case.
    """
    head = f"With the {case}, the same trades cost {percent(cost)} of the starting balance more"
    return Finding(case, f"{head}. The strategy keeps {_kept(base - cost, base)} of its profit.")


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
        f"{percent(bootstrap.share_with_profit)} make a profit. The median "
        f"{_keeps(bootstrap.median_profit / balance, base)} of the profit; one of 20 ends below "
        f"{low}, and one of 20 falls by more than {fall} of the starting balance."
    )
    return Finding("bootstrap", sentence)


def walk_forward_finding(windows: Sequence[WindowResult], *, reason: str) -> Finding:
    """Return the finding on the windows of a walk-forward.

    Args:
        windows: The windows; none when there was no walk-forward.
        reason: The reason for that.
    """
    name = "walk-forward"
    if not windows:
        return Finding(name, f"Left out: {reason}")
    monthly = monthly_profits(windows)
    if monthly is None:
        return Finding(name, _without_result(windows))
    whole, inside, outside = monthly
    if inside <= 0:
        made = f"The best numbers make no profit in-sample ({percent(inside, with_sign=True)} in "
        return Finding(name, f"{made}30 days), so nothing could survive.")
    if inside < _SMALLEST_PROFIT:
        made = f"The best numbers make {percent(inside, with_sign=True)} in 30 days in-sample"
        shown = percent(outside, with_sign=True)
        return Finding(name, f"{made}: {_TO_SPEAK_OF}. Out-of-sample they make {shown}.")
    winners = sum((profit_of(each.test) or 0) > 0 for each in windows if each.test)
    lost = f" {len(windows) - whole} of them came to no result." if whole < len(windows) else ""
    kept = _kept(outside, inside)
    left = f"they make {kept}" if outside > inside else f"{kept} is left"
    sentence = (
        f"Of {counted(len(windows), 'window')}, {winners} make a profit out-of-sample, on candles "
        f"after those that chose the numbers.{lost} In 30 days {left} "
        f"of the profit in-sample ({percent(inside, with_sign=True)})."
    )
    return Finding(name, sentence)


def monthly_profits(windows: Sequence[WindowResult]) -> tuple[int, float, float] | None:
    """Return the number of windows with both results, and the profits in 30 days.

    They are ratios of the starting balance, in-sample and out-of-sample; None without any, or when
    the test ranges have too few trades.
    """
    if _tested_trades(windows) < FEWEST_TRADES:
        return None
    inside, outside = list[float](), list[float]()
    for each in windows:
        training = each.training and profit_of(each.training)
        test = each.test and profit_of(each.test)
        if training is not None and test is not None:
            inside.append(training / _months(each.window.training))
            outside.append(test / _months(each.window.test))
    return (len(inside), fmean(inside), fmean(outside)) if inside else None


def _without_result(windows: Sequence[WindowResult]) -> str:
    if any(each.test and each.test.is_success for each in windows):
        return _too_few("the test ranges together have", _tested_trades(windows))
    number = counted(len(windows), "window")
    if any(each.training for each in windows):
        return f"Not one of {number} has a result on its test range."
    return f"Not one of {number} has a result of at least {FEWEST_TRADES} trades in training."


def _tested_trades(windows: Sequence[WindowResult]) -> int:
    return sum(each.test.trades for each in windows if each.test)


def _months(timerange: TimeRange) -> float:
    return (timerange.stop - timerange.start) / _MONTH


def _keeps(profit: float, base: float) -> str:
    return f"{'makes' if profit > base else 'keeps'} {_kept(profit, base)}"


def _kept(profit: float, base: float) -> str:
    """Return the share of the profit `base` that is left, and `profit`."""
    shown = percent(profit, with_sign=True)
    return f"nothing ({shown})" if profit <= 0 else f"{percent(profit / base)} ({shown})"
