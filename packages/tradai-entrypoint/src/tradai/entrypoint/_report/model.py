"""Content of a report: plain, redacted values in the order of the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import final

from tradai.core import JsonValue
from tradai.entrypoint._report.curves import CurveChart
from tradai.entrypoint._report.html import Markup


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
@dataclass(frozen=True, slots=True)
class EquityPoint:
    """Value of the account at an aware instant, open positions at their price.

    Attributes:
        drawdown: Fall from the highest value so far, as a ratio of it.
        market: Value of the starting balance if all pairs had been bought in equal parts at the
            start and held; None without candles.
    """

    at: datetime
    equity: float
    drawdown: float
    market: float | None


@final
@dataclass(frozen=True, slots=True)
class MonthReturn:
    """Change of the account's value in a calendar month, as a ratio of it before."""

    year: int
    month: int
    ratio: float


@final
@dataclass(frozen=True, slots=True)
class DayReturn:
    """Change of the account's value in a day of UTC, as a ratio of it before.

    Attributes:
        sharpe: Sharpe ratio of the last 30 days, for a year; None before, and without variation.
    """

    day: date
    ratio: float
    sharpe: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow:
    """A closed trade.

    Attributes:
        leverage: Size of the position as a multiple of the stake; 1 on the spot market.
        first_stop: Stop price at the entry; None without a stop.
        last_stop: Stop price at the exit; None without a stop.
        profit_abs: In stake currency, after fees.
    """

    pair: str
    is_short: bool
    leverage: float
    opened_at: datetime
    closed_at: datetime
    open_rate: float
    close_rate: float
    first_stop: float | None
    last_stop: float | None
    profit_abs: float
    profit_ratio: float
    enter_tag: str
    exit_reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PairCandles:
    """Candles of a pair for its chart: short ones around trades, longer ones elsewhere.

    Attributes:
        short_s: Length of a candle around a trade.
        long_s: Length of a candle elsewhere.
        count: Number of candles.
        data: Columns of `count` little-endian numbers, one after the other: seconds from the
            opening of the candle before (the first: since 1970) and seconds until its close as
            uint32; open, high, low, close and volume as float32.
    """

    pair: str
    short_s: int
    long_s: int
    count: int
    data: bytes


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TradeStats:
    """Statistics of closed trades that share a pair, an entry tag or an exit reason.

    Attributes:
        name: The pair, the entry tag or the exit reason.
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
@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section that a mode lays out itself."""

    title: str
    content: Markup


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunReportParts:
    """Parts that a mode adds to the report of its run; empty parts are not shown.

    Attributes:
        currency: Stake currency of every amount.
        highlights: Figures shown large; up to four fit in a row.
        figures: All other figures.
        balance: Balance after each closed trade, sorted by time.
        equity: Value of the account, sorted by time.
        months: Return of each month, sorted by time.
        days: Return of each day, sorted by time.
        trades: Closed trades, sorted by the time of their entry.
        candles: Candles of each pair, in the order of the pairs.
        rejected: Numbers of signals and orders that made no trade, by their reason.
        curves: Charts of the sections that a mode lays out itself.
        sections: These sections.
        numbers: Numbers of these sections, for the file of data beside the page.
    """

    currency: str = ""
    highlights: tuple[Figure, ...] = ()
    figures: tuple[Figure, ...] = ()
    balance: tuple[BalancePoint, ...] = ()
    equity: tuple[EquityPoint, ...] = ()
    months: tuple[MonthReturn, ...] = ()
    days: tuple[DayReturn, ...] = ()
    trades: tuple[TradeRow, ...] = ()
    candles: tuple[PairCandles, ...] = ()
    pairs: tuple[TradeStats, ...] = ()
    entry_tags: tuple[TradeStats, ...] = ()
    exit_reasons: tuple[TradeStats, ...] = ()
    rejected: tuple[Figure, ...] = ()
    curves: tuple[CurveChart, ...] = ()
    sections: tuple[ReportSection, ...] = ()
    numbers: Mapping[str, JsonValue] = field(default_factory=dict)


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
