"""Tables and sentences: text from outside is printed as it is, and does nothing."""

import argparse
import csv
import io
import json
import logging
import math
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode, RunManifest, Verdict
from tradai.entrypoint._commands.arguments import start_logging
from tradai.entrypoint._commands.console import (
    print_csv,
    print_failure,
    print_json,
    print_result,
    print_summary,
    print_table,
    print_text,
)

START = datetime(2026, 1, 1, tzinfo=UTC)

# The commands print through these functions, which have no public name.


def test_a_table_has_columns_as_wide_as_their_widest_cell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(
        ("name", "value"), [("a", "1"), ("longer", ""), ("\u7b56\u7565", "2"), ("e\u0301", "3")]
    )

    assert capsys.readouterr().out == (
        "name    value\na       1\nlonger\n\u7b56\u7565    2\ne\u0301       3\n"
    )


def test_a_cell_may_have_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("fact", "value"), [("versions", "python: 3\ntradai: 1"), ("mode", "train")])

    assert capsys.readouterr().out == (
        "fact      value\nversions  python: 3\n          tradai: 1\nmode      train\n"
    )


@pytest.mark.parametrize(
    "text", ["a[/nope].yaml", "[bold]x[/bold]", "[buy, sell]", ":smile:", "x" * 500]
)
def test_text_in_a_table_is_printed_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("one", "two"), [(text, "end")])

    assert capsys.readouterr().out.splitlines()[1] == f"{text}  end"


def test_control_characters_are_printed_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b]0;title\x07 \x9b2J \u202egnp.exe \udcff"

    print_table(("one",), [(hostile,)])
    print_text(hostile)
    print_failure(hostile)

    shown = capsys.readouterr()
    inert = "\\x1b]0;title\\x07 \\x9b2J \\u202egnp.exe \\udcff"
    assert shown.out == f"one\n{inert}\n{inert}\n"
    assert shown.err == f"tradai-entrypoint: {inert}\n"


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make standard output a terminal of a width."""

    def widen(columns: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")

    return widen


def test_on_a_terminal_the_head_is_bold_and_the_last_column_is_wrapped(
    on_terminal: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    on_terminal(30)

    print_table(("run", "verdict"), [("run-1", "the words of it do not fit in here")])

    assert capsys.readouterr().out == (
        "\x1b[1mrun    verdict\n\x1b[0mrun-1  the words of it do not\n       fit in here\n"
    )


def test_a_dumb_terminal_gets_no_style(
    on_terminal: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on_terminal(80)
    monkeypatch.setenv("TERM", "dumb")

    print_table(("run",), [("run-1",)])

    assert capsys.readouterr().out == "run\nrun-1\n"


def test_a_number_that_json_does_not_have_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [math.nan, (1.5, math.inf)], "b": {"c": -math.inf, "d": "NaN", 5: True}})

    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "a": [None, [1.5, None]],
        "b": {"c": None, "d": "NaN", "5": True},
    }


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+SUM(A1)", "-2+3", "@cmd", "-", '=HYPERLINK("http://x.example")'],
)
def test_a_spreadsheet_takes_no_text_of_a_csv_for_a_formula(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_csv(("name",), [(text,)])

    (_, (cell,)) = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert cell == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-9.5, "-9.5"),
        (3, "3"),
        (None, ""),
        ("-9.58", "-9.58"),
        ("+1e3", "+1e3"),
        ("a=b", "a=b"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
    ],
)
def test_numbers_and_other_text_of_a_csv_stay_as_they_are(
    value: object, cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_csv(("a", "=b"), [(value, "x")])

    assert capsys.readouterr().out == f"a,'=b\n{cell},x\n"


def test_the_figures_of_a_run_have_the_labels_and_signs_of_its_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = RunManifest(
        run_id="r",
        trace_id="r",
        mode=TradingMode.BACKTEST,
        state="ended",
        started_at=START,
        config={"stake_currency": "USDT"},
    )
    record.results |= {
        "trades": 1200,
        "wins_draws_losses": "800 / 0 / 400",
        "profit_percent": 1.5,
        "profit_USDT": 15.0,
        "final_balance": 1015.0,
        "max_drawdown_percent": 0.0,
        "equity_drawdown_percent": 8.55,
        "profit_factor": None,
        "last_candle": "2025-07-01 00:00 UTC",
        "entry_signals": 7,
        "is_partial": True,
    }

    done = Verdict(exit_code=ExitCode.DONE, sentence="done")
    print_result(record, done, place="runs/r", report=None)

    shown = capsys.readouterr().out.splitlines()
    assert [tuple(re.split("  +", line)) for line in shown[1:-2]] == [
        ("Trades", "1,200"),
        ("Won, drawn, lost", "800 / 0 / 400"),
        ("Profit on the start", "+1.50 %"),
        ("Profit", "+15.00 USDT"),
        ("Final balance", "1,015.00 USDT"),
        ("Largest drawdown, closed trades only", "none"),
        ("Largest drawdown", "\N{MINUS SIGN}8.55 %"),
        ("Profit factor", "-"),
        ("Last candle closes", "2025-07-01 00:00 UTC"),
        ("Entry signals", "7"),
        ("Is partial", "True"),
    ]


def test_the_trades_by_pair_follow_the_figures_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = RunManifest(
        run_id="r", trace_id="r", mode=TradingMode.BACKTEST, state="ended", started_at=START
    )
    record.results["trades"] = 4
    pairs = {"name": ["BTC/USDT"], "trades": [4], "wins": [1], "profit_abs": [-12.345]}
    (tmp_path / "report.json").write_text(json.dumps({"currency": "USDT", "pairs": pairs}))

    print_summary(record, Verdict(exit_code=ExitCode.DONE, sentence="done"), tmp_path)

    shown = capsys.readouterr().out
    assert shown.startswith(
        "result\nTrades  4\n\npair      trades  profit       win rate\n"
        "BTC/USDT  4       \N{MINUS SIGN}12.35 USDT  25.0 %\nrun: "
    )


def test_a_library_that_counts_its_threads_is_not_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_logging(argparse.Namespace(log_format="console", log_level="INFO"))

    logging.getLogger("numexpr.utils").info("NumExpr defaulting to 2 threads.")
    logging.getLogger("numexpr.utils").warning("NumExpr detected 256 cores")

    assert "defaulting" not in (shown := capsys.readouterr().err)
    assert "detected 256 cores" in shown
