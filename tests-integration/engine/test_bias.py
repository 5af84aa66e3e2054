"""The analysis for bias finds a strategy that reads the future, on the real engine."""

import json
from pathlib import Path
from typing import Any

# Enough days for ten trades that are checked.
RANGE = ("--timerange", "20250105-20250112")
PEEK = """
    def populate_indicators(self, dataframe, metadata):
        dataframe["later"] = dataframe["close"].shift(-8)
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["later"] > dataframe["close"] * 1.002, "enter_long"] = 1
        return dataframe
"""

RECURSIVE = """
    def populate_indicators(self, dataframe, metadata):
        change = dataframe["close"].diff()
        is_second = metadata["pair"] == "ETH/USDT"
        dataframe["slow"] = change.ewm(span=400).mean() if is_second else change
        dataframe["mean[long]"] = dataframe["close"].rolling(200).mean()
        dataframe["short"] = dataframe["close"].rolling(20).mean()
        return dataframe
"""


def test_a_strategy_that_reads_eight_candles_ahead_is_found(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    file = strategy.parent / "strategies" / "demo.py"
    file.write_text(file.read_text() + PEEK)

    outcome = tradai("analyse", strategy, "--bias", "--data", candles, *RANGE, "--json")

    results = json.loads(outcome.stdout)["results"]
    assert outcome.code == 76, outcome.stderr
    assert results["bias"] == "found"
    assert results["biased_indicators"] == ["later", "enter_long"]
    assert results["biased_entries"] > 0
    assert "reads candles of the future" in outcome.manifest["verdict"]


def test_a_strategy_that_reads_no_future_is_clean_and_its_recursive_indicators_are_named(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    file = strategy.parent / "strategies" / "demo.py"
    file.write_text(file.read_text() + RECURSIVE)

    outcome = tradai("analyse", strategy, "--bias", "--data", candles, *RANGE, "--json")

    results = json.loads(outcome.stdout)["results"]
    assert outcome.code == 0, outcome.stderr
    assert results["bias"] == "clean"
    assert results["trades_checked"] >= 10
    assert results["biased_indicators"] == []
    assert "-bias-" in outcome.manifest["run_id"]
    assert abs(results["recursive_percent"].pop("slow")) > 1
    assert results["recursive_percent"] == {"mean[long]": None}
    assert results["recursive_pairs"] == ["BTC/USDT", "ETH/USDT"]
    assert results["recursive_worst_pair"] == {"slow": "ETH/USDT", "mean[long]": "BTC/USDT"}
    assert results["startup_candles_tried"] == [60, 120, 240]
    assert results["startup_candles_enough"] is None
    assert any("with 240 there are still slow, so" in each for each in outcome.manifest["notices"])
    assert any(
        "mean[long] (no ratio, BTC/USDT)" in notice for notice in outcome.manifest["notices"]
    )
    assert outcome.manifest["engine"]["command"][0] == "lookahead-analysis"


def test_too_few_trades_leave_the_question_open(tradai: Any, strategy: Path, candles: Path) -> None:
    hours = ("--timerange", "20250105-20250106")

    outcome = tradai("analyse", strategy, "--bias", "--data", candles, *hours)

    assert outcome.code == 65, outcome.stderr
    assert outcome.manifest["results"]["bias"] == "not known"
    assert "choose a longer --timerange" in outcome.stderr
