"""The robustness of a backtest, on the real engine."""

import json
import signal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


def test_an_analysis_that_was_interrupted_says_how_many_runs_it_has_of_how_many(
    tradai: Any, start: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    words = (
        *("analyse", strategy, "--robust", "--data", candles, "--sets", "2", "--limit", "1"),
        *("--walk-forward", "none", "execution.fee=0"),
    )
    analysis = start(*words)
    analysis.wait_for(lambda: "2 of 3 runs" in analysis.stderr(), event="the second run")

    analysis.process.send_signal(signal.SIGINT)

    assert analysis.process.wait() == 130
    (folder,) = (path.parent for path in (tmp_path / ".tradai/analyses").glob("*/unfinished.json"))
    assert f"{folder.name} is unfinished: 2 of 3 runs; the same command goes on" in (
        analysis.stderr()
    )
    listed = tradai("runs", "list", "--all").stdout
    assert f"analysis {folder.name} (unfinished: 2 of 3 runs)" in listed
    assert tradai(*words).code == 0
    assert "unfinished" not in tradai("runs", "list", "--all").stdout


def test_a_backtest_is_compared_with_changed_ones_and_walked_forward_once(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    words = (
        *("analyse", strategy, "--robust", "--data", candles, "--sets", "1", "--json"),
        *("--walk-forward", "20d/7d", "execution.fee=0"),
    )

    made = tradai(*words)

    assert made.code == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["base"]["figures"]["trades"] > 0
    tests = [each["test"] for each in found["findings"]]
    assert tests == ["parameters", *found["costs"], "bootstrap", "walk-forward"], found["problem"]
    # Without a fee, twice as much is as little.
    assert found["costs"]["fee doubled"]["cost_percent"] == 0
    assert found["costs"]["slippage added"]["cost_percent"] > 0
    (window,) = found["walk_forward"]["windows"]
    assert (window["training"], window["test"]) == ("20250105-20250125", "20250125-20250201")
    manifest = json.loads((tmp_path / "runs" / window["test_run"] / "manifest.json").read_text())
    assert manifest["results"]["profit_percent"] == window["test_profit_percent"]
    assert manifest["part_of"] == "analysis"
    rows = pq.read_table(tmp_path / found["folder"] / "runs.parquet").to_pylist()
    runs = {path.name for path in (tmp_path / "runs").iterdir()}
    assert {row["run_id"] for row in rows} == runs
    # Two sets train, and the better one is tested.
    assert [row["timerange"] for row in rows[2:]] == [*2 * [window["training"]], window["test"]]
    assert (tmp_path / found["folder"] / "report.html").is_file()
    again = json.loads(tradai(*words).stdout)
    assert again["findings"] == found["findings"]
    assert {path.name for path in (tmp_path / "runs").iterdir()} == runs


def test_a_backtest_with_too_few_trades_ends_with_its_own_exit_code(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    words = ("analyse", strategy, "--robust", "--data", candles, "--timerange", "20250105-20250106")

    made = tradai(*words)

    assert made.code == 65, made.stderr
    assert "Too few trades to say: the backtest has " in made.stdout
