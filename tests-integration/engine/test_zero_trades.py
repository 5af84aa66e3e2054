"""A backtest without trades says what became of its entry signals, on the real engine."""

import json
from pathlib import Path
from typing import Any

import pytest

METHODS = """
    def custom_stake_amount(self, pair, **kwargs):
        return 1.0 if pair == "BTC/USDT" else 100.0

    def confirm_trade_entry(self, *args, **kwargs):
        return False
"""


def test_the_entry_signals_of_a_backtest_without_trades_are_counted(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    file = strategy.parent / "strategies" / "demo.py"
    file.write_text(file.read_text() + METHODS)

    outcome = tradai("run", strategy, "--mode", "backtest", "--data", candles)

    results = outcome.manifest["results"]
    rejected = results["rejected_entry_signals"]
    assert outcome.code == 0, outcome.stderr
    assert results["trades"] == 0
    assert rejected["stake_below_minimum"] > 0
    assert rejected["confirm_trade_entry"] > 0
    assert sum(rejected.values()) == results["entry_signals"]


def test_a_market_whose_largest_order_is_below_its_smallest_is_what_rejected_the_signals(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    rules = json.loads((candles / "markets.json").read_text())
    for symbol in rules["symbols"]:
        symbol["filters"][1]["maxQty"] = symbol["filters"][1]["minQty"]
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    places = ("--data", candles, "--markets", tmp_path / "rules.json")

    outcome = tradai("run", strategy, "--mode", "backtest", *places)

    rejected = outcome.manifest["results"]["rejected_entry_signals"]
    assert outcome.code == 0, outcome.stderr
    assert rejected["market_limits"] > 0
    assert "wallet" not in rejected


@pytest.mark.parametrize("stake", ["'100'", "float('nan')"])
def test_a_stake_that_is_no_number_is_what_rejected_the_signals(
    tradai: Any, strategy: Path, candles: Path, stake: str
) -> None:
    file = strategy.parent / "strategies" / "demo.py"
    method = f"\n    def custom_stake_amount(self, **kwargs):\n        return {stake}\n"
    file.write_text(file.read_text() + method)

    outcome = tradai("run", strategy, "--mode", "backtest", "--data", candles)

    rejected = outcome.manifest["results"]["rejected_entry_signals"]
    assert outcome.code == 0, outcome.stderr
    assert rejected["custom_stake_amount"] > 0
    assert "order_not_filled" not in rejected


def test_the_entry_signals_of_a_pair_without_trades_are_counted(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    file = strategy.parent / "strategies" / "demo.py"
    stake = METHODS.partition("    def confirm_trade_entry")[0]
    file.write_text(file.read_text() + stake)

    outcome = tradai("run", strategy, "--mode", "backtest", "--data", candles)

    results, notices = outcome.manifest["results"], outcome.manifest["notices"]
    signals = results["entry_signals_of_pairs_without_trades"]
    assert outcome.code == 0, outcome.stderr
    assert results["trades"] > 0
    assert list(signals) == ["BTC/USDT"]
    count = f"{signals['BTC/USDT']:,}"
    assert f"no trade of BTC/USDT: {count} entry signals, rejected by " in "\n".join(notices)
    assert "stake_below_minimum" in "\n".join(notices)
