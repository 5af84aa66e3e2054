"""Indicators that depend on the number of candles before them: the engine's recursive analysis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from tradai.core import TimeRange, file_errors
from tradai.entrypoint.freqtrade._preparation.plan import EnginePlan

# A difference below it is the usual rest of an average over all candles.
_MOST_PERCENT: Final = 1.0
# Of the strategy's own number of start-up candles.
_FACTORS: Final = (2, 4)
_TITLE: Final = "Recursive Analysis"
_EDGE: Final = "│"
# Differences of indicators in percent; None is one without a ratio.
Differences: TypeAlias = dict[str, float | None]


def tried_counts(startup_candles: int, timerange: TimeRange | None, *, candle_s: int) -> list[int]:
    """Return the numbers of start-up candles to try: the strategy's own, then twice and four times.

    Args:
        startup_candles: The strategy's own number.
        timerange: Range of the backtest; None leaves the own number alone.
        candle_s: Length of a candle in seconds.
    """
    length_s = (timerange.stop - timerange.start).total_seconds() if timerange else 0
    # With about as many as the whole history has, there would be nothing to compare with.
    more = (
        startup_candles * factor
        for factor in _FACTORS
        if 2 * startup_candles * factor * candle_s <= length_s
    )
    return [startup_candles, *more]


def recursive_plan(plan: EnginePlan, counts: Sequence[int]) -> EnginePlan:
    """Return the plan of the analysis with each of `counts`, made from that of a backtest."""
    return replace(
        plan,
        subcommand="recursive-analysis",
        specific=("--startup-candle", *map(str, counts)),
    )


def read_differences(log: Path, counts: Sequence[int]) -> dict[int, Differences]:
    """Return the differences of the indicators by the number of start-up candles.

    They are read from the last table in the engine's log. One is None where a value has no ratio to
    the other: one is absent, zero or no number. Indicators without a difference are left out.

    Args:
        log: The engine's log.
        counts: The numbers of start-up candles, rising, which are the columns.

    Raises:
        StorageError: The log cannot be read.
    """
    with file_errors("read", log):
        text = log.read_text(encoding="utf-8", errors="replace")
    _, title, table = text.rpartition(_TITLE)
    rows = _rows(table, len(counts)) if title else {}
    found: dict[int, Differences] = {count: {} for count in counts}
    for name, cells in rows.items():
        for count, cell in zip(counts, cells, strict=True):
            # A difference in the last digits of a sum is shown as zero.
            if cell.endswith("%") and (percent := float(cell.removesuffix("%"))):
                found[count][name] = None if math.isnan(percent) else percent
    return found


def _rows(table: str, columns: int) -> dict[str, list[str]]:
    """Return the cells of each indicator; the rest of a long name stands in rows of its own."""
    rows: list[tuple[str, list[str]]] = []
    for line in table.splitlines():
        match [cell.strip() for cell in line.split(_EDGE)]:
            case [_, name, *cells, _] if name and len(cells) == columns:
                _add_row(rows, name, cells)
    return dict(rows)


def _add_row(rows: list[tuple[str, list[str]]], name: str, cells: list[str]) -> None:
    if any(cells):
        rows.append((name, cells))
    elif rows:
        rows[-1] = (rows[-1][0] + name, rows[-1][1])


def recursive_notice(by_count: Mapping[int, Differences]) -> str | None:
    """Return a sentence on the indicators that differ by much with the own number of candles.

    Args:
        by_count: Differences by the number of start-up candles; the strategy's own is the first.

    Returns:
        The sentence; None without such an indicator.
    """
    own, *more = by_count
    named = ", ".join(_shown(name, by_count[own][name]) for name in _large(by_count[own]))
    if not named:
        return None
    return (
        f"with {own} start-up candles these indicators differ from those of the whole history, so "
        f"a bot trades on other values than the backtest: {named}; {_advice(by_count, more)}"
    )


def enough_candles(by_count: Mapping[int, Differences]) -> int | None:
    """Return the smallest number of start-up candles that is enough; None when not one is."""
    return next((count for count, found in by_count.items() if not _large(found)), None)


def _advice(by_count: Mapping[int, Differences], more: Sequence[int]) -> str:
    enough = enough_candles(by_count)
    if enough is not None:
        return f"with {enough} not one does, so set startup_candle_count to {enough} or more"
    if not more:
        return "raise startup_candle_count; a longer --timerange lets more candles be tried"
    left = ", ".join(_large(by_count[more[-1]]))
    return f"with {more[-1]} there are still {left}, so raise startup_candle_count further"


def _large(differences: Differences) -> list[str]:
    return [
        name
        for name, percent in differences.items()
        if percent is None or abs(percent) > _MOST_PERCENT
    ]


def _shown(name: str, percent: float | None) -> str:
    return f"{name} ({'no ratio' if percent is None else f'{percent:+.3f} %'})"
