"""Result of a sweep: order, files and page."""

import dataclasses
import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tradai.core import TimeRange
from tradai.core.exceptions import ConfigurationError, StorageError
from tradai.entrypoint._report.formatting import MINUS
from tradai.entrypoint._report.model import Figure
from tradai.entrypoint._sweep.outcomes import RunOutcome, best, check_figure, figure_format, ranked
from tradai.entrypoint._sweep.page import sweep_page
from tradai.entrypoint._sweep.result import SweepResult, WindowResult, window_columns, window_rows
from tradai.entrypoint._sweep.walk_forward import Window

Make = Callable[..., RunOutcome]


@pytest.fixture
def result(outcome_of: Make) -> SweepResult:
    return SweepResult(
        name="demo-1",
        command=("tradai-entrypoint", "sweep"),
        figure="profit_percent",
        keys=("buy_params.fast",),
        planned=4,
        outcomes=(
            outcome_of(1, profit_percent=-2.0, trades=4, sharpe=None),
            outcome_of(2, exit_code=78),
            outcome_of(3, profit_percent=1.5, trades=2, sharpe=0.5),
        ),
    )


def numbers(outcomes: list[RunOutcome]) -> list[int]:
    return [each.variant.number for each in outcomes]


def test_the_best_comes_first_and_failures_last(outcome_of: Make) -> None:
    outcomes = [
        outcome_of(1, sharpe=None),
        outcome_of(2, exit_code=70, sharpe=9.0),
        outcome_of(3, sharpe=0.5),
        outcome_of(4, sharpe=2.0),
        outcome_of(5, sharpe=0.5),
    ]

    assert numbers(ranked(outcomes, "sharpe")) == [4, 3, 5, 1, 2]


def test_an_outcome_is_json_with_its_variant_its_run_and_its_figures(outcome_of: Make) -> None:
    reused = replace(outcome_of(3, profit_percent=1.5), is_reused=True)

    assert reused.to_json() == {
        "values": {"buy_params.fast": "3"},
        "run_id": "run-3",
        "exit_code": 0,
        "verdict": "done",
        "is_reused": True,
        "figures": {"profit_percent": 1.5},
    }
    refused = outcome_of(2, exit_code=78).to_json()
    assert (refused["run_id"], refused["exit_code"], refused["figures"]) == (None, 78, {})


def test_less_drawdown_is_better(outcome_of: Make) -> None:
    outcomes = [outcome_of(1, max_drawdown_percent=4.0), outcome_of(2, max_drawdown_percent=3.0)]

    assert numbers(ranked(outcomes, "max_drawdown_percent")) == [2, 1]


def test_variants_are_compared_by_the_drawdown_with_open_positions(outcome_of: Make) -> None:
    check_figure("equity_drawdown_percent")
    falls = ((4.0, 5.0), (3.0, 6.0))
    outcomes = [
        outcome_of(number, max_drawdown_percent=closed, equity_drawdown_percent=whole)
        for number, (closed, whole) in enumerate(falls, 1)
    ]

    assert numbers(ranked(outcomes, "equity_drawdown_percent")) == [1, 2]


def test_the_table_has_the_drawdown_with_open_positions_where_it_is_known(
    result: SweepResult, outcome_of: Make
) -> None:
    run = outcome_of(1, max_drawdown_percent=4.0, equity_drawdown_percent=5.0)
    known = replace(result, outcomes=(run,))
    by_closed = replace(known, figure="max_drawdown_percent")

    assert result.columns[3] == "largest drawdown, closed trades only"
    assert (known.columns[3], known.row(run)[3]) == ("largest drawdown", f"{MINUS}5.00 %")
    assert by_closed.columns[-2:] == ("largest drawdown, closed trades only", "run")
    assert by_closed.row(run)[-2] == f"{MINUS}4.00 %"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "much", True])
def test_a_run_without_the_number_is_not_the_best(outcome_of: Make, value: object) -> None:
    assert best([outcome_of(1, sharpe=value)], "sharpe") is None


def test_an_unknown_figure_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="profit_percent, max_drawdown_percent"):
        check_figure("luck")


def test_the_sentence_counts_what_is_missing(result: SweepResult) -> None:
    assert result.sentence() == (
        "sweep demo-1: 2 of 4 runs have a result, 1 failed, 1 were not run"
    )


def test_the_sentence_tells_stopped_runs_from_those_that_were_not_begun(
    result: SweepResult,
) -> None:
    interrupted = replace(result, planned=6, stopped=2)

    assert interrupted.sentence() == (
        "sweep demo-1: 2 of 6 runs have a result, 1 failed, 2 were stopped, 1 were not run"
    )


def test_the_files_have_every_run(result: SweepResult, tmp_path: Path) -> None:
    result.write(tmp_path, "<p>a page</p>")

    table = pq.read_table(io.BytesIO((tmp_path / "runs.parquet").read_bytes())).to_pylist()
    assert [row["buy_params.fast"] for row in table] == ["3", "1", "2"]
    assert [row["profit_percent"] for row in table] == [1.5, -2.0, None]
    assert [row["exit_code"] for row in table] == [0, 0, 78]
    facts = json.loads((tmp_path / "sweep.json").read_text())
    assert [run["exit_code"] for run in facts["runs"]] == [0, 0, 78]
    assert (tmp_path / "report.html").read_text() == "<p>a page</p>"


def test_a_sweep_without_runs_can_be_written(tmp_path: Path) -> None:
    SweepResult(
        name="none", command=(), figure="trades", keys=("a",), planned=1, outcomes=()
    ).write(tmp_path, "")

    assert pq.read_table(io.BytesIO((tmp_path / "runs.parquet").read_bytes())).num_rows == 0


def test_the_page_says_what_all_runs_have_in_common(result: SweepResult) -> None:
    page = sweep_page(result, "runs", [Figure("Pairs", "BTC/USDT <b>")])

    assert "<h2>All runs</h2>" in page
    assert "BTC/USDT &lt;b&gt;" in page
    assert "All runs" not in sweep_page(result, "runs")


def test_a_notice_of_all_runs_is_said_once_on_the_page_and_in_the_json(result: SweepResult) -> None:
    bias = "bias was found in this strategy source by run a: no result of it can be believed"
    own = [("made <rules>", "no trades"), ("of a failed run",), ("made <rules>", bias)]
    outcomes = tuple(
        replace(each, notices=notices) for each, notices in zip(result.outcomes, own, strict=True)
    )
    noted = replace(result, outcomes=outcomes)

    page = sweep_page(noted, "runs")

    assert noted.to_json()["notices"] == ["made <rules>", bias]
    assert page.count("made &lt;rules&gt;") == page.count(bias) == 1
    assert "no trades" not in page
    assert "of a failed run" not in page
    assert 'aria-label="Notices"' not in sweep_page(result, "runs")


def test_the_page_says_in_which_order_its_runs_are(result: SweepResult) -> None:
    span = TimeRange.parse("20250101-20250201")
    window = Window(number=1, training=span, test=span)
    windows = (WindowResult(window=window, training=None, test=None),)
    walked = dataclasses.replace(result, windows=windows)

    assert "The best profit on the start comes first." in sweep_page(result, "runs")
    assert "sorted by time range; in each, the best profit on the start comes first." in sweep_page(
        walked, "runs"
    )


def test_a_folder_of_runs_may_have_any_name(result: SweepResult) -> None:
    page = sweep_page(result, "../my #1 runs?")

    assert '<a href="../my%20%231%20runs%3F/run-3/report.html" title="run-3">' in page


def test_the_page_links_to_the_reports_and_lists_failures(result: SweepResult) -> None:
    page = sweep_page(result, "../../runs")

    assert '<a href="../../runs/run-3/report.html" title="run-3">report</a>' in page
    assert page.index("run-3") < page.index("run-1")
    assert "<h2>Failed</h2>" in page
    assert "script-src &#x27;none&#x27;" in page or "script-src 'none'" in page


def test_the_page_links_to_reports_in_a_folder_with_any_letters(result: SweepResult) -> None:
    assert 'href="../../runs%20%231/run-3/report.html"' in sweep_page(result, "../../runs #1")


def test_the_page_names_reports_that_are_in_a_store(result: SweepResult) -> None:
    page = sweep_page(result, "s3://bucket/runs/")

    assert "<td>s3://bucket/runs/run-3/report.html</td>" in page
    assert "<a href" not in page


def test_text_of_a_variant_is_escaped_in_the_page(outcome_of: Make) -> None:
    result = SweepResult(
        name="<b>",
        command=(),
        figure="trades",
        keys=("buy_params.fast",),
        planned=1,
        outcomes=(outcome_of(1, exit_code=78),),
    )

    assert "<b>" not in sweep_page(result, "runs")


def test_a_window_shows_the_best_of_its_training_range(outcome_of: Make) -> None:
    first = TimeRange.parse("20250101-20250201")
    second = TimeRange.parse("20250201-20250301")
    window = Window(number=1, training=first, test=second)
    windows = (
        WindowResult(
            window=window,
            training=outcome_of(1, profit_percent=2.0),
            test=outcome_of(1, profit_percent=-1.0),
        ),
        WindowResult(window=window, training=None, test=None),
    )
    result = SweepResult(
        name="w",
        command=(),
        figure="profit_percent",
        keys=(),
        planned=1,
        outcomes=(),
        windows=windows,
    )

    assert list(window_rows(result)) == [
        (str(first), str(second), "fast=1", "+2.00 %", f"{MINUS}1.00 %"),
        (str(first), str(second), "-", "-", "-"),
    ]


def test_amounts_have_the_currency_that_all_runs_have(outcome_of: Make) -> None:
    facts = {"final_balance": 1.0, "expectancy": 0.0000123}
    bitcoin = replace(outcome_of(1, **facts), currency="BTC")
    euro = replace(outcome_of(2, **facts), currency="EUR")

    assert figure_format([bitcoin]).text("expectancy", 0.0000123) == "0.00001230 BTC"
    assert figure_format([bitcoin, euro]).currency == ""


def test_windows_that_are_chosen_by_profit_show_it_once_for_each_range() -> None:
    assert window_columns("profit_percent")[3:] == (
        "profit on the start, training",
        "profit on the start, test",
    )
    assert window_columns("sharpe")[3:] == (
        "Sharpe (engine), training",
        "Sharpe (engine), test",
        "profit on the start, test",
    )


def test_a_full_disk_leaves_no_part_of_a_sweep(
    result: SweepResult, tmp_path: Path, page_without_room: str
) -> None:
    folder = tmp_path / "page"

    with pytest.raises(StorageError, match="the disk is full"):
        result.write(folder, page_without_room)

    assert not folder.exists()
