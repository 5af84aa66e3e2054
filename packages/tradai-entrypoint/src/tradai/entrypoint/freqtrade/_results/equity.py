"""Value of the account over time, open positions included, and its returns."""

import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tradai.core.exceptions import StorageError
from tradai.entrypoint._report.model import DayReturn, EquityPoint, MonthReturn
from tradai.entrypoint.freqtrade._results.candle_table import CandleTable, numbers, seconds
from tradai.entrypoint.freqtrade._results.results import BacktestResult
from tradai.entrypoint.freqtrade._results.statistics import Summary, known_ratio

_SHARPE_DAYS: Final = 30
_YEAR_DAYS: Final = 365
_DAY_S: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)
# Each stretch of the curve keeps its first, lowest and highest value.
_STRETCHES: Final = 600


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Equity:
    """Value of the account from the start to the end of a backtest, in stake currency.

    Attributes:
        at: Seconds since 1970, ascending.
        value: Cash, and open positions at their price.
        drawdown: Fall from the highest value so far, as a ratio of it.
    """

    at: NDArray[np.int64]
    value: NDArray[np.float64]
    drawdown: NDArray[np.float64]

    @property
    def max_drawdown(self) -> float:
        """The deepest drawdown as a ratio; 0 where the value never fell."""
        return float(self.drawdown.max())


class _Fill(NamedTuple):
    """A filled order: what it adds to the coins and to the cash, at its second and price."""

    at: float
    amount: float
    cash: float
    price: float


class _Prices(NamedTuple):
    """Prices of one pair, and the seconds at which it had them, ascending."""

    at: NDArray[np.int64]
    rate: NDArray[np.float64]


def read_equity(
    archive: Path, class_name: str, result: BacktestResult, candles: Sequence[CandleTable]
) -> Equity | None:
    """Compute the value of the account at each candle of the engine's wallet history in `archive`.

    It begins with the starting balance and ends with the balance after every trade is closed. A
    contract, of which the history has no price, has that of the last of `candles` that had closed.
    None where there is no history, and where `candles` lack a traded contract.

    Raises:
        StorageError: The history cannot be read.
    """
    # Closed ones: no candle closes beyond a liquidation with the position still open.
    contracts = {
        each.pair: _Prices(each.opened + each.candle_s, each.values["close"])
        for each in candles
        if ":" in each.pair
    }
    if any(":" in _pair(each) and _pair(each) not in contracts for each in result.trades):
        return None
    try:
        with zipfile.ZipFile(archive) as stored:
            names = [each for each in stored.namelist() if each.endswith(_suffix(class_name))]
            table = pa.ipc.open_file(stored.read(names[0])).read_all() if names else None
        return None if table is None else _equity(table, result, contracts)
    except (OSError, zipfile.BadZipFile, KeyError, pa.ArrowException) as exc:
        message = f"the wallet history in {archive} cannot be read ({exc}); run the backtest again"
        raise StorageError(message, operation="read wallet history") from exc


def equity_points(
    equity: Equity, tables: Sequence[CandleTable], summary: Summary
) -> tuple[EquityPoint, ...]:
    """Return the points of `equity` to draw, beside the balance of buying and holding `tables`."""
    kept = _kept(equity.value)
    market = _market(equity.at[kept], tables, summary) if tables else [math.nan] * len(kept)
    return tuple(
        EquityPoint(_instant(at), float(value), float(fall), held if math.isfinite(held) else None)
        for at, value, fall, held in zip(
            equity.at[kept], equity.value[kept], equity.drawdown[kept], market, strict=True
        )
    )


def month_returns(equity: Equity) -> Iterator[MonthReturn]:
    """Yield the return of each calendar month, in UTC; the first and last may be cut short."""
    for number, ratio in _returns(equity, "M"):
        year, month = divmod(number, 12)
        yield MonthReturn(1970 + year, month + 1, ratio)


def day_returns(equity: Equity) -> Iterator[DayReturn]:
    """Yield the return of each day, in UTC, and the Sharpe ratio of the days until then.

    There are none where the candles are longer than a day.
    """
    if np.diff(equity.at).min() > _DAY_S:
        return
    returns = list(_returns(equity, "D"))
    ratios = np.array([ratio for _, ratio in returns])
    for position, (number, ratio) in enumerate(returns, start=1):
        window = ratios[max(position - _SHARPE_DAYS, 0) : position]
        sharpe = _sharpe(window) if len(window) == _SHARPE_DAYS else None
        yield DayReturn(_EPOCH + timedelta(days=number), ratio, sharpe)


def _returns(equity: Equity, unit: Literal["D", "M"]) -> Iterator[tuple[int, float]]:
    """Yield the number of each day or month since 1970, and its return; none after a total loss."""
    times = equity.at.copy()
    # A value at midnight closes the time before.
    times[1:] -= 1
    number = times.astype("datetime64[s]").astype(f"datetime64[{unit}]").astype(np.int64)
    ends = [0, *(np.flatnonzero(np.diff(number, append=number[-1] + 1))).tolist()]
    for before, end in pairwise(ends):
        if equity.value[before] > 0:
            yield int(number[end]), float(equity.value[end] / equity.value[before] - 1)


def _sharpe(returns: NDArray[np.float64]) -> float | None:
    deviation = float(returns.std(ddof=1))
    if not deviation:
        return None
    return known_ratio(float(returns.mean()) / deviation * math.sqrt(_YEAR_DAYS))


def _suffix(class_name: str) -> str:
    return f"_{class_name}_wallet.feather"


def _equity(history: pa.Table, result: BacktestResult, contracts: Mapping[str, _Prices]) -> Equity:
    summary, times = result.summary, np.unique(seconds(history["date"]))
    start, stop = (int(each.timestamp()) for each in (summary.period.start, summary.period.stop))
    inside = times[(times > start) & (times < stop)]
    prices = {**_coin_prices(history, {_pair(each) for each in result.trades}), **contracts}
    gain = np.zeros(len(inside))
    for pair, trades in groupby(sorted(result.trades, key=_pair), key=_pair):
        fills = [each for trade in trades for each in _fills(trade)]
        if fills:
            gain += _gain(inside, fills, prices[pair])
    at = np.concatenate(([start], inside, [stop]))
    totals = summary.starting_balance + gain
    value = np.concatenate(([summary.starting_balance], totals, [summary.final_balance]))
    peak = np.maximum.accumulate(value)
    return Equity(at=at, value=value, drawdown=(peak - value) / peak)


def _pair(trade: Mapping[str, Any]) -> str:
    return str(trade["pair"])


def _coin_prices(history: pa.Table, pairs: Iterable[str]) -> dict[str, _Prices]:
    """Return the prices of each pair in the engine's `history`: of each candle, as it opened.

    Its amounts are not used: it counts a position as nothing where its pair has no candle, and
    knows of the trades of one coin only the last.
    """
    coins = np.array(history["currency"].to_pylist())
    at, rates = seconds(history["date"]), numbers(history["rate"])
    rows = {pair: coins == pair.split("/")[0] for pair in pairs}
    return {pair: _Prices(at[mine], rates[mine]) for pair, mine in rows.items()}


def _gain(times: NDArray[np.int64], fills: Sequence[_Fill], prices: _Prices) -> NDArray[np.float64]:
    """Return what orders of one pair had added to the account at each time, before those of then.

    A position has the last price that its pair had. As for the engine, the fee of an entry counts
    when that position is closed, and so do funding fees.
    """
    at, amount, cash, price = np.array(sorted(fills)).T
    done = np.searchsorted(at, times, side="left")
    held, earned = (np.concatenate(([0.0], np.cumsum(each)))[done] for each in (amount, cash))
    # Of one instant, the known price is the last, and counts.
    known_at, known = np.concatenate((at, prices.at)), np.concatenate((price, prices.rate))
    order = np.argsort(known_at, kind="stable")
    last = np.searchsorted(known_at[order], times, side="right") - 1
    gain: NDArray[np.float64] = earned + held * known[order][np.maximum(last, 0)]
    return gain


def _fills(trade: Mapping[str, Any]) -> Iterator[_Fill]:
    """Yield the orders of `trade`; what a short sells are coins below zero."""
    filled = (each for each in trade["orders"] if each["order_filled_timestamp"] is not None)
    side = -1 if trade.get("is_short") else 1
    funding = trade.get("funding_fees") or 0.0
    held = paid = 0.0
    for order in sorted(filled, key=lambda each: float(each["order_filled_timestamp"])):
        amount, price = float(order["amount"]), float(order["safe_price"])
        at, value = order["order_filled_timestamp"] / 1000, amount * price
        if order["ft_is_entry"]:
            held, paid = held + amount, paid + value
            yield _Fill(at, side * amount, -side * value, price)
        else:
            # Orders in parts may sum up to a rounding error more than was bought.
            part = min(amount / held, 1.0) if held > 0 else 1.0
            bought = paid * part
            fees = bought * trade["fee_open"] + value * trade["fee_close"] - funding * part
            held, paid, funding = held - amount, paid - bought, funding - funding * part
            yield _Fill(at, -side * amount, side * value - fees, price)


def _kept(values: NDArray[np.float64]) -> list[int]:
    """Return the positions of the values to draw, in order."""
    # A plain unique() of NumPy would import its masked arrays.
    edges = sorted(set(np.linspace(0, len(values), _STRETCHES + 1).astype(int).tolist()))
    kept = {len(values) - 1}
    for start, stop in pairwise(edges):
        part = values[start:stop]
        kept |= {start, start + int(part.argmin()), start + int(part.argmax())}
    return sorted(kept)


def _market(at: NDArray[np.int64], tables: Sequence[CandleTable], summary: Summary) -> list[float]:
    """Return the starting balance times the mean change of the pairs' prices since the start.

    It is not finite where a price began at zero.
    """
    start = int(summary.period.start.timestamp())
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = [_change(at, table, start) for table in tables]
    held: list[float] = (summary.starting_balance * np.mean(changes, axis=0)).tolist()
    return held


def _change(at: NDArray[np.int64], table: CandleTable, start: int) -> NDArray[np.float64]:
    """Return the last closed price at each time, over the first one that closed after `start`."""
    first = min(int(np.searchsorted(table.opened, start)), len(table.opened) - 1)
    last = np.searchsorted(table.opened, at - table.candle_s, side="right") - 1
    closes = table.values["close"]
    change: NDArray[np.float64] = closes[np.maximum(last, first)] / closes[first]
    return change


def _instant(seconds: np.int64) -> datetime:
    return datetime.fromtimestamp(int(seconds), tz=UTC)
