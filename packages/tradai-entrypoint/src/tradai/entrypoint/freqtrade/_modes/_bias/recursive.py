"""Indicators that depend on the number of candles before them: the engine's recursive analysis."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from tradai.core import file_errors
from tradai.entrypoint.freqtrade._preparation.plan import EnginePlan

# A difference below it is the usual rest of an average over all candles.
_MOST_PERCENT: Final = 1.0
_TITLE: Final = "Recursive Analysis"
_EDGE: Final = "│"


def recursive_plan(plan: EnginePlan, startup_candles: int) -> EnginePlan:
    """Return the plan of the analysis, made from that of a backtest."""
    return replace(
        plan,
        subcommand="recursive-analysis",
        specific=("--startup-candle", str(startup_candles)),
    )


def read_differences(log: Path) -> dict[str, float | None]:
    """Return the difference of each indicator in percent, from the last table in the engine's log.

    It is None where a value has no ratio to the other: one is absent, zero or no number. Indicators
    without a difference are left out.

    Raises:
        StorageError: The log cannot be read.
    """
    with file_errors("read", log):
        text = log.read_text(encoding="utf-8", errors="replace")
    _, title, table = text.rpartition(_TITLE)
    return dict(_rows(table)) if title else {}


def _rows(table: str) -> Iterator[tuple[str, float | None]]:
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split(_EDGE)]
        # Both edges, the indicator and its difference with the strategy's own number of candles.
        if len(cells) == len(("", "name", "difference", "")) and cells[2].endswith("%"):
            percent = float(cells[2].removesuffix("%"))
            # A difference in the last digits of a sum is shown as zero.
            if percent:
                yield cells[1], None if math.isnan(percent) else percent


def recursive_notice(differences: dict[str, float | None], startup_candles: int) -> str | None:
    """Return a sentence on the indicators that differ by much; None without one."""
    named = [
        f"{name} ({'no ratio' if percent is None else f'{percent:+.3f} %'})"
        for name, percent in differences.items()
        if percent is None or abs(percent) > _MOST_PERCENT
    ]
    if not named:
        return None
    return (
        f"with {startup_candles} start-up candles these indicators differ from those of the whole "
        f"history, so a bot trades on other values than the backtest: {', '.join(named)}; raise "
        "startup_candle_count"
    )
