"""Content of a report: plain, redacted values in the order of the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import final

from tradai.core import JsonValue


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """A labelled value, formatted for the page."""

    label: str
    value: str


@final
@dataclass(frozen=True, slots=True)
class BalancePoint:
    """Balance from the aware instant `at` until the next point.

    Attributes:
        drawdown: Fall from the highest balance so far, as a ratio of it; 0 where there is none.
    """

    at: datetime
    balance: float
    drawdown: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TradeStats:
    """Statistics of closed trades that share a pair or an exit reason.

    Attributes:
        name: The pair or the exit reason.
        profit_abs: Sum of the profits in stake currency.
        profit_ratio: That sum as a ratio of the starting balance.
        winrate: Share of winning trades; None without trades.
        profit_factor: Gains of winners over losses of losers; None without losers.
        expectancy: Mean profit of a trade in stake currency; None without trades.
        mean_duration_s: Mean time that a trade was open; None without trades.
    """

    name: str
    trades: int
    wins: int
    draws: int
    losses: int
    profit_abs: float
    profit_ratio: float
    winrate: float | None
    profit_factor: float | None
    expectancy: float | None
    mean_duration_s: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunReportParts:
    """Parts that a mode adds to the report of its run; empty parts are not shown.

    Attributes:
        currency: Stake currency of every amount.
        highlights: Figures shown large; up to four fit in a row.
        figures: All other figures.
        balance: Balance after each closed trade, sorted by time.
    """

    currency: str = ""
    highlights: tuple[Figure, ...] = ()
    figures: tuple[Figure, ...] = ()
    balance: tuple[BalancePoint, ...] = ()
    pairs: tuple[TradeStats, ...] = ()
    exit_reasons: tuple[TradeStats, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Report of one run, from its command to its verdict.

    Attributes:
        mode: Run mode; None when the run was refused before it was known.
        verdict: Sentence on how the run ended.
        notices: Caveats to read before any figure, such as that candles are synthetic.
        configuration: The strategy configuration without secrets.
        provenance: Source of each value of `configuration`, by dotted name.
        facts: Facts needed to repeat the run: digests, versions, command.
        parts: Parts added by the mode; None without a result.
    """

    run_id: str
    mode: str | None
    exit_code: int
    verdict: str
    started_at: datetime
    ended_at: datetime
    strategy: str | None = None
    version: str | None = None
    config_id: str | None = None
    notices: tuple[str, ...] = ()
    configuration: Mapping[str, JsonValue] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    facts: tuple[Figure, ...] = ()
    parts: RunReportParts | None = None
