"""Figures of a run that a list of runs shows and sorts by; importing this imports no manifest."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tradai.core import FileKind, TradingMode, read_regular_file
from tradai.entrypoint._store.names import RUNNING, SCRATCH_NAME, STATUS_NAME

FIGURES: Final = ("profit_percent", "max_drawdown_percent", "trades")
# The largest fall with open positions at their price, and that of closed trades alone, which is the
# only one of older runs and of futures.
DRAWDOWNS: Final = ("equity_drawdown_percent", "max_drawdown_percent")
_KNOWN: Final = tuple(dict.fromkeys((*FIGURES, *DRAWDOWNS)))


def run_figures(facts: Mapping[str, Any], folder: Path) -> dict[str, float]:
    """Return those of `FIGURES` and `DRAWDOWNS` that are known of the run in `folder`.

    Of a dry-run, also of one that goes on, they are those of its closed trades.

    Args:
        facts: Its manifest.
        folder: Its folder.
    """
    results = block_of(facts, "results")
    is_dry_run = facts.get("mode") == TradingMode.DRY_RUN
    if is_dry_run and not results and facts.get("state") == RUNNING:
        results = _status_results(folder)
    return _numbers(results) | (_numbers(_dry_run_results(results, facts)) if is_dry_run else {})


def first_known(figures: Mapping[str, float], names: Iterable[str]) -> tuple[str, float] | None:
    """Return the first of `names` that `figures` has, with its value; None without one."""
    return next(((name, figures[name]) for name in names if name in figures), None)


def block_of(facts: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the table `name` of `facts`; an empty one where there is none."""
    value = facts.get(name)
    return value if isinstance(value, dict) else {}


def _numbers(results: Mapping[str, Any]) -> dict[str, float]:
    return {name: results[name] for name in _KNOWN if _is_number(results.get(name))}


def _is_number(value: object) -> bool:
    # A figure that was not to be had is null or NaN, and JSON's true is no number.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def _dry_run_results(results: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of a dry-run by the names of those of a backtest."""
    config = block_of(facts, "config")
    profit = results.get(f"realized_profit_{config.get('stake_currency')}")
    if not isinstance(profit, int | float):
        return {}
    balance = float(block_of(config, "execution").get("starting_balance") or 0)
    percent = {"profit_percent": 100 * profit / balance} if balance > 0 else {}
    return {"trades": results.get("closed_trades"), **percent}


def _status_results(folder: Path) -> dict[str, Any]:
    """Return the status of a dry-run that goes on by the names of its results."""
    try:
        status = json.loads(
            read_regular_file(folder / SCRATCH_NAME / STATUS_NAME, FileKind.MANIFEST)
        )
        profit = {f"realized_profit_{status['currency']}": status["closed_profit"]}
        return {"closed_trades": status["closed_trades"], **profit}
    # There is none before the first, and a killed run may leave any.
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
