"""Short tables of a run's trades by pair and by exit reason, for the terminal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from tradai.core import FileKind, read_regular_file
from tradai.entrypoint._report.formatting import NOTHING, cut, decimals_for, percent, signed
from tradai.entrypoint._report.report_files import DATA_NAME

# Tables of the report's data by name, and the heads of the columns that are shown.
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "pairs": ("pair", "trades", "profit", "win rate"),
    "exit_reasons": ("exit reason", "trades", "profit"),
}
_MOST_ROWS: Final = 10
# A strategy may give an exit reason of any length.
_LONGEST_NAME: Final = 40


@final
@dataclass(frozen=True, slots=True)
class SummaryTable:
    """Heads and cells of a table."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@final
@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    trades: int
    wins: int
    profit: float

    def cells(self, decimals: int, currency: str) -> tuple[str, ...]:
        profit = f"{signed(self.profit, decimals)} {currency}"
        wins = percent(self.wins / self.trades) if self.trades else NOTHING
        return cut(self.name, _LONGEST_NAME), str(self.trades), profit, wins


def summary_tables(folder: Path) -> tuple[SummaryTable, ...]:
    """Return the tables of the run in `folder` from the data of its report; none without them."""
    # A run whose report could not be written has none, and one by a later version may have others.
    try:
        data = json.loads(read_regular_file(folder / DATA_NAME, FileKind.MANIFEST))
        currency = str(data["currency"])
        return tuple(
            _table(heads, _groups(data[name]), currency)
            for name, heads in _TABLES.items()
            if data.get(name)
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()


def _table(heads: tuple[str, ...], traded: Sequence[_Group], currency: str) -> SummaryTable:
    decimals = decimals_for([each.profit for each in traded], currency)
    rows = (each.cells(decimals, currency) for each in _shortened(traded))
    return SummaryTable(heads, tuple(row[: len(heads)] for row in rows))


def _groups(columns: Mapping[str, Sequence[Any]]) -> list[_Group]:
    """Return the groups with trades, the most profitable first."""
    rows = zip(*(columns[name] for name in ("name", "trades", "wins", "profit_abs")), strict=True)
    traded = (_Group(*row) for row in rows)
    return sorted((each for each in traded if each.trades), key=lambda each: -each.profit)


def _shortened(groups: Sequence[_Group]) -> list[_Group]:
    """Return the best and the worst of `groups`, and the sum of those between."""
    ends = _MOST_ROWS // 2
    between = groups[ends:-ends]
    # The sum takes a row, too.
    if len(between) <= 1:
        return list(groups)
    summed = _Group(
        f"and {len(between)} more",
        sum(each.trades for each in between),
        sum(each.wins for each in between),
        sum(each.profit for each in between),
    )
    return [*groups[:ends], summed, *groups[-ends:]]
