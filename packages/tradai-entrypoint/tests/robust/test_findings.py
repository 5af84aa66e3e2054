"""Sentences of the findings, and the cases in which there is nothing to test."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint._robust.bootstrap import Bootstrap
from tradai.entrypoint._robust.page import robustness_page
from tradai.entrypoint._robust.result import Robustness
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.variants import Variant


def outcome(number: int = 1, *, profit: float | None = None, **values: str) -> RunOutcome:
    figures: dict[str, JsonValue] = {} if profit is None else {"profit_percent": profit}
    code = 76 if profit is None else 0
    return RunOutcome(
        variant=Variant(number=number, values={f"execution.{key}": values[key] for key in values}),
        run_id=f"run-{number}",
        exit_code=code,
        verdict="failed" if code else "done",
        figures=figures,
    )


def result(profit: float | None = 10.0, trades: int = 40) -> Robustness:
    return Robustness(
        base=outcome(profit=profit),
        trades=trades,
        balance=1_000.0,
        shaking_share=0.05,
        shaken_keys=("execution.stoploss",),
    )


def survivor() -> Robustness:
    return result().tested(
        shaken=[outcome(2, profit=8.0), outcome(3, profit=-1.0), outcome(4, profit=5.0)],
        costs={
            "fee doubled": outcome(5, profit=2.5, fee="0.002"),
            "slippage added": outcome(6, fee="0.0015"),
        },
        bootstrap=Bootstrap.of([2.5] * 40, seed=1, resamples=20),
    )


def test_each_test_has_one_sentence_with_the_share_of_the_profit_that_is_left() -> None:
    shaken, doubled, failed, resampled = (each.sentence for each in survivor().findings)

    assert "2 of 3 sets make a profit" in shaken
    assert (
        "median keeps 50.0 % (+5.00 %) of the profit, the worst nothing (\N{MINUS SIGN}1.00 %)"
        in shaken
    )
    assert "a fee of 0.2 % per order) the strategy keeps 25.0 % (+2.50 %)" in doubled
    assert "a fee of 0.15 % per order) there is no result: failed" in failed
    assert "100.0 % make a profit. The median keeps 100.0 % (+10.00 %)" in resampled


def test_few_trades_and_a_loss_are_not_tested() -> None:
    assert result(trades=30).problem is None
    assert "Too little data: the backtest has 29 trades" in str(result(trades=29).problem)
    assert "nothing that could survive" in str(result(profit=0.0).problem)
    assert "has no result: failed" in str(result(profit=None).problem)
    assert result(trades=29).findings == ()


def test_the_files_have_every_run(tmp_path: Path) -> None:
    survivor().write(tmp_path, "page")

    found = json.loads((tmp_path / "robustness.json").read_text())
    assert [each["run_id"] for each in found["shaken"]] == ["run-2", "run-3", "run-4"]
    assert found["bootstrap"]["profit_percent_median"] == 10.0
    rows = pq.read_table(tmp_path / "runs.parquet").to_pylist()
    assert [row["run_id"] for row in rows] == [f"run-{number}" for number in range(1, 7)]
    assert rows[4]["execution.fee"] == "0.002"
    resamples = pq.read_table(tmp_path / "resamples.parquet").to_pydict()
    assert resamples == {"profit_percent": [10.0] * 20, "drawdown_percent": [0.0] * 20}


def test_the_page_has_findings_runs_resamples_and_assumptions() -> None:
    page = robustness_page(survivor(), "demo-1", "../../runs")

    for finding in survivor().findings:
        assert finding.sentence in page
    assert 'href="../../runs/run-2/report.html"' in page
    assert "slippage added: failed" in page
    assert 'id="curves-bootstrap"' in page
    assert "Slippage is an assumption" in page


def test_the_page_without_tests_gives_the_reason_and_has_no_script() -> None:
    page = robustness_page(result(trades=3), "demo-1", "../../runs")

    assert "Too little data: the backtest has 3 trades" in page
    assert "<script" not in page


def test_a_full_disk_leaves_no_part_of_an_analysis(tmp_path: Path, page_without_room: str) -> None:
    folder = tmp_path / "page"

    with pytest.raises(StorageError, match="the disk is full"):
        survivor().write(folder, page_without_room)

    assert not folder.exists()
