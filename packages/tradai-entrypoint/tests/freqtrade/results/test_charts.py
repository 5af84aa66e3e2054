"""Candles, drawn value of the account and figures of a backtest, for its report."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import prod, sqrt
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from tradai.core import JsonValue, TimeRange
from tradai.core.exceptions import StorageError
from tradai.core.frames import CandleColumns, FlatDataRepository
from tradai.entrypoint._report.model import PairCandles, RunReport, RunReportParts, TradeRow
from tradai.entrypoint._report.page import render_report
from tradai.entrypoint.freqtrade._results.candle_table import (
    VALUES,
    CandleTable,
    read_candles,
    read_kept_candles,
    write_candles,
)
from tradai.entrypoint.freqtrade._results.chart_candles import chart_candles
from tradai.entrypoint.freqtrade._results.equity import (
    Equity,
    day_returns,
    equity_points,
    month_returns,
)
from tradai.entrypoint.freqtrade._results.statistics import ClosedTrade, Summary, summarize
from tradai.entrypoint.freqtrade._results.trade_rows import (
    daily_profits,
    exposure,
    fees_paid,
    funded_twice,
    longest_streaks,
)

START = datetime(2025, 1, 1, tzinfo=UTC)
START_S = int(START.timestamp())
CANDLE_S = 300


def candle_table(count: int, *, pair: str = "BTC/USDT", seed: int = 7) -> CandleTable:
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.002, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    spread = random.random((2, count)) * 0.1
    values = {
        "open": opened,
        "high": np.maximum(opened, close) + spread[0],
        "low": np.minimum(opened, close) - spread[1],
        "close": close,
        "volume": random.random(count) * 10,
    }
    times = START_S + CANDLE_S * np.arange(count)
    return CandleTable(pair=pair, timeframe="5m", opened=times, values=values)


def trade(start: int, stop: int, *, pair: str = "BTC/USDT", profit: float = 1.0) -> TradeRow:
    """A trade from the opening of candle `start` to that of candle `stop`."""
    opened, closed = (START + timedelta(seconds=CANDLE_S * each) for each in (start, stop))
    return TradeRow(
        pair=pair,
        is_short=False,
        leverage=1.0,
        opened_at=opened,
        closed_at=closed,
        open_rate=100.0,
        close_rate=101.0,
        first_stop=90.0,
        last_stop=95.0,
        profit_abs=profit,
        profit_ratio=profit / 100,
        enter_tag="",
        exit_reason="roi",
    )


def unpacked(candles: PairCandles) -> dict[str, np.ndarray]:
    """Read the columns as the page's script does."""
    count = candles.count
    times = np.frombuffer(candles.data[: 8 * count], "<u4").reshape(2, count).astype(np.int64)
    values = np.frombuffer(candles.data[8 * count :], "<f4").reshape(5, count)
    return {
        "opened": np.cumsum(times[0]),
        "lengths": times[1],
        **dict(zip(VALUES, values, strict=True)),
    }


def summary(*, pairs: Sequence[str] = ()) -> Summary:
    period = TimeRange(start=START, stop=START + timedelta(days=1))
    return summarize([], starting_balance=1000.0, period=period, pairs=pairs)


def test_staged_candles_come_back_from_parquet_as_they_were(tmp_path: Path) -> None:
    tables = [candle_table(50), candle_table(30, pair="ETH/USDT", seed=8)]
    staged = FlatDataRepository(tmp_path, file_format="feather")
    for table in tables:
        columns = CandleColumns(opened=table.opened * 1000, cells=dict(table.values))
        staged.save_columns(table.pair, "5m", columns)

    read = [read_candles(tmp_path, table.pair, "5m") for table in tables]
    write_candles(read, tmp_path / "candles.parquet")

    rows = pq.read_table(tmp_path / "candles.parquet").to_pydict()
    assert rows["pair"] == ["BTC/USDT"] * 50 + ["ETH/USDT"] * 30
    assert rows["date"][:2] == [START, START + timedelta(minutes=5)]
    for name in VALUES:
        assert rows[name] == [*tables[0].values[name], *tables[1].values[name]]


def test_staged_candles_that_are_torn_are_refused(tmp_path: Path) -> None:
    (tmp_path / "BTC_USDT-5m.feather").write_bytes(b"ARROW1 and nothing more")

    with pytest.raises(StorageError, match=r"BTC_USDT-5m\.feather has no candles"):
        read_candles(tmp_path, "BTC/USDT", "5m")


@given(
    count=st.integers(1, 3000),
    trades=st.lists(st.tuples(st.integers(-50, 3100), st.integers(0, 200)), max_size=5),
    most=st.integers(10, 4000),
)
def test_drawn_candles_are_the_stored_ones_joined(
    count: int, trades: list[tuple[int, int]], most: int
) -> None:
    table = candle_table(count)
    rows = [trade(start, start + length) for start, length in trades]

    (drawn,) = chart_candles([table], rows, most=most)

    columns = unpacked(drawn)
    assert columns["opened"][0] == table.opened[0]
    assert (columns["opened"][1:] == columns["opened"][:-1] + columns["lengths"][:-1]).all()
    assert columns["opened"][-1] + columns["lengths"][-1] == table.opened[-1] + CANDLE_S
    assert columns["high"].max() == np.float32(table.values["high"].max())
    assert columns["low"].min() == np.float32(table.values["low"].min())
    assert columns["volume"].sum() == pytest.approx(table.values["volume"].sum(), rel=1e-4)
    assert columns["close"][-1] == np.float32(table.values["close"][-1])


def test_every_candle_of_a_trade_and_its_margin_is_drawn() -> None:
    table = candle_table(50_000)

    (drawn,) = chart_candles([table], [trade(20_000, 20_100)])

    columns = unpacked(drawn)
    around = np.isin(columns["opened"], table.opened[19_976:20_124])
    assert around.sum() == 148
    assert set(columns["lengths"][around]) == {CANDLE_S}
    assert (columns["lengths"] == CANDLE_S).sum() < 148 + 50
    assert drawn.count < 900
    assert (drawn.short_s, drawn.long_s) == (CANDLE_S, 28_800)


def test_the_gap_between_two_candles_is_not_drawn_over() -> None:
    table = candle_table(10)
    late = replace(table, opened=table.opened + np.where(np.arange(10) < 5, 0, 30 * CANDLE_S))

    (drawn,) = chart_candles([late], [trade(0, 40)])

    assert set(unpacked(drawn)["lengths"]) == {CANDLE_S}
    assert unpacked(drawn)["opened"].tolist() == late.opened.tolist()


def test_where_trades_are_everywhere_candles_are_joined_until_they_fit() -> None:
    table = candle_table(20_000)

    (drawn,) = chart_candles([table], [trade(0, 20_000)], most=6000)

    assert drawn.short_s == 4 * CANDLE_S
    assert drawn.count == 5000


def test_a_run_over_a_million_candles_is_a_page_of_less_than_five_megabytes() -> None:
    pairs = [f"C{number}/USDT" for number in range(10)]
    tables = [candle_table(100_000, pair=pair, seed=n) for n, pair in enumerate(pairs)]
    starts = range(100, 99_000, 990)
    trades = [trade(start, start + 90, pair=pair) for pair in pairs for start in starts]

    page = page_of(RunReportParts(trades=tuple(trades), candles=chart_candles(tables, trades)))

    assert len(trades) == 1000
    assert len(page.encode()) < 5_000_000


def test_six_months_of_a_thousand_trades_on_five_pairs_are_drawn_in_full() -> None:
    pairs = [f"C{number}/USDT" for number in range(5)]
    tables = [candle_table(180 * 288, pair=pair, seed=n) for n, pair in enumerate(pairs)]
    trades = [trade(n * 250, n * 250 + 80, pair=pair) for pair in pairs for n in range(200)]

    drawn = chart_candles(tables, trades)

    assert [each.short_s for each in drawn] == [CANDLE_S] * 5
    page = page_of(RunReportParts(trades=tuple(trades), candles=drawn))
    assert len(page.encode()) < 5_000_000


def page_of(parts: RunReportParts) -> str:
    drawn = replace(parts, balance=summary_with_trades().balance)
    return render_report(
        RunReport(
            run_id="r",
            mode="backtest",
            exit_code=0,
            verdict="done",
            started_at=START,
            ended_at=START,
            parts=drawn,
        )
    )


def summary_with_trades() -> Summary:
    closed = ClosedTrade(
        pair="BTC/USDT",
        closed_at=START + timedelta(hours=1),
        profit_abs=1.0,
        exit_reason="roi",
        duration=timedelta(hours=1),
    )
    period = TimeRange(start=START, stop=START + timedelta(days=1))
    return summarize([closed], starting_balance=1000.0, period=period)


def long_equity(count: int) -> Equity:
    value = 1000 + np.cumsum(np.random.default_rng(3).normal(0, 1, count))
    peak = np.maximum.accumulate(value)
    return Equity(at=START_S + 3600 * np.arange(count), value=value, drawdown=(peak - value) / peak)


def test_a_long_curve_keeps_its_ends_and_its_deepest_drawdown() -> None:
    equity = long_equity(50_000)

    points = equity_points(equity, [], summary())

    assert len(points) <= 1801
    assert (points[0].equity, points[-1].equity) == (equity.value[0], equity.value[-1])
    assert max(point.drawdown for point in points) == equity.max_drawdown
    assert {point.market for point in points} == {None}


def test_the_market_is_the_mean_change_of_the_pairs_since_the_first_close() -> None:
    tables = [candle_table(288, seed=1), candle_table(288, pair="ETH/USDT", seed=2)]
    equity = replace(long_equity(25), at=START_S + 3600 * np.arange(25))

    points = equity_points(equity, tables, summary())

    changes = [table.values["close"][-1] / table.values["close"][0] for table in tables]
    assert points[0].market == 1000.0
    assert points[-1].market == pytest.approx(1000 * sum(changes) / 2)
    after_12 = [table.values["close"][11] / table.values["close"][0] for table in tables]
    assert points[1].market == pytest.approx(1000 * sum(after_12) / 2)


def test_the_returns_of_the_months_multiply_to_that_of_all() -> None:
    equity = long_equity(24 * 100)

    months = list(month_returns(equity))

    assert [(each.year, each.month) for each in months] == [(2025, n) for n in range(1, 5)]
    total = equity.value[-1] / equity.value[0]
    assert prod(1 + each.ratio for each in months) == pytest.approx(total)
    january_ends = 24 * 31
    assert months[0].ratio == pytest.approx(equity.value[january_ends] / equity.value[0] - 1)


def test_the_returns_of_the_days_multiply_to_that_of_all() -> None:
    equity = long_equity(24 * 40)

    days = list(day_returns(equity))

    assert [each.day for each in days] == [START.date() + timedelta(days=n) for n in range(40)]
    total = equity.value[-1] / equity.value[0]
    assert prod(1 + each.ratio for each in days) == pytest.approx(total)


def test_after_a_total_loss_there_are_no_returns() -> None:
    equity = long_equity(24 * 40)
    equity.value[24 * 2 :] = 0.0

    assert [each.ratio for each in day_returns(equity)][1:] == [-1.0]
    assert [each.ratio for each in month_returns(equity)] == [-1.0]


def test_the_rolling_sharpe_is_that_of_the_last_thirty_days() -> None:
    days = list(day_returns(long_equity(24 * 40)))

    returns = [each.ratio for each in days[5:35]]
    expected = mean(returns) / stdev(returns) * sqrt(365)
    assert [each.sharpe for each in days[:29]] == [None] * 29
    assert days[34].sharpe == pytest.approx(expected)


@pytest.mark.parametrize(("candle_days", "count"), [(1, 39), (3, 0), (7, 0)])
def test_candles_longer_than_a_day_have_no_returns_of_days(candle_days: int, count: int) -> None:
    equity = long_equity(40)
    sparse = replace(equity, at=START_S + 86_400 * candle_days * np.arange(40))

    assert len(list(day_returns(sparse))) == count
    assert list(month_returns(sparse))


def test_an_account_whose_days_are_all_alike_has_no_rolling_sharpe() -> None:
    value = np.array([1000 * 0.999**day for day in range(41)])
    alike = replace(long_equity(41), at=START_S + 86_400 * np.arange(41), value=value)

    assert {each.sharpe for each in day_returns(alike)} == {None}


def test_an_account_that_never_changes_has_no_rolling_sharpe() -> None:
    flat = replace(long_equity(24 * 40), value=np.full(24 * 40, 1000.0))

    assert {each.sharpe for each in day_returns(flat)} == {None}


def test_time_with_a_trade_open_counts_overlaps_once_and_nothing_outside() -> None:
    period = TimeRange(start=START, stop=START + timedelta(seconds=100 * CANDLE_S))
    rows = [trade(-10, 10), trade(5, 20), trade(6, 8), trade(90, 200)]

    assert exposure(rows, period) == pytest.approx(0.30)


def test_streaks_follow_the_exits_and_a_draw_ends_one() -> None:
    profits = [1, 1, -1, -1, -1, 0, 1, 1, 1, 0, 1]
    rows = [trade(n, n + 1, profit=profit) for n, profit in enumerate(profits)]

    assert longest_streaks(rows[::-1]) == (3, 3)
    assert longest_streaks([]) == (0, 0)


def test_the_profit_of_a_day_is_that_of_the_trades_that_closed_on_it() -> None:
    rows = [trade(0, 288, profit=5.0), trade(0, 287, profit=-1.0), trade(0, 1, profit=-2.0)]

    days = daily_profits(rows)

    assert days == {START.date(): -3.0, START.date() + timedelta(days=1): 5.0}


def test_fees_are_paid_on_filled_orders_at_the_rate_of_their_side() -> None:
    orders: list[JsonValue] = [
        {"amount": 2.0, "safe_price": 100.0, "ft_is_entry": True, "order_filled_timestamp": 1},
        {"amount": 9.0, "safe_price": 100.0, "ft_is_entry": True, "order_filled_timestamp": None},
        {"amount": 2.0, "safe_price": 110.0, "ft_is_entry": False, "order_filled_timestamp": 2},
    ]

    fees = fees_paid([{"fee_open": 0.001, "fee_close": 0.002, "orders": orders}])

    assert fees == pytest.approx(0.2 + 0.44)


@pytest.mark.parametrize(
    ("filled", "count"),
    [
        ((0, 8), 0),
        ((0, 4, 9), 0),
        ((0, 8, 9), 1),
        # Of an exit in two parts at once, the first leaves a position.
        ((0, 8, 8), 1),
        ((8, 8, 9), 0),
        ((0, None, 8), 0),
        ((), 0),
    ],
)
def test_a_funding_fee_counts_twice_where_an_order_in_between_filled_at_its_time(
    filled: tuple[int | None, ...], count: int
) -> None:
    hours = [None if each is None else each * 3_600_000 for each in filled]
    orders: list[JsonValue] = [{"order_filled_timestamp": each} for each in hours]
    funded = {"BTC/USDT:USDT": {8 * 3600}, "ETH/USDT:USDT": {0}}

    assert funded_twice([{"pair": "BTC/USDT:USDT", "orders": orders}], funded) == count


def test_reading_and_writing_candles_never_imports_pandas(tmp_path: Path) -> None:
    columns = CandleColumns(
        opened=candle_table(9).opened * 1000, cells=dict(candle_table(9).values)
    )
    FlatDataRepository(tmp_path, file_format="feather").save_columns("A/B", "5m", columns)
    program = (
        "import sys; from pathlib import Path\n"
        "from tradai.entrypoint.freqtrade._results.candle_table import *\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "write_candles([read_candles(folder, 'A/B', '5m')], folder / 'x.parquet')\n"
        "sys.exit('pandas' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert done.returncode == 0


def test_candles_are_read_as_they_were_kept(tmp_path: Path) -> None:
    tables = [candle_table(5), candle_table(7, pair="ETH/USDT", seed=1)]

    write_candles(tables, tmp_path / "candles.parquet")
    kept = read_kept_candles(tmp_path / "candles.parquet", "5m")

    assert [each.pair for each in kept] == ["BTC/USDT", "ETH/USDT"]
    for table, again in zip(tables, kept, strict=True):
        assert again.opened.tolist() == table.opened.tolist()
        for name in VALUES:
            assert again.values[name].tolist() == table.values[name].tolist()


def test_kept_candles_that_are_damaged_are_refused(tmp_path: Path) -> None:
    (tmp_path / "candles.parquet").write_bytes(b"PAR1 torn")

    with pytest.raises(StorageError, match="run the backtest again"):
        read_kept_candles(tmp_path / "candles.parquet", "5m")


@pytest.mark.parametrize("name", ["pair", "date", "open"])
def test_kept_candles_of_other_columns_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "candles.parquet"
    write_candles([candle_table(5)], path)
    pq.write_table(pq.read_table(path).drop_columns([name]), path)

    with pytest.raises(StorageError, match=rf"another type: {name}\)"):
        read_kept_candles(path, "5m")


def test_kept_candles_with_prices_as_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.parquet"
    write_candles([candle_table(2)], path)
    kept = pq.read_table(path)
    pq.write_table(kept.set_column(2, "open", pa.array(["100", "101"])), path)

    with pytest.raises(StorageError, match=r"another type: open\)"):
        read_kept_candles(path, "5m")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_kept_candles_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    table = candle_table(5)
    write_candles(
        [replace(table, values={**table.values, "close": np.full(5, value)})], tmp_path / "c"
    )

    with pytest.raises(StorageError, match="not finite"):
        read_kept_candles(tmp_path / "c", "5m")


def test_kept_candles_with_missing_values_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.parquet"
    write_candles([candle_table(5)], path)
    with pq.ParquetWriter(path, (kept := pq.read_table(path)).schema) as writer:
        writer.write_table(kept)
        writer.write_table(kept.set_column(2, "open", pa.nulls(5, pa.float64())))

    with pytest.raises(StorageError, match="is missing"):
        read_kept_candles(path, "5m")


def test_a_market_that_began_at_a_price_of_zero_is_not_drawn() -> None:
    table = candle_table(288)
    zero = replace(table, values={**table.values, "close": np.zeros(288)})
    equity = replace(long_equity(25), at=START_S + 3600 * np.arange(25))

    points = equity_points(equity, [zero], summary())

    assert {point.market for point in points} == {None}
    assert page_of(RunReportParts(equity=points, candles=chart_candles([zero], [])))
