"""What a report shows: plain values, already redacted, in the order they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import final

from tradai.core import JsonValue

__all__ = ["BalancePoint", "Figure", "RunReport", "RunReportParts", "TradeStats"]


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """One fact under its label, ready to be read."""

    label: str
    value: str


@final
@dataclass(frozen=True, slots=True)
class BalancePoint:
    """The balance from this instant (aware) on, until the next point.

    Attributes:
        drawdown: Fall from the highest balance so far, as a part of it; 0 where there is none.
    """

    at: datetime
    balance: float
    drawdown: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TradeStats:
    """Statistics of closed trades that share something: a pair, a reason to exit.

    Attributes:
        name: What the trades share.
        profit_abs: Sum of their profits in stake currency.
        profit_ratio: That sum as a part of the starting balance.
        winrate: Part of the trades that won; None without trades.
        profit_factor: What winners won over what losers lost; None without losers.
        expectancy: Mean profit of a trade in stake currency; None without trades.
        mean_duration_s: Mean time a trade was open; None without trades.
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
    """What a mode adds to the report of its run; a part left empty is left out.

    Attributes:
        currency: Stake currency of every amount.
        highlights: The few figures to show large; up to four fit beside each other.
        figures: The other figures.
        balance: Closed-trade balance, sorted by time.
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
    """One run, from its command to its verdict.

    Attributes:
        mode: What was run; None when the run was refused before that was known.
        verdict: One sentence on how the run ended.
        notices: What a reader must know before any figure, such as that candles are synthetic.
        configuration: The strategy configuration without secrets.
        provenance: Where each leaf of `configuration` is from, by dotted name.
        facts: How to repeat the run: digests, versions, command.
        parts: What the mode adds; None when there is no result.
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
