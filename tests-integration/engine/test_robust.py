"""The robustness of a backtest, on the real engine."""

import json
from pathlib import Path
from typing import Any


def test_a_backtest_is_compared_with_shaken_numbers_and_higher_costs_once(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    words = ("analyse", strategy, "--robust", "--data", candles, "--sets", "1", "--json")

    made = tradai(*words)

    assert made.code == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["base"]["figures"]["trades"] > 0
    assert bool(found["problem"]) != bool(found["findings"])
    count = len(list((tmp_path / "runs").iterdir()))
    assert count == 1 + len(found["shaken"]) + len(found["costs"])
    assert (tmp_path / found["folder"] / "report.html").is_file()
    again = json.loads(tradai(*words).stdout)
    assert again["findings"] == found["findings"]
    assert len(list((tmp_path / "runs").iterdir())) == count
