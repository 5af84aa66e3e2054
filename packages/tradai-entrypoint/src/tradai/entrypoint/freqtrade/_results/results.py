"""Read the result of a backtest from the engine's archive."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias, final

from tradai.core import JsonValue, Timeframe, TimeRange, digest
from tradai.core.exceptions import StorageError
from tradai.entrypoint.freqtrade._results.statistics import (
    ClosedTrade,
    Summary,
    known_ratio,
    summarize,
)

TradeRecord: TypeAlias = Mapping[str, JsonValue]

# Computed by the engine and not computed again here.
_ENGINE_RATIOS: Final = ("sharpe", "sortino", "calmar", "sqn")
# The engine's mark for a ratio that it cannot compute: of one trade, or without a losing day.
_NO_RATIO: Final = -100.0

_ENGINE_COUNTS: Final = (
    *("rejected_signals", "timedout_entry_orders", "canceled_trade_entries"),
    *("canceled_entry_orders", "replaced_entry_orders", "timedout_exit_orders"),
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """The result of a backtest.

    Attributes:
        trades: Every trade with every field the engine wrote, orders included, in its order.
        trades_digest: SHA-256 over `trades`; equal when, and only when, two runs traded alike.
        summary: Figures computed from `trades`.
        engine_figures: Figures as the engine computed them, by its names; None where it had none.
        engine_counts: Numbers of entry signals without a free slot (``rejected_signals``), of
            orders that made no trade, by the engine's names, and of ``locks`` of pairs.
        stake_currency: Currency of the figures.
    """

    trades: tuple[TradeRecord, ...]
    trades_digest: str
    summary: Summary
    engine_figures: Mapping[str, float | None]
    engine_counts: Mapping[str, int]
    stake_currency: str


def read_backtest(archive: Path, class_name: str, starting_balance: Decimal) -> BacktestResult:
    """Read a backtest from the archive the engine wrote.

    Args:
        archive: The engine's archive.
        class_name: The strategy class that was tested.
        starting_balance: Balance that the engine was to start with, in stake currency.

    Raises:
        StorageError: The result is missing, cannot be read, is of another strategy, or started
            from another balance.
    """
    try:
        statistics = _statistics(archive, class_name)
        _check_balance(statistics, starting_balance)
        return _result(statistics)
    except (OSError, zipfile.BadZipFile, LookupError, TypeError, ValueError) as exc:
        message = (
            f"no usable backtest result of {class_name} in {archive} "
            f"({type(exc).__name__}: {exc}); the engine's log says how it ended"
        )
        raise StorageError(message, operation="read backtest result") from exc


def _statistics(archive: Path, class_name: str) -> dict[str, Any]:
    with zipfile.ZipFile(archive) as stored:
        # The names of the configuration and the parameters are longer.
        name = min((name for name in stored.namelist() if name.endswith(".json")), key=len)
        data = stored.read(name)
    # JSON has no NaN, yet the engine writes it where it has no figure.
    result = json.loads(data, parse_constant=lambda _: None)
    statistics: dict[str, Any] = result["strategy"][class_name]
    return statistics


def _check_balance(statistics: dict[str, Any], expected: Decimal) -> None:
    found = statistics["starting_balance"]
    if Decimal(str(found)) != expected:
        message = f"it started with {found}, not {expected}"
        raise ValueError(message)


def _result(statistics: dict[str, Any]) -> BacktestResult:
    trades = tuple(MappingProxyType(trade) for trade in statistics["trades"])
    return BacktestResult(
        trades=trades,
        trades_digest=digest(statistics["trades"]),
        summary=summarize(
            [_closed_trade(trade) for trade in trades],
            starting_balance=float(statistics["starting_balance"]),
            period=_period(statistics),
            pairs=statistics["pairlist"],
        ),
        engine_figures=MappingProxyType(
            {"market_change": statistics.get("market_change")}
            | {name: _ratio(statistics.get(name)) for name in _ENGINE_RATIOS}
        ),
        engine_counts=MappingProxyType(
            {name: statistics.get(name) or 0 for name in _ENGINE_COUNTS}
            | {"locks": len(statistics.get("locks") or ())}
        ),
        stake_currency=statistics["stake_currency"],
    )


def _ratio(figure: float | None) -> float | None:
    return None if figure is None or figure == _NO_RATIO else known_ratio(figure)


def tag_text(value: JsonValue) -> str:
    """Return an entry tag or an exit reason as text; a strategy may give a number."""
    return "" if value is None else str(value)


def _closed_trade(trade: Mapping[str, Any]) -> ClosedTrade:
    opened, closed = _instant(trade["open_timestamp"]), _instant(trade["close_timestamp"])
    return ClosedTrade(
        pair=trade["pair"],
        closed_at=closed,
        profit_abs=float(trade["profit_abs"]),
        exit_reason=tag_text(trade["exit_reason"]),
        duration=closed - opened,
        enter_tag=tag_text(trade.get("enter_tag")),
    )


def _period(statistics: dict[str, Any]) -> TimeRange:
    candle = timedelta(milliseconds=Timeframe(statistics["timeframe"]).milliseconds)
    return TimeRange(
        start=_instant(statistics["backtest_start_ts"]),
        stop=_instant(statistics["backtest_end_ts"]) + candle,
    )


def _instant(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
