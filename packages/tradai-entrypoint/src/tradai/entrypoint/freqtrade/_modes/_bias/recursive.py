"""Indicators that depend on the number of candles before them: the engine's recursive analysis."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeAlias, final

from tradai.core import TimeRange, file_errors
from tradai.entrypoint.freqtrade._modes._bias.pairs_child import PAIRS, sections
from tradai.entrypoint.freqtrade._preparation.plan import STRATEGIES, EnginePlan

# The engine takes about a second for half a year of 15-minute candles of one pair.
MOST_PAIRS: Final = 5
# A difference below it is the usual rest of an average over all candles.
_MOST_PERCENT: Final = 1.0
# Of the strategy's own number of start-up candles.
_FACTORS: Final = (2, 4)
_TITLE: Final = "Recursive Analysis"
# Line of the engine in place of a table (freqtrade 2026.9).
_NO_DIFFERENCE: Final = "No variance on indicator(s) found"
_EDGE: Final = "│"
_LAST_EDGE: Final = "└"


@final
class Difference(NamedTuple):
    """The largest difference of an indicator, and the pair that has it.

    Attributes:
        percent: The difference in percent; None without a ratio, where one of the values is absent,
            zero or no number.
        pair: The pair.
    """

    percent: float | None
    pair: str

    @property
    def is_large(self) -> bool:
        """Whether it is more than the usual rest of an average."""
        return self.percent is None or abs(self.percent) > _MOST_PERCENT

    def __str__(self) -> str:
        """Return the difference and its pair."""
        shown = "no ratio" if self.percent is None else f"{self.percent:+.3f} %"
        return f"{shown}, {self.pair}"


# By the name of the indicator.
Differences: TypeAlias = dict[str, Difference]


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


def recursive_plan(plan: EnginePlan, counts: Sequence[int], pairs: Sequence[str]) -> EnginePlan:
    """Return the plan of the analysis of `pairs` with each of `counts`, made from a backtest's."""
    return replace(
        plan,
        subcommand="recursive-analysis",
        specific=("--startup-candle", *map(str, counts), PAIRS, *pairs),
        launcher=("pairs", STRATEGIES),
    )


@final
class Recursion(NamedTuple):
    """Differences of the indicators.

    Attributes:
        pairs: The pairs that were analysed.
        by_count: The differences by the number of start-up candles, the strategy's own first.
        unread: Pairs whose result cannot be read; not among `pairs`.
    """

    pairs: tuple[str, ...]
    by_count: Mapping[int, Differences]
    unread: tuple[str, ...] = ()

    @classmethod
    def read(cls, log: Path, counts: Sequence[int]) -> Self:
        """Read the differences from the tables in the engine's log, the last one of each pair.

        Of the differences of an indicator the largest over the pairs counts. Indicators without
        one are left out.

        Args:
            log: The engine's log.
            counts: The numbers of start-up candles, rising, which are the columns.

        Raises:
            StorageError: The log cannot be read.
        """
        with file_errors("read", log):
            text = log.read_text(encoding="utf-8", errors="replace")
        tables = {pair: _rows(output, len(counts)) for pair, output in sections(text)}
        by_count: dict[int, Differences] = {count: {} for count in counts}
        for pair, rows in tables.items():
            for name, cells in rows or ():
                for count, cell in zip(counts, cells, strict=True):
                    _add_difference(by_count[count], name, cell, pair)
        unread = tuple(pair for pair, rows in tables.items() if rows is None)
        return cls(tuple(pair for pair in tables if pair not in unread), by_count, unread)

    def enough_candles(self, pairs: Iterable[str]) -> int | None:
        """Return the smallest number of start-up candles that is enough for `pairs`.

        Returns:
            The number; None when not one is, or when one of the pairs was not analysed.
        """
        return enough_candles(self.by_count) if {*pairs} <= {*self.pairs} else None


def _add_difference(found: Differences, name: str, cell: str, pair: str) -> None:
    """Add the difference in a cell of the engine's table to `found`, if it is the largest."""
    # A difference in the last digits of a sum is shown as zero.
    if not cell.endswith("%") or not (percent := float(cell.removesuffix("%"))):
        return
    new = Difference(None if math.isnan(percent) else percent, pair)
    found[name] = max(found.get(name, new), new, key=_size)


def _size(difference: Difference) -> float:
    return math.inf if difference.percent is None else abs(difference.percent)


def _rows(output: str, columns: int) -> list[tuple[str, list[str]]] | None:
    """Return the cells of each indicator; the rest of a long name stands in rows of its own.

    The engine prints an indicator's name as it is, and an edge in it changes the table.

    Returns:
        The rows of the last table; none when the engine says that there is no difference. None when
        it says neither, or when some rows are not those of one indicator each.
    """
    table = _table(output)
    if table is None:
        return [] if _NO_DIFFERENCE in output else None
    rows: list[tuple[str, list[str]]] = []
    for name, *cells in table:
        if len(cells) != columns or not name:
            return None
        if any(cells):
            rows.append((name, cells))
        elif rows:
            rows[-1] = (rows[-1][0] + name, rows[-1][1])
    are_known = all(_is_difference(cell) for _, cells in rows for cell in cells)
    return rows if rows and are_known and len(dict(rows)) == len(rows) else None


def _table(output: str) -> list[list[str]] | None:
    """Return the cells of each line of the last table; None without one."""
    lines = [line.strip() for line in output.splitlines()]
    if _TITLE not in lines:
        return None
    start = len(lines) - lines[::-1].index(_TITLE)
    return [
        [cell.strip() for cell in line.split(_EDGE)[1:-1]]
        for line in takewhile(lambda line: not line.startswith(_LAST_EDGE), lines[start:])
        if line.startswith(_EDGE)
    ]


def _is_difference(cell: str) -> bool:
    return cell == "-" or cell.endswith("%")


def recursive_notice(by_count: Mapping[int, Differences]) -> str | None:
    """Return a sentence on the indicators that differ by much with the own number of candles.

    Args:
        by_count: Differences by the number of start-up candles; the strategy's own is the first.

    Returns:
        The sentence; None without such an indicator.
    """
    own, *more = by_count
    named = ", ".join(f"{name} ({by_count[own][name]})" for name in _large(by_count[own]))
    if not named:
        return None
    return (
        f"with {own} start-up candles these indicators differ from those of the whole history, so "
        f"a bot trades on other values than the backtest: {named}; {_advice(by_count, more)}"
    )


def pairs_notices(
    analysed: Sequence[str], pairs: Sequence[str], unread: Collection[str] = ()
) -> list[str]:
    """Return a sentence for each reason for which some of `pairs` were not analysed."""
    lost = [pair for pair in pairs[:MOST_PAIRS] if pair not in {*analysed, *unread}]
    reasons = {
        "the table in the engine's log cannot be read, so the number of start-up candles that is "
        f"enough is not known either; take {_EDGE} out of the names of the strategy's columns, and "
        "do not change the engine's logging": unread,
        "the end of the analysis of each is not in the engine's log, so the number of start-up "
        "candles that is enough is not known either": lost,
        f"the analysis takes the first {MOST_PAIRS} pairs": pairs[MOST_PAIRS:],
    }
    return [
        f"recursive indicators of {', '.join(named)} are not known: {reason}"
        for reason, named in reasons.items()
        if named
    ]


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
    return [name for name, difference in differences.items() if difference.is_large]
