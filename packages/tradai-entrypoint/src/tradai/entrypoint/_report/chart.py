"""Charts of the report: their data, and the scripts embedded in the page to draw them."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from typing import Final, Self, final

from tradai.core import JsonValue
from tradai.entrypoint._report.formatting import decimals_for, instant, percent, plain
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.model import (
    BalancePoint,
    DayReturn,
    EquityPoint,
    RunReportParts,
    TradeRow,
)

# A higher level saves little space and takes most of the time of a report.
_COMPRESSION: Final = 2
_DRIVERS: Final = (
    *("charts.js", "balance.js", "curves.js", "candles.js", "history.js"),
    *("trades.js", "start.js"),
)


@final
@dataclass(frozen=True, slots=True)
class ChartBundle:
    """Scripts and style of a page with charts: the library uPlot, and our scripts that call it."""

    library: str
    driver: str
    style: str

    @classmethod
    def packaged(cls) -> Self:
        """Return the bundle that this package brings."""
        return cls(
            _asset("uplot.js"),
            "\n".join(map(_asset, _DRIVERS)),
            _asset("uplot.css"),
        )

    @property
    def script_hashes(self) -> tuple[str, ...]:
        """Hashes by which a Content-Security-Policy allows these scripts and no others."""
        scripts = (self.library, self.driver)
        return tuple(f"'sha256-{_base64(sha256(each.encode()).digest())}'" for each in scripts)

    def scripts(self, parts: RunReportParts) -> Markup:
        """Return elements that hold the data of `parts`, and draw its charts."""
        candles = compress(b"".join(each.data for each in parts.candles), _COMPRESSION, mtime=0)
        return joined(
            (
                element("template", chart_data(parts), id="charts"),
                element("template", Markup(_base64(candles)), id="candles"),
                element("script", Markup(self.library)),
                element("script", Markup(self.driver)),
            )
        )


def chart_data(parts: RunReportParts) -> Markup:
    """Return the data of the charts as JSON that is safe inside an element."""
    data: dict[str, JsonValue] = {
        "currency": parts.currency,
        "decimals": decimals_for((point.balance for point in parts.balance), parts.currency),
        "balance": _columns(map(_balance_row, parts.balance)),
        "equity": _columns(map(_equity_row, parts.equity)),
        "pairs": [[each.pair, each.count, each.short_s, each.long_s] for each in parts.candles],
        "trades": [_trade(trade) for trade in parts.trades],
        "sharpe": _columns(_sharpe_rows(parts.days)),
    }
    if parts.curves:
        data["curves"] = [each.to_json() for each in parts.curves]
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def curve_sentence(parts: RunReportParts) -> str:
    """Return the curve as a sentence, for screen readers and for pages without the chart."""
    points: Sequence[BalancePoint | EquityPoint] = parts.equity or parts.balance
    values = [point.equity if isinstance(point, EquityPoint) else point.balance for point in points]
    decimals = decimals_for(values, parts.currency)
    first, last = plain(values[0], decimals), plain(values[-1], decimals)
    lowest = max(points, key=lambda point: point.drawdown)
    fall = percent(-lowest.drawdown, with_sign=True)
    deepest = f"The deepest drawdown, {fall}, was at {instant(lowest.at)}."
    what = "Value of the account, open positions included" if parts.equity else "Balance"
    return (
        f"{what}, from {first} to {last} {parts.currency}. "
        f"{deepest if lowest.drawdown else 'It never fell below an earlier value.'}"
    )


def _balance_row(point: BalancePoint) -> tuple[JsonValue, ...]:
    # Below zero, and not -0.0 where there is no fall.
    return _seconds(point.at), point.balance, round(0.0 - point.drawdown, 6)


def _equity_row(point: EquityPoint) -> tuple[JsonValue, ...]:
    market = None if point.market is None else round(point.market, 8)
    return _seconds(point.at), round(point.equity, 8), round(0.0 - point.drawdown, 6), market


def _sharpe_rows(days: Sequence[DayReturn]) -> Iterator[tuple[JsonValue, ...]]:
    """Yield the ratio at the end of each day, from the first known one to the last."""
    known = [number for number, each in enumerate(days) if each.sharpe is not None]
    for each in days[known[0] : known[-1] + 1] if known else ():
        midnight = datetime.combine(each.day, time(), UTC)
        ratio = None if each.sharpe is None else round(each.sharpe, 4)
        yield _seconds(midnight + timedelta(days=1)), ratio


def _columns(rows: Iterable[tuple[JsonValue, ...]]) -> list[JsonValue]:
    return [list(column) for column in zip(*rows, strict=True)]


def _trade(trade: TradeRow) -> list[JsonValue]:
    return list(_trade_values(trade))


def _trade_values(trade: TradeRow) -> Iterator[JsonValue]:
    yield from (trade.pair, _seconds(trade.opened_at), trade.open_rate)
    yield from (_seconds(trade.closed_at), trade.close_rate, trade.first_stop, trade.last_stop)
    yield from (trade.profit_abs, round(trade.profit_ratio, 8))
    yield from (trade.enter_tag, trade.exit_reason, int(trade.is_short), trade.leverage)


def _seconds(at: datetime) -> int:
    return round(at.timestamp())


@cache
def _asset(name: str) -> str:
    return files(__package__ or __name__).joinpath(name).read_text(encoding="utf-8")


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
