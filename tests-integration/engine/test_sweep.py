"""Sweeps on the real engine: each run is made once, also by a sweep that was killed."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

FAST = "buy_params.buy_fast=8,10,12"


def sweep(tradai: Any, strategy: Path, candles: Path, *more: object) -> Any:
    outcome = tradai("sweep", strategy, "--data", candles, "--limit", "2", "--json", *more)
    assert outcome.code == 0, outcome.stderr
    return json.loads(outcome.stdout)


def trades_of(folder: Path) -> dict[str, str]:
    """Return the digest of the trades of each run by its value of `buy_fast`."""
    manifests = [json.loads(path.read_text()) for path in folder.glob("*/manifest.json")]
    return {
        str(each["config"]["buy_params"]["buy_fast"]): each["digests"]["trades"]
        for each in manifests
    }


def test_a_sweep_makes_the_trades_of_single_runs(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    made = sweep(tradai, strategy, candles, "--vary", FAST)
    single = tradai(
        *("run", strategy, "buy_params.buy_fast=12", "--mode", "backtest", "--data", candles),
        *("--json", "--runs", tmp_path / "single"),
    )

    assert [run["exit_code"] for run in made["runs"]] == [0, 0, 0]
    assert [run["is_reused"] for run in made["runs"]] == [False, False, False]
    digest = json.loads(single.stdout)["digests"]["trades"]
    assert trades_of(tmp_path / "runs")["12"] == digest
    folder = tmp_path / made["folder"]
    assert {path.name for path in folder.iterdir()} == {
        "report.html",
        "runs.parquet",
        "sweep.json",
    }


def test_a_strategy_of_any_name_can_be_swept(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    variants = tmp_path / "variants.yaml"
    variants.write_text("- {name: ../../Two words, buy_params.buy_fast: 12}")

    made = sweep(tradai, strategy, candles, "--list", variants)

    assert [run["exit_code"] for run in made["runs"]] == [0]
    folder = tmp_path / made["folder"]
    assert folder.name.startswith("Two-words-")
    assert folder.resolve() == folder.parent.resolve() / folder.name
    assert (folder / "sweep.json").is_file()


def test_a_sweep_that_was_killed_goes_on_where_it_ended(
    tradai: Any,
    start: Callable[..., Any],
    strategy: Path,
    candles: Path,
    tmp_path: Path,
) -> None:
    vary = ("--vary", "buy_params.buy_fast=8,12")
    killed = start("sweep", strategy, "--data", candles, "--limit", "1", *vary)
    killed.wait_for_event("engine starting")
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    assert "(unfinished: no run yet)" in tradai("runs", "list", "--all").stdout

    made = sweep(tradai, strategy, candles, *vary)

    assert [run["exit_code"] for run in made["runs"]] == [0, 0]
    assert "unfinished" not in tradai("runs", "list", "--all").stdout
    assert len(trades_of(tmp_path / "runs")) == 2
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_the_best_variant_of_each_window_runs_on_the_days_after_it(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    made = sweep(
        *(tradai, strategy, candles, "--vary", "buy_params.buy_fast=8,12"),
        *("--walk-forward", "10d/5d", "--timerange", "20250105-20250125"),
    )

    assert [(window["training"], window["test"]) for window in made["windows"]] == [
        ("20250105-20250115", "20250115-20250120"),
        ("20250110-20250120", "20250120-20250125"),
    ]
    runs = {run["run_id"]: run for run in made["runs"]}
    for window in made["windows"]:
        trained = [run for run in runs.values() if run["timerange"] == window["training"]]
        best = max(trained, key=lambda run: run["figures"]["profit_percent"])
        assert window["training_run"] == best["run_id"]
        test = runs[window["test_run"]]
        assert (test["timerange"], test["values"]) == (window["test"], best["values"])
