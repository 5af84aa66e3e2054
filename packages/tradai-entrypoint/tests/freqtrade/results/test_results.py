"""The result of a backtest is read from the engine's archive and computed again.

``data/wave-rider-backtest.json`` is the archive of Freqtrade 2026.9 for a small strategy of our own
on made-up candles, cut down to what is compared here.
"""

import json
import re
import zipfile
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from tradai.core import TimeRange
from tradai.core.exceptions import StorageError
from tradai.entrypoint._report.chart import chart_data
from tradai.entrypoint._report.figures import FigureFormat
from tradai.entrypoint._report.model import TradeStats
from tradai.entrypoint.freqtrade._modes.backtest import figures
from tradai.entrypoint.freqtrade._results.equity import Equity
from tradai.entrypoint.freqtrade._results.report_parts import report_parts
from tradai.entrypoint.freqtrade._results.results import BacktestResult, read_backtest
from tradai.entrypoint.freqtrade._results.statistics import ClosedTrade, summarize
from tradai.entrypoint.freqtrade._results.trades_parquet import write_trades

CAPTURED = json.loads((Path(__file__).parent / "data/wave-rider-backtest.json").read_text())
ENGINE = CAPTURED["strategy"]["WaveRider"]
START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = TimeRange(start=START, stop=START + timedelta(days=365))


def stored(folder: Path, result: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "engine-result.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("result-1_config.json", "{}")
        archive.writestr("result-1.json", json.dumps(result))
    return path


def changed(**changes: object) -> dict[str, Any]:
    result = deepcopy(CAPTURED)
    result["strategy"]["WaveRider"] |= changes
    return dict(result)


def read(archive: Path) -> BacktestResult:
    return read_backtest(archive, "WaveRider", Decimal(1000))


@pytest.fixture
def result(tmp_path: Path) -> BacktestResult:
    return read(stored(tmp_path, CAPTURED))


def closed(hours: float, profit_abs: float, *, pair: str = "BTC/USDT") -> ClosedTrade:
    return ClosedTrade(
        pair=pair,
        closed_at=START + timedelta(hours=hours),
        profit_abs=profit_abs,
        exit_reason="roi",
        duration=timedelta(minutes=10),
    )


def test_a_comparison_labels_and_rounds_the_figures_as_the_report(result: BacktestResult) -> None:
    parts = report_parts(result, equity=None, candles=())
    shown = FigureFormat(currency="USDT", decimals=2)

    compared = {
        (shown.label(name), shown.value(name, value))
        for name, value in figures(result).items()
        if isinstance(value, float | int)
    }

    assert len(compared) > 9
    assert compared <= {(each.label, each.value) for each in (*parts.highlights, *parts.figures)}


def test_totals_agree_with_the_engine(result: BacktestResult) -> None:
    total = result.summary.total

    assert (total.trades, total.wins, total.draws, total.losses) == (
        ENGINE["total_trades"],
        ENGINE["wins"],
        ENGINE["draws"],
        ENGINE["losses"],
    )
    assert total.winrate == pytest.approx(ENGINE["winrate"])
    assert total.profit_abs == pytest.approx(ENGINE["profit_total_abs"])
    assert total.profit_ratio == pytest.approx(ENGINE["profit_total"])
    assert total.profit_factor == pytest.approx(ENGINE["profit_factor"])
    assert total.expectancy == pytest.approx(ENGINE["expectancy"])
    # The engine cuts it to whole minutes.
    assert total.mean_duration_s == pytest.approx(ENGINE["holding_avg_s"], abs=60)


def test_the_drawdown_agrees_with_the_engine(result: BacktestResult) -> None:
    assert result.summary.max_drawdown == pytest.approx(ENGINE["max_relative_drawdown"])
    deepest = max(result.summary.balance, key=lambda point: point.drawdown)
    assert deepest.drawdown == result.summary.max_drawdown
    # Here the largest fall in money is the same one.
    assert deepest.at.timestamp() * 1000 == ENGINE["drawdown_end_ts"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("per_pair", "results_per_pair"), ("per_exit_reason", "exit_reason_summary")],
)
def test_groups_agree_with_the_engine(result: BacktestResult, ours: str, theirs: str) -> None:
    expected = {row["key"]: row for row in ENGINE[theirs] if row["key"] != "TOTAL"}
    groups: dict[str, TradeStats] = {each.name: each for each in getattr(result.summary, ours)}

    assert groups.keys() == expected.keys()
    for name, stats in groups.items():
        row = expected[name]
        assert stats.trades == row["trades"]
        assert (stats.wins, stats.losses) == (row["wins"], row["losses"])
        assert stats.profit_abs == pytest.approx(row["profit_total_abs"])
        assert stats.profit_ratio == pytest.approx(row["profit_total"])


def test_trades_are_grouped_by_entry_tag_when_one_has_a_tag(tmp_path: Path) -> None:
    trades = deepcopy(ENGINE["trades"])
    trades[0]["enter_tag"] = "dip"
    for trade in trades[1:]:
        trade["enter_tag"] = None

    untagged = report_parts(read(stored(tmp_path / "a", CAPTURED)), equity=None, candles=[])
    tagged = report_parts(
        read(stored(tmp_path / "b", changed(trades=trades))), equity=None, candles=[]
    )

    assert all(not trade["enter_tag"] for trade in ENGINE["trades"])
    assert untagged.entry_tags == ()
    assert {each.name: each.trades for each in tagged.entry_tags} == {
        "(none)": len(trades) - 1,
        "dip": 1,
    }


def test_funding_fees_shorts_and_liquidations_are_shown(tmp_path: Path) -> None:
    trades = deepcopy(ENGINE["trades"])
    trades[0] |= {"is_short": True, "leverage": 20.0, "funding_fees": -1.25}
    trades[1] |= {"leverage": 3.0, "funding_fees": 0.5, "exit_reason": "liquidation"}

    spot = report_parts(read(stored(tmp_path / "a", CAPTURED)), equity=None, candles=[])
    futures = report_parts(
        read(stored(tmp_path / "b", changed(trades=trades))), equity=None, candles=[]
    )

    shown = {each.label: each.value for each in futures.figures}
    assert shown["Funding fees received, net"] == "\N{MINUS SIGN}0.75 USDT"
    assert shown["Longs, shorts"] == f"{len(trades) - 1} / 1"
    assert shown["Highest leverage"] == "20\N{MULTIPLICATION SIGN}"
    assert "liquidation" in {each.name for each in futures.exit_reasons}
    assert not {"Longs, shorts", "Highest leverage"} & {each.label for each in spot.figures}


def test_amounts_in_bitcoin_are_shown_to_its_last_decimal(tmp_path: Path) -> None:
    parts = report_parts(
        read(stored(tmp_path, changed(stake_currency="BTC"))), equity=None, candles=[]
    )

    shown = {each.label: each.value for each in (*parts.highlights, *parts.figures)}
    amounts = ("Profit", "Final balance", "Expectancy", "Fees paid", "Best day")
    assert all(re.search(r"\.\d{8} BTC", shown[label]) for label in amounts), shown
    assert '"decimals":8' in chart_data(parts)


def test_a_drawdown_of_closed_trades_alone_is_named_as_one(result: BacktestResult) -> None:
    parts = report_parts(result, equity=None, candles=[])

    labels = [each.label for each in parts.highlights]
    assert labels[2] == "Largest drawdown, closed trades only"


def test_beside_the_drawdown_with_open_positions_that_of_closed_trades_is_a_figure(
    result: BacktestResult,
) -> None:
    value = np.array([1000.0, 750.0, result.summary.final_balance])
    at = np.array([int(START.timestamp()) + 86_400 * day for day in range(3)])
    equity = Equity(at=at, value=value, drawdown=np.array([0.0, 0.25, 0.0]))

    parts = report_parts(result, equity=equity, candles=[])

    shown = {each.label: each.value for each in (*parts.highlights, *parts.figures)}
    assert shown["Largest drawdown"] == "\N{MINUS SIGN}25.00 %"
    closed_fall = f"\N{MINUS SIGN}{100 * ENGINE['max_relative_drawdown']:.2f} %"
    assert shown["Largest drawdown, closed trades only"] == closed_fall


def test_the_engines_numbers_of_rejected_signals_are_shown_with_their_reason(
    tmp_path: Path,
) -> None:
    counts = {"rejected_signals": 0, "timedout_entry_orders": 3, "locks": [{}, {}]}

    parts = report_parts(read(stored(tmp_path, changed(**counts))), equity=None, candles=[])

    assert {each.label: each.value for each in parts.rejected} == {
        "Entry signals without a free slot (max_open_trades)": "0",
        "Locks of pairs by protections": "2",
        "Entry orders that timed out": "3",
    }


def test_the_final_balance_is_computed_from_the_trades(tmp_path: Path) -> None:
    result = read(stored(tmp_path, changed(final_balance=1.0)))

    assert result.summary.final_balance == pytest.approx(1000 + ENGINE["profit_total_abs"])


def test_the_period_ends_when_the_last_candle_closes(result: BacktestResult) -> None:
    assert result.summary.period == TimeRange(
        start=START, stop=datetime(2025, 1, 1, 18, 30, tzinfo=UTC)
    )


def test_figures_that_are_not_counted_again_are_marked_as_the_engines(
    result: BacktestResult,
) -> None:
    assert result.engine_figures["sharpe"] == ENGINE["sharpe"]
    assert result.engine_figures["market_change"] == ENGINE["market_change"]
    assert result.stake_currency == "USDT"


def test_a_figure_that_is_not_a_number_is_read_as_none(tmp_path: Path) -> None:
    result = read(stored(tmp_path, changed(sharpe=float("nan"))))

    assert result.engine_figures["sharpe"] is None


@pytest.mark.parametrize("name", ["sharpe", "sortino", "sqn"])
def test_a_ratio_that_is_made_of_rounding_errors_is_no_figure(tmp_path: Path, name: str) -> None:
    # Of 202 equal trades on a price that never changed; investing-algorithm-framework 599.
    result = read(stored(tmp_path, changed(**{name: -189_839_357_969_459_296.0})))

    assert result.engine_figures[name] is None


def test_tags_that_are_numbers_are_text(tmp_path: Path) -> None:
    trades = deepcopy(ENGINE["trades"][:4])
    tags: tuple[object, ...] = (1, 2.5, None, "dip")
    for trade, tag in zip(trades, tags, strict=True):
        trade |= {"enter_tag": tag, "exit_reason": 7 if tag == 1 else "roi"}

    result = read(stored(tmp_path, changed(trades=trades)))
    write_trades(result.trades, tmp_path / "trades.parquet")

    parts = report_parts(result, equity=None, candles=())
    assert [each.name for each in parts.entry_tags] == ["(none)", "1", "2.5", "dip"]
    assert [each.name for each in parts.exit_reasons] == ["7", "roi"]
    assert {each.enter_tag for each in parts.trades} == {"1", "2.5", "", "dip"}
    rows = pq.read_table(tmp_path / "trades.parquet").to_pylist()
    assert [(row["enter_tag"], row["exit_reason"]) for row in rows] == [
        ("1", "7"),
        ("2.5", "roi"),
        (None, "roi"),
        ("dip", "roi"),
    ]


@pytest.mark.parametrize("name", ["sharpe", "sortino", "calmar", "sqn"])
def test_the_engines_mark_for_a_ratio_that_cannot_be_computed_is_no_figure(
    tmp_path: Path, name: str
) -> None:
    result = read(stored(tmp_path, changed(market_change=-100.0, **{name: -100.0})))

    assert result.engine_figures[name] is None
    assert result.engine_figures["market_change"] == -100.0


def test_the_digest_covers_every_field_of_every_trade(tmp_path: Path) -> None:
    trades = deepcopy(ENGINE["trades"])
    trades[-1]["orders"][0]["ft_order_tag"] = "other"

    one = read(stored(tmp_path / "one", CAPTURED))
    again = read(stored(tmp_path / "again", CAPTURED))
    other = read(stored(tmp_path / "other", changed(trades=trades)))
    turned = read(stored(tmp_path / "turned", changed(trades=ENGINE["trades"][::-1])))

    assert one.trades_digest == again.trades_digest
    assert len({one.trades_digest, other.trades_digest, turned.trades_digest}) == 3


def test_a_backtest_without_trades_has_figures_too(tmp_path: Path) -> None:
    summary = read(stored(tmp_path, changed(trades=[]))).summary

    assert summary.final_balance == 1000
    assert summary.max_drawdown == 0
    assert [each.name for each in summary.per_pair] == ["BTC/USDT", "ETH/USDT", "XRP/USDT"]
    assert summary.total.winrate is None


@pytest.mark.parametrize(
    "result",
    [
        {"strategy": {}},
        changed(starting_balance=2000),
        changed(trades=[{"pair": "BTC/USDT"}]),
        changed(timeframe="fortnight"),
        changed(trades=None),
    ],
)
def test_a_result_that_is_not_usable_is_refused(tmp_path: Path, result: object) -> None:
    with pytest.raises(StorageError, match="no usable backtest result of WaveRider"):
        read(stored(tmp_path, result))


def test_a_missing_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="the engine's log says how it ended"):
        read(tmp_path / "engine-result.zip")


def test_a_torn_archive_is_refused(tmp_path: Path) -> None:
    archive = stored(tmp_path, CAPTURED)
    archive.write_bytes(archive.read_bytes()[:100])

    with pytest.raises(StorageError, match="BadZipFile"):
        read(tmp_path / "engine-result.zip")


def test_the_balance_has_one_point_per_closing_instant() -> None:
    trades = [closed(2, -5), closed(1, 10), closed(2, 5)]

    points = summarize(trades, starting_balance=100, period=YEAR).balance

    assert [(point.at - START, point.balance) for point in points] == [
        (timedelta(0), 100),
        (timedelta(hours=1), 110),
        (timedelta(hours=2), 110),
    ]


@given(st.lists(st.floats(-1e3, 1e3), max_size=20))
def test_a_drawdown_is_never_negative_and_zero_exactly_at_a_peak(profits: list[float]) -> None:
    trades = [closed(hour, profit) for hour, profit in enumerate(profits)]

    points = summarize(trades, starting_balance=1e6, period=YEAR).balance

    for index, point in enumerate(points):
        peak = max(each.balance for each in points[: index + 1])
        assert point.drawdown >= 0
        assert point.balance == pytest.approx(peak * (1 - point.drawdown))
        assert (point.drawdown == 0) == (point.balance == peak)


def test_trades_closing_together_cannot_invent_a_drawdown() -> None:
    trades = [closed(1, -50), closed(1, 60)]

    assert summarize(trades, starting_balance=100, period=YEAR).max_drawdown == 0


def test_the_largest_drawdown_is_that_by_ratio_and_not_by_money() -> None:
    trades = [closed(1, -50), closed(2, 950), closed(3, -60)]

    summary = summarize(trades, starting_balance=100, period=YEAR)

    assert summary.max_drawdown == 0.5


def test_a_loss_from_the_start_falls_from_the_starting_balance() -> None:
    assert summarize([closed(5, -1)], starting_balance=100, period=YEAR).max_drawdown == 0.01


def test_yearly_growth_counts_the_exact_time() -> None:
    half = TimeRange(start=START, stop=START + timedelta(days=182.5))
    day = TimeRange(start=START, stop=START + timedelta(days=1))

    assert summarize([closed(1, 10)], starting_balance=100, period=YEAR).cagr == pytest.approx(0.1)
    assert summarize([closed(1, 10)], starting_balance=100, period=half).cagr == pytest.approx(0.21)
    assert summarize([], starting_balance=100, period=day).cagr == 0


@pytest.mark.parametrize(("hours", "profit"), [(23, 1.0), (24, -101.0), (24, 1e9)])
def test_yearly_growth_is_none_where_it_would_mean_nothing(hours: int, profit: float) -> None:
    period = TimeRange(start=START, stop=START + timedelta(hours=hours))

    assert summarize([closed(1, profit)], starting_balance=100, period=period).cagr is None


def test_a_profit_factor_needs_a_loss_to_divide_by() -> None:
    assert summarize([closed(1, 1)], starting_balance=100, period=YEAR).total.profit_factor is None


def test_trades_are_written_as_typed_columns(result: BacktestResult, tmp_path: Path) -> None:
    write_trades(result.trades, tmp_path / "trades.parquet")

    table = pq.read_table(tmp_path / "trades.parquet")
    first = table.slice(0, 1).to_pylist()[0]
    engine = ENGINE["trades"][0]
    assert table.num_rows == ENGINE["total_trades"]
    assert table.schema.field("open_date").type == pa.timestamp("ms", tz="UTC")
    assert first["open_date"] == datetime.fromisoformat(engine["open_date"])
    assert json.loads(first["orders"]) == engine["orders"]
    scalars = engine.keys() - {"open_date", "close_date", "orders"}
    assert {name: first[name] for name in scalars} == {name: engine[name] for name in scalars}


def test_a_field_that_is_new_to_us_is_kept_as_json(tmp_path: Path) -> None:
    trade: Mapping[str, Any] = MappingProxyType({"pair": "BTC/USDT", "mood": {"calm": True}})

    write_trades([trade], tmp_path / "trades.parquet")

    row = pq.read_table(tmp_path / "trades.parquet").to_pylist()[0]
    assert row["mood"] == '{"calm": true}'
    assert row["profit_abs"] is None


def test_a_file_without_trades_has_the_same_columns(result: BacktestResult, tmp_path: Path) -> None:
    write_trades(result.trades, tmp_path / "some.parquet")
    write_trades([], tmp_path / "none.parquet")

    assert pq.read_schema(tmp_path / "none.parquet") == pq.read_schema(tmp_path / "some.parquet")
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0
