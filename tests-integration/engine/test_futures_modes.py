"""Hyperopt and training of futures: their trades are those of a backtest."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from engine.conftest import Command, Outcome
from engine.futures_desk import NAMES, STRATEGY, lay_out, trades_in

SEARCHED: Final = (
    STRATEGY.replace("import IStrategy", "import IntParameter, IStrategy")
    .replace(
        "    stoploss = -1.0\n",
        "    stoploss = -1.0\n"
        '    long_hour = IntParameter(0, 9, default=1, space="buy")\n'
        '    lever = IntParameter(2, 20, default=3, space="buy")\n',
    )
    .replace("hour == 1,", "hour == self.long_hour.value,")
    .replace("else 3.0", "else self.lever.value")
)
LEARNER: Final = """
from freqtrade.strategy import IStrategy


class Swing(IStrategy):
    can_short = True
    timeframe = "1h"
    startup_candle_count = 5
    minimal_roi = {}
    stoploss = -0.9
    process_only_new_candles = True

    def leverage(self, pair, current_time, current_rate, proposed_leverage, max_leverage,
                 entry_tag, side, **kwargs):
        return 5.0

    def feature_engineering_expand_all(self, dataframe, period, metadata, **kwargs):
        close = dataframe["close"]
        dataframe["%-distance-period"] = close / close.rolling(period).mean() - 1
        return dataframe

    def set_freqai_targets(self, dataframe, metadata, **kwargs):
        dataframe["&-change"] = dataframe["close"].shift(-3) / dataframe["close"] - 1
        return dataframe

    def populate_indicators(self, dataframe, metadata):
        return self.freqai.start(dataframe, metadata, self)

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["&-change"] > 0, "enter_long"] = 1
        dataframe.loc[dataframe["&-change"] < 0, "enter_short"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["&-change"] < 0, "exit_long"] = 1
        dataframe.loc[dataframe["&-change"] > 0, "exit_short"] = 1
        return dataframe
"""
FREQAI: Final = """
freqai:
  enabled: true
  identifier: swing
  train_period_days: 2
  backtest_period_days: 2
  data_split_parameters: {test_size: 0.25, shuffle: false}
  feature_parameters:
    include_timeframes: [1h]
    include_corr_pairlist: ["ETH/USDT:USDT"]
    label_period_candles: 3
    indicator_periods_candles: [3]
  model_training_parameters: {n_estimators: 5, num_leaves: 3, n_jobs: 1, random_state: 1}
"""


@pytest.fixture
def desk(tmp_path: Path, engine_bin: Path) -> Path:
    """A folder with a strategy of contracts and its data."""
    lay_out(tmp_path, engine_bin)
    return tmp_path


@pytest.mark.deep
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_trades_of_the_best_epoch_are_those_of_a_backtest(
    tradai: Command, desk: Path, engine_bin: Path, jobs: int
) -> None:
    (desk / "strategies" / "swing.py").write_text(SEARCHED)
    search = ("run.epochs=4", "run.spaces=[buy]", "run.loss=ShortTradeDurHyperOptLoss")

    found = run(tradai, desk, "hyperopt", *search, f"run.jobs={jobs}")
    again = run(tradai, desk, "backtest", "--patch", found / "best.yaml")

    lines = (found / "epochs.jsonl").read_text().splitlines()
    best = min(map(json.loads, lines), key=lambda epoch: epoch["loss"])
    expected = [as_row(each) for each in best["results_metrics"]["trades"]]
    trades = [row(each) for each in trades_in(again / "trades.parquet", engine_bin)]
    assert trades == expected
    # Liquidated by tiers that are not the engine's own: the worker processes have them, too.
    assert {each["exit_reason"] for each in best["results_metrics"]["trades"]} >= {"liquidation"}


@pytest.mark.deep
def test_the_trades_of_a_training_are_those_of_a_backtest(
    tradai: Command, desk: Path, engine_bin: Path
) -> None:
    (desk / "strategies" / "swing.py").write_text(LEARNER)
    config = (desk / "swing.yaml").read_text().replace("20250102-", "20250106-")
    (desk / "swing.yaml").write_text(config + FREQAI)

    trained, again = (run(tradai, desk, mode) for mode in ("train", "backtest"))

    trades = trades_in(trained / "trades.parquet", engine_bin)
    assert trades == trades_in(again / "trades.parquet", engine_bin)
    assert {each[NAMES.index("is_short")] for each in trades} == {True, False}
    assert list((trained / "models").rglob("*_model.joblib"))


@pytest.mark.deep
def test_a_backtest_without_trades_counts_the_signals_of_both_sides(
    tradai: Command, desk: Path
) -> None:
    refuse = "\n    def confirm_trade_entry(self, *args, **kwargs):\n        return False\n"
    (desk / "strategies" / "swing.py").write_text(STRATEGY + refuse)

    done = tradai("run", desk / "swing.yaml", "--mode", "backtest", "--data", desk / "candles")

    assert done.code == 0, done.stderr
    results = done.manifest["results"]
    # One long and one short a day of each pair, over ten days.
    assert results["entry_signals"] == 40
    assert results["rejected_entry_signals"] == {"confirm_trade_entry": 40}


@pytest.mark.deep
def test_an_analysis_for_bias_reads_hours_without_a_funding_rate(
    tradai: Command, desk: Path
) -> None:
    smooth = "        dataframe['slow'] = dataframe['close'].ewm(span=40).mean()\n"
    head = "def populate_indicators(self, dataframe, metadata):\n"
    source = STRATEGY.replace(head, head + smooth)
    source = source.replace("startup_candle_count = 0", "startup_candle_count = 6")
    (desk / "strategies" / "swing.py").write_text(source)

    done = tradai(*("analyse", desk / "swing.yaml", "--bias", "--data", desk / "candles", "--json"))

    assert done.code == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert results["bias"] == "clean"
    assert abs(results["recursive_percent"]["slow"]) > 0
    assert "not known" not in str(done.manifest["notices"])


def run(tradai: Command, desk: Path, mode: str, *words: object) -> Path:
    """Run a mode on the desk's candles to its end, and return its folder."""
    done: Outcome = tradai(
        *("run", desk / "swing.yaml", "--mode", mode, "--data", desk / "candles", "--json", *words)
    )
    assert done.code == 0, done.stderr[-3000:]
    return Path(json.loads(done.stdout)["folder"])


def as_row(trade: dict[str, Any]) -> list[Any]:
    """Return a trade of an epoch by the columns of `trades_in`."""
    dates = ("open_date", "close_date")
    return row([str(trade[name])[:19] if name in dates else trade[name] for name in NAMES])


def row(values: list[Any]) -> list[Any]:
    """Return comparable values: dates to the second, numbers to nine digits."""
    return [
        each.replace("T", " ")[:19] if isinstance(each, str) else round(each, 9) for each in values
    ]
