"""Comparisons on the real engine: a configuration runs once, a page made again is equal."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tradai.entrypoint import RunManifest


@pytest.fixture
def made(demo_backtest: Any, tmp_path: Path) -> Path:
    """The folder of a run that is there before; a copy of the run that tests share."""
    name = demo_backtest.folder.name
    return Path(shutil.copytree(demo_backtest.folder, tmp_path / "runs" / name))


def test_configurations_are_run_once_and_compared(
    made: Path, tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    wide = strategy.with_name("wide.yaml")
    wide.write_text(strategy.read_text().replace("max_open_trades: ", "max_open_trades: 1"))

    compared = tradai("compare", strategy, wide, "--data", candles, "--json")

    assert compared.code == 0, compared.stderr
    found = json.loads(compared.stdout)
    first, second = (run["run_id"] for run in found["runs"])
    assert first == made.name
    assert [run["name"] for run in found["runs"]] == [str(strategy), str(wide)]
    assert len(list((tmp_path / "runs").iterdir())) == 2
    manifest = RunManifest.read(tmp_path / "runs" / second)
    assert manifest.part_of == "comparison"
    listed = tradai("runs", "list", "--all").stdout
    assert f"comparison {manifest.trace_id} " in listed
    assert manifest.trace_id.startswith("strategy-vs-wide-")
    assert "unfinished" not in listed
    assert RunManifest.read(made).part_of is None
    assert list(found["differing_settings"]) == ["execution.max_open_trades"]
    again = tradai("report", first, second, "--json")
    assert json.loads(again.stdout)["folder"] == found["folder"]
    curves = pq.read_table(tmp_path / found["folder"] / "curves.parquet").to_pydict()
    assert set(curves["run_id"]) == {first, second}


def test_a_report_that_is_made_again_is_the_same_page(made: Path, tradai: Any) -> None:
    report = made / "report.html"
    before = report.read_bytes()
    report.unlink()

    assert tradai("report", made.name).code == 0

    assert report.read_bytes() == before
