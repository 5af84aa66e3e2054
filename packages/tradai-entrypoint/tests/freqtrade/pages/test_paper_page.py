"""Part of the report of a dry-run, from a trade database with the columns of the engine."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.core.exceptions import StorageError
from tradai.entrypoint import Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._paper.paper_status import OpenTrade, PaperStatus
from tradai.entrypoint._report.data import report_data
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint.freqtrade import recorded_parts

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
ENDED = datetime(2026, 1, 3, tzinfo=UTC)
MINUS = "\N{MINUS SIGN}"
CONFIG = {
    "name": "wave-rider",
    "version": "1.0.0",
    "strategy": {"class": "WaveRider", "source": "wave_rider.py"},
    "timeframe": "15m",
    "pairs": ["BTC/USDT"],
    "stake_currency": "USDT",
    "execution": {"starting_balance": "1000"},
}
TABLES = """
CREATE TABLE trades (
    id INTEGER PRIMARY KEY, pair TEXT, is_short BOOLEAN, is_open BOOLEAN, open_date DATETIME,
    close_date DATETIME, open_rate FLOAT, close_rate FLOAT, initial_stop_loss FLOAT,
    stop_loss FLOAT, realized_profit FLOAT, close_profit_abs FLOAT, close_profit FLOAT,
    enter_tag TEXT, exit_reason TEXT, amount FLOAT, stake_amount FLOAT,
    leverage FLOAT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, ft_trade_id INTEGER, ft_pair TEXT, ft_order_side TEXT,
    ft_order_tag TEXT, order_date DATETIME, average FLOAT, filled FLOAT);
INSERT INTO trades VALUES
    (1, 'BTC/USDT', 0, 0, '2026-01-02 01:00:07.5', '2026-01-02 02:00:09', 100, 110, 90, 95,
     9.5, 9.5, 0.095, 'dip', 'exit_signal', 1, 100, 1),
    (2, 'BTC/USDT', 0, 0, '2026-01-02 03:00:07', '2026-01-02 03:20:00', 100, 90, 90, 90,
     -10.5, -10.5, -0.105, 'dip', 'stop_loss', 1, 100, 1),
    (3, 'BTC/USDT', 0, 1, '2026-01-02 23:45:03', NULL, 200, NULL, 180, 180,
     0, NULL, NULL, 'rise', NULL, 0.5, 100, 1);
INSERT INTO orders VALUES
    (1, 1, 'BTC/USDT', 'buy', 'dip', '2026-01-02 01:00:07', 101, 1),
    (2, 1, 'BTC/USDT', 'sell', 'exit_signal', '2026-01-02 02:00:09', 110, 1),
    (3, 2, 'BTC/USDT', 'buy', 'dip', '2026-01-02 03:00:07', 99, 1),
    (4, 2, 'BTC/USDT', 'sell', 'stop_loss', '2026-01-02 03:20:00', 90, 1),
    (5, 3, 'BTC/USDT', 'buy', 'rise', '2026-01-02 23:45:03', 200, 0.5);
"""
CANDLES = [
    ("2026-01-02T00:45", 50.0),
    ("2026-01-02T01:00", 100.0),
    ("2026-01-02T02:00", 111.0),
    ("2026-01-02T03:00", 100.0),
    ("2026-01-02T03:15", 95.0),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder of a dry-run with two closed trades and an open one."""
    with closing(sqlite3.connect(tmp_path / "trades.sqlite")) as opened:
        opened.executescript(TABLES)
    return tmp_path


def record_of(**facts: object) -> RunManifest:
    return RunManifest.model_validate(
        {
            "run_id": "run-1",
            "trace_id": "run-1",
            "mode": TradingMode.DRY_RUN,
            "state": "ended",
            "started_at": BEGAN,
            "ended_at": ENDED,
            "config": CONFIG,
            **facts,
        }
    )


def parts_of(folder: Path, data: Path | None = None, **facts: object) -> RunReportParts:
    record = record_of(**facts)
    parts = recorded_parts(folder, record, data=str(data) if data else None)
    assert parts
    return parts


def figure_of(parts: RunReportParts, label: str) -> str:
    return next(each.value for each in parts.figures if each.label == label)


def section(parts: RunReportParts, title: str) -> str:
    return next(each.content for each in parts.sections if each.title == title)


def candles_in(folder: Path) -> Path:
    import pandas as pd

    folder.mkdir()
    frame = pd.DataFrame(
        {"date": pd.to_datetime([at for at, _ in CANDLES], utc=True)}
        | {name: [price for _, price in CANDLES] for name in ("open", "high", "low", "close")}
        | {"volume": [1.0] * len(CANDLES)}
    )
    frame.to_parquet(folder / "BTC_USDT-15m.parquet")
    return folder


def test_closed_trades_make_the_balance_and_the_list_and_open_ones_do_not(folder: Path) -> None:
    parts = parts_of(folder)

    assert [(each.pair, each.exit_reason) for each in parts.trades] == [
        ("BTC/USDT", "exit_signal"),
        ("BTC/USDT", "stop_loss"),
    ]
    assert parts.trades[0].opened_at == datetime(2026, 1, 2, 1, 0, 7, 500_000, tzinfo=UTC)
    assert [point.balance for point in parts.balance] == [1000.0, 1009.5, 999.0]
    assert [each.name for each in parts.exit_reasons] == ["exit_signal", "stop_loss"]
    assert [each.name for each in parts.entry_tags] == ["dip"]


def test_an_open_position_has_its_profit_at_the_last_price_that_the_engine_saw(
    folder: Path,
) -> None:
    trade = OpenTrade(
        pair="BTC/USDT", opened_at="", amount=0.5, open_rate=200, stake=100, profit=-2
    )
    PaperStatus(at=ENDED, currency="USDT", open_trades=(trade,)).write(folder)

    parts = parts_of(folder)

    shown = section(parts, "Open positions")
    assert "2026-01-02 23:45" in shown
    assert "\N{MINUS SIGN}2.00 %" in shown
    assert "saw at 2026-01-03 00:00:00 UTC" in shown
    assert parts.highlights[-1].value == "\N{MINUS SIGN}2.00 USDT"
    assert json.loads(report_data(parts))["positions"]["profit"] == [-2.0]


def test_an_entry_that_waits_to_be_filled_is_no_position(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "trades.sqlite")) as opened:
        opened.execute("UPDATE trades SET amount = 0 WHERE is_open")
        opened.commit()

    parts = parts_of(folder)

    shown = section(parts, "Open positions")
    assert "No position was open at the end." in shown
    assert "Entries that wait to be filled: BTC/USDT." in shown
    assert [each.value for each in parts.highlights[-2:]] == ["0", "0.00 USDT"]
    assert json.loads(report_data(parts))["positions"]["pair"] == []


def test_without_an_answer_of_the_engine_the_profit_of_a_position_is_not_known(
    folder: Path,
) -> None:
    parts = parts_of(folder)

    assert "is not known" in section(parts, "Open positions")
    assert parts.highlights[-1].value == "not known"


def test_without_candles_the_slippage_is_not_known_and_the_page_says_how_to_get_it(
    folder: Path,
) -> None:
    parts = parts_of(folder)

    assert "report RUN --data DIR" in section(parts, "Slippage against a backtest")
    assert "slippage" not in json.loads(report_data(parts))


def test_entries_and_exits_by_signal_are_compared_with_the_opening_price_of_their_candle(
    folder: Path, tmp_path: Path
) -> None:
    parts = parts_of(folder, candles_in(tmp_path / "candles"))

    found = json.loads(report_data(parts))["slippage"]
    # A dear purchase and a cheap sale are worse; the stop has no price, the last entry no candle.
    assert found["side"] == ["buy", "sell", "buy"]
    assert found["backtest_price"] == [100.0, 111.0, 100.0]
    assert found["cost"] == [1.0, 1.0, -1.0]
    assert found["ratio"] == [0.01, pytest.approx(1 / 111), -0.01]
    assert "opening price" in section(parts, "Slippage against a backtest")


def test_slippage_and_its_cost_are_shown_as_finely_as_they_are(
    folder: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(folder / "trades.sqlite")) as opened:
        opened.execute("UPDATE orders SET average = 100.0023 WHERE id = 1")
        opened.commit()

    parts = parts_of(folder, candles_in(tmp_path / "candles"))

    shown = section(parts, "Slippage against a backtest")
    assert ">+0.0023 %<" in shown
    assert f">{MINUS}0.9977<" in shown
    assert figure_of(parts, "Cost of slippage") == "+0.0023 USDT"


def test_a_result_that_is_highlighted_is_not_repeated(folder: Path) -> None:
    results = {"closed_trades": 2, "realized_profit_USDT": -1.0, "orders_removed": 3}

    parts = parts_of(folder, results=results)

    labels = [each.label for each in parts.figures]
    assert labels[-2:] == ["Profit factor", "orders removed"]


@pytest.mark.parametrize(
    ("tag", "sides"),
    [
        ("overbought", ["buy", "sell", "buy"]),
        ("roi", ["buy", "buy"]),
        ("trailing_stop_loss", ["buy", "buy"]),
        ("stoploss_on_exchange", ["buy", "buy"]),
        ("force_exit", ["buy", "buy"]),
        ("emergency_exit", ["buy", "buy"]),
        ("liquidation", ["buy", "buy"]),
    ],
)
def test_an_exit_with_a_tag_of_the_strategy_is_one_by_signal(
    folder: Path, tmp_path: Path, tag: str, sides: list[str]
) -> None:
    with closing(sqlite3.connect(folder / "trades.sqlite")) as opened:
        opened.execute("UPDATE orders SET ft_order_tag = ? WHERE id = 2", (tag,))
        opened.commit()

    parts = parts_of(folder, candles_in(tmp_path / "candles"))

    assert json.loads(report_data(parts))["slippage"]["side"] == sides


def test_candles_of_another_time_compare_nothing(folder: Path, tmp_path: Path) -> None:
    candles = candles_in(tmp_path / "candles")
    with closing(sqlite3.connect(folder / "trades.sqlite")) as opened:
        opened.execute("UPDATE orders SET order_date = '2026-02-01 00:00:00'")
        opened.commit()

    parts = parts_of(folder, candles)

    assert "No fill can be compared" in section(parts, "Slippage against a backtest")


@pytest.mark.parametrize("is_covered", [True, False])
def test_the_command_says_that_candles_compare_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_covered: bool
) -> None:
    candles = candles_in(tmp_path / "candles")
    (folder / "manifest.json").write_text(record_of(exit_code=0).as_json())
    if not is_covered:
        (candles / "BTC_USDT-15m.parquet").unlink()

    code = run_command(["report", str(folder), "--data", str(candles)], interrupts=Interrupts())

    out, err = capsys.readouterr()
    assert (code, out) == (0, f"{folder / 'report.html'}\n")
    assert ("note: no fill of run run-1 can be compared" in err) is not is_covered
    assert (str(candles) in err) is not is_covered


def test_a_continued_run_says_which_run_it_continues_and_with_what(folder: Path) -> None:
    facts = {"continues": "run-0", "balance_USDT": 1009.5, "closed_trades": 1, "changes": ["pairs"]}

    shown = section(parts_of(folder, continuation=facts), "Continuation")

    assert "run-0" in shown
    assert "1,009.5" in shown
    assert "pairs" in shown
    assert "include those of the run" in shown


def test_a_database_without_trades_is_a_page_too(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "trades.sqlite")) as opened:
        opened.execute("DELETE FROM trades")
        opened.commit()

    parts = parts_of(folder)

    assert not parts.trades
    assert "No position was open" in section(parts, "Open positions")


@pytest.mark.parametrize(
    ("table", "column", "rows"),
    [
        ("trades", "stake_amount", "is_open"),
        ("trades", "amount", "is_open"),
        ("trades", "open_rate", "is_open"),
        ("trades", "stop_loss", "is_open"),
        ("trades", "realized_profit", "is_open"),
        ("trades", "open_date", "is_open"),
        ("trades", "open_rate", "id = 1"),
        ("trades", "close_rate", "id = 1"),
        ("trades", "initial_stop_loss", "id = 1"),
        ("trades", "stop_loss", "id = 1"),
        ("trades", "realized_profit", "id = 1"),
        ("trades", "close_profit", "id = 1"),
        ("trades", "leverage", "id = 1"),
        ("trades", "close_date", "id = 1"),
        ("orders", "average", "id = 1"),
        ("orders", "filled", "id = 1"),
        ("orders", "order_date", "id = 1"),
    ],
)
def test_text_in_a_column_of_numbers_or_dates_names_the_file_and_the_column(
    folder: Path, table: str, column: str, rows: str
) -> None:
    with closing(sqlite3.connect(folder / "trades.sqlite")) as opened:
        update = f"UPDATE {table} SET {column} = 'much' WHERE {rows}"  # noqa: S608 - names of the cases
        opened.execute(update)
        opened.commit()

    with pytest.raises(StorageError) as caught:
        parts_of(folder)

    expected = "a date" if column.endswith("_date") else "a number"
    assert f"{folder / 'trades.sqlite'} has" in str(caught.value)
    assert f"whose {column} is not {expected}" in str(caught.value)
