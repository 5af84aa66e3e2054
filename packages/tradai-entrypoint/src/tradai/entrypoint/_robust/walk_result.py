"""Rows and JSON of the walk-forward of a backtest."""

from collections.abc import Iterator, Sequence
from typing import Final

from tradai.core import JsonValue
from tradai.entrypoint._report.formatting import NOTHING, percent
from tradai.entrypoint._robust.findings import monthly_profits, profit_of
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.result import WindowResult

WINDOW_COLUMNS: Final = ("training", "test", "best numbers", "profit, training", "profit, test")


def window_rows(windows: Sequence[WindowResult]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each window under `WINDOW_COLUMNS`."""
    for each in windows:
        yield (
            str(each.window.training),
            str(each.window.test),
            candidate(each.training) if each.training else NOTHING,
            _profit(each.training),
            _profit(each.test),
        )


def candidate(outcome: RunOutcome) -> str:
    """Return the name of the numbers that `outcome` ran with, as in the table of the runs."""
    number = outcome.variant.number - 1
    return f"shaken {number}" if number else "configuration"


def walk_json(windows: Sequence[WindowResult], reason: str) -> dict[str, JsonValue]:
    """Return the windows, and the mean profits of 30 days, as JSON."""
    monthly = monthly_profits(windows)
    inside, outside = (100 * monthly[1], 100 * monthly[2]) if monthly else (None, None)
    return {
        "left_out": reason or None,
        "profit_percent_30_days_in_sample": inside,
        "profit_percent_30_days_out_of_sample": outside,
        "windows": [_window_json(each) for each in windows],
    }


def _window_json(each: WindowResult) -> dict[str, JsonValue]:
    return {
        "training": str(each.window.training),
        "test": str(each.window.test),
        "best": candidate(each.training) if each.training else None,
        "values": dict(each.training.variant.values) if each.training else None,
        "training_run": each.training.run_id if each.training else None,
        "training_profit_percent": _percent(each.training),
        "test_run": each.test.run_id if each.test else None,
        "test_profit_percent": _percent(each.test),
    }


def _percent(outcome: RunOutcome | None) -> float | None:
    return outcome.figure("profit_percent") if outcome and outcome.is_success else None


def _profit(outcome: RunOutcome | None) -> str:
    return percent(profit_of(outcome) if outcome else None, with_sign=True)
