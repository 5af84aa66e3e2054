"""Result of the engine's look-ahead analysis, and the plan of it."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self, final

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs._bias.last_checks import CHECKED, MADE
from tradai.entrypoint.freqtrade._preparation.plan import STRATEGIES, USER_DATA, EnginePlan
from tradai.entrypoint.freqtrade._results.collected import LOOKAHEAD_NAME

# The engine cuts the candles after each of these trades, and compares what is computed then.
MOST_TRADES: Final = 20
# Fewer trades than the engine itself asks for prove nothing when none is biased.
FEWEST_TRADES: Final = 10
# Columns that `separate_runs` adds to the engine's table, beside `MADE`.
ORDERS: Final = "biased_orders"
CLEAN: Final = "clean_indicators"
# FreqAI's targets are meant to read the future, which is what a model learns.
_TARGET: Final = "&"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lookahead:
    """Trades that were checked for look-ahead, and what was found.

    Attributes:
        trades: Number of trades that were computed again without the candles after them.
        made: Number of all trades of the backtest.
        entries: Number of entries that were not made then.
        exits: Number of exits that were not made then.
        orders: Number of trades that had another stake, price or order then, or another leverage.
        indicators: Columns that had other values then.
        clean: Columns that had the same values then.
    """

    trades: int
    made: int
    entries: int
    exits: int
    orders: int
    indicators: tuple[str, ...]
    clean: tuple[str, ...]

    @classmethod
    def read(cls, table: Path) -> Self:
        """Return the result in the engine's table, which has no row without trades.

        Raises:
            StorageError: It cannot be read.
        """
        try:
            with table.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            return cls._of(rows[0]) if rows else cls._none()
        # A row that ends early has None for its last cells.
        except (OSError, KeyError, ValueError, TypeError, AttributeError) as exc:
            message = f"the engine's look-ahead table {table} cannot be read: {exc}"
            raise StorageError(message, operation="read") from exc

    @classmethod
    def _none(cls) -> Self:
        return cls(trades=0, made=0, entries=0, exits=0, orders=0, indicators=(), clean=())

    @classmethod
    def _of(cls, row: dict[str, str]) -> Self:
        return cls(
            trades=int(row["total_signals"]),
            made=int(row[MADE]),
            entries=int(row["biased_entry_signals"]),
            exits=int(row["biased_exit_signals"]),
            orders=int(row[ORDERS]),
            indicators=_without_targets(row["biased_indicators"].split(",")),
            clean=_without_targets(json.loads(row[CLEAN])),
        )

    @property
    def is_found(self) -> bool:
        """Whether an entry, an exit, an order or an indicator reads the future."""
        return bool(self._trade_changes or self.indicators)

    def explanation(self) -> str:
        """Return a sentence on what was found."""
        if self.indicators:
            return (
                "the strategy reads candles of the future, so its backtest cannot be believed: "
                f"{self._with_columns(', '.join(self.indicators))}"
            )
        return (
            f"the backtest cannot be believed until this is explained: {self._changes}, although "
            "no column changes; a callback reads the future, or depends on chance or on the other "
            "pairs, which are not there when a trade is computed again"
        )

    def _with_columns(self, columns: str) -> str:
        if self._trade_changes:
            return f"{self._changes}; columns that change: {columns}"
        trades = counted(self.trades, "trade")
        unchanged = f"no entry, exit or order of {trades} changes without the candles after it"
        return f"{unchanged}, but columns do: {columns}"

    @property
    def _changes(self) -> str:
        entries = "1 entry" if self.entries == 1 else f"{self.entries} entries"
        made = f"{entries} and {counted(self.exits, 'exit')} are not made"
        if self.orders:
            made += f", and {self.orders} have other stakes, prices or orders,"
        return f"of {counted(self.trades, 'trade')}, {made} without the candles after them"

    @property
    def _trade_changes(self) -> int:
        return self.entries + self.exits + self.orders

    def figures(self) -> dict[str, JsonValue]:
        """Return the figures for the manifest."""
        return {
            CHECKED: self.trades,
            MADE: self.made,
            "biased_entries": self.entries,
            "biased_exits": self.exits,
            "biased_orders": self.orders,
            "biased_indicators": list(self.indicators),
            CLEAN: list(self.clean),
        }


def _without_targets(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name and not name.startswith(_TARGET))


def lookahead_plan(plan: EnginePlan, most_trades: int) -> EnginePlan:
    """Return the plan of the analysis of so many trades, made from that of the backtest."""
    # The engine leaves out of its table what has no more trades than the minimum.
    trades = ("--minimum-trade-amount", "1", "--targeted-trade-amount", str(most_trades))
    table = f"{USER_DATA}/{LOOKAHEAD_NAME}"
    return replace(
        plan,
        subcommand="lookahead-analysis",
        specific=(*trades, "--lookahead-analysis-exportfilename", table),
        launcher=("lookahead", STRATEGIES),
    )
