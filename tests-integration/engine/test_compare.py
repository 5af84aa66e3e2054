"""Comparisons on the real engine: a configuration runs once, a page made again is equal."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


def test_configurations_are_run_once_and_compared(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    made = tradai("run", strategy, "--mode", "backtest", "--data", candles, "--run-id", "first")
    assert made.code == 0, made.stderr
    wide = strategy.with_name("wide.yaml")
    wide.write_text(strategy.read_text().replace("max_open_trades: ", "max_open_trades: 1"))

    compared = tradai("compare", strategy, wide, "--data", candles, "--json")

    assert compared.code == 0, compared.stderr
    found = json.loads(compared.stdout)
    first, second = (run["run_id"] for run in found["runs"])
    assert first == "first"
    assert [run["name"] for run in found["runs"]] == [str(strategy), str(wide)]
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert list(found["differing_settings"]) == ["execution.max_open_trades"]
    again = tradai("report", first, second, "--json")
    assert json.loads(again.stdout)["folder"] == found["folder"]
    curves = pq.read_table(tmp_path / found["folder"] / "curves.parquet").to_pydict()
    assert set(curves["run_id"]) == {first, second}


def test_a_report_that_is_made_again_is_the_same_page(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    made = tradai("run", strategy, "--mode", "backtest", "--data", candles, "--run-id", "once")
    assert made.code == 0, made.stderr
    report = tmp_path / "runs/once/report.html"
    before = report.read_bytes()
    report.unlink()

    assert tradai("report", "once").code == 0

    assert report.read_bytes() == before
