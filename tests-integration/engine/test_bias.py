"""The analysis for bias finds a strategy that reads the future, on the real engine."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

# Enough days for ten trades that are checked.
RANGE = ("--timerange", "20250105-20250112")
# The later candles are kept in a module beside it, from the first backtest on.
PEEK = """
    def populate_indicators(self, dataframe, metadata):
        from keeper import KEPT

        later = dict(zip(dataframe["date"], dataframe["close"].shift(-8)))
        dataframe["later"] = dataframe["date"].map(KEPT.setdefault(metadata["pair"], later))
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["later"] > dataframe["close"] * 1.002, "enter_long"] = 1
        return dataframe
"""

# The database is there before the first backtest, as the engine imports the module.
KEEPING = """
import os
import pickle
import sqlite3

with sqlite3.connect(os.path.join(os.environ["TMPDIR"], "kept.db")) as kept:
    kept.execute("create table if not exists candles (pair text primary key, later blob)")
kept.close()

KEPT = os.path.join(os.environ["TMPDIR"], "kept.db")
"""
PEEK_IN_DATABASE = """
    def populate_indicators(self, dataframe, metadata):
        later = pickle.dumps(dict(zip(dataframe["date"], dataframe["close"].shift(-8))))
        with sqlite3.connect(KEPT) as kept:
            kept.execute("insert or ignore into candles values (?, ?)", (metadata["pair"], later))
            query = "select later from candles where pair = ?"
            found = kept.execute(query, (metadata["pair"],)).fetchone()
        kept.close()
        dataframe["later"] = dataframe["date"].map(pickle.loads(found[0]))
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["later"] > dataframe["close"] * 1.002, "enter_long"] = 1
        return dataframe
"""
# Of the candles themselves, by the path that they have from the working folder of the engine.
PEEK_IN_CANDLES = """
    def populate_indicators(self, dataframe, metadata):
        import pandas as pd

        name = metadata["pair"].replace("/", "_")
        whole = pd.read_feather(f"data/{name}-{self.timeframe}.feather").set_index("date")["close"]
        dataframe["later"] = dataframe["date"].map(whole.shift(-8))
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["later"] > dataframe["close"] * 1.002, "enter_long"] = 1
        return dataframe
"""
# By one of two rules, in the last days: in no column but the signals of these days.
PEEK_BY_RARE_RULE = """
    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe.index % 12 == 0, ["enter_long", "enter_tag"]] = (1, "often")
        is_late = dataframe["date"] >= "2025-01-11"
        rises = dataframe["close"].shift(-8) > dataframe["close"] * 1.002
        dataframe.loc[is_late & rises, ["enter_long", "enter_tag"]] = (1, "rare")
        return dataframe
"""
# Of a column that can be empty, and of one that only many candles have.
PEEK_WITHOUT_NUMBERS = """
    def populate_indicators(self, dataframe, metadata):
        dataframe["rises"] = (dataframe["close"].shift(-2) > dataframe["close"]).astype("boolean")
        dataframe["later"] = dataframe["close"].shift(-2).round().astype("Int64")
        if len(dataframe) > 600:
            dataframe["slow"] = dataframe["close"].rolling(600).mean()
        return dataframe
"""

# No column has what decides the stakes.
PEEKING_STAKES = """
    later = {}

    def populate_indicators(self, dataframe, metadata):
        change = dataframe["close"].shift(-8) - dataframe["close"]
        self.later[metadata["pair"]] = dict(zip(dataframe["date"], change))
        return dataframe

    def custom_stake_amount(self, pair, current_time, proposed_stake, **facts):
        return proposed_stake if self.later[pair].get(current_time, 0) > 0 else proposed_stake / 2
"""

# Each candle gets the close of the hour that it is in.
OPEN_HOUR = """
    def populate_indicators(self, dataframe, metadata):
        import pandas as pd

        hours = self.dp.get_pair_dataframe(metadata["pair"], "1h")[["date", "close"]]
        return pd.merge_asof(dataframe, hours.rename(columns={"close": "hour"}), on="date")

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["hour"] > dataframe["close"] * 1.002, "enter_long"] = 1
        return dataframe
"""
# Each candle gets the close of the last hour, the last day and the last month that are over.
CLOSED_HOUR = """
    @informative("1M")
    def populate_indicators_1m(self, dataframe, metadata):
        return dataframe

    @informative("1h")
    def populate_indicators_1h(self, dataframe, metadata):
        return dataframe

    def populate_indicators(self, dataframe, metadata):
        days = self.dp.get_pair_dataframe(metadata["pair"], "1d")
        return merge_informative_pair(dataframe, days, self.timeframe, "1d", ffill=True)

    def populate_entry_trend(self, dataframe, metadata):
        is_low = (dataframe["close"] < dataframe["close_1h"]) & (dataframe["close_1d"] > 0)
        dataframe.loc[is_low, "enter_long"] = 1
        return dataframe
"""
IMPORT = "from freqtrade.strategy import informative, merge_informative_pair, "
RECURSIVE = """
    def populate_indicators(self, dataframe, metadata):
        change = dataframe["close"].diff()
        is_second = metadata["pair"] == "ETH/USDT"
        dataframe["slow"] = change.ewm(span=400).mean() if is_second else change
        dataframe["mean[long]"] = dataframe["close"].rolling(200).mean()
        dataframe["short"] = dataframe["close"].rolling(20).mean()
        return dataframe
"""


def analysed(tradai: Any, strategy: Path, data: Path, *, end: str, beginning: str = "") -> Any:
    """What the analysis says of the demo strategy with more code around it."""
    file = strategy.parent / "strategies" / "demo.py"
    file.write_text(beginning + file.read_text() + end)
    return tradai("analyse", strategy, "--bias", "--data", data, *RANGE, "--json")


def test_a_strategy_that_reads_eight_candles_ahead_is_found(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    (strategy.parent / "strategies" / "keeper.py").write_text("KEPT = {}\n")

    outcome = analysed(tradai, strategy, candles, end=PEEK)

    results = json.loads(outcome.stdout)["results"]
    assert outcome.code == 76, outcome.stderr
    assert results["bias"] == "found"
    assert results["biased_indicators"] == ["later", "enter_long"]
    assert "exit_long" in results["clean_indicators"]
    assert not {"close", "close_count", "max_count"} & set(results["clean_indicators"])
    assert results["biased_entries"] > 0
    assert "reads candles of the future" in outcome.manifest["verdict"]


def test_a_strategy_that_keeps_later_candles_in_a_file_made_at_its_import_is_found(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    outcome = analysed(tradai, strategy, candles, end=PEEK_IN_DATABASE, beginning=KEEPING)

    assert outcome.code == 76, outcome.stderr
    assert "later" in json.loads(outcome.stdout)["results"]["biased_indicators"]


def test_a_strategy_that_reads_the_files_of_candles_is_found(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    outcome = analysed(tradai, strategy, candles, end=PEEK_IN_CANDLES)

    assert outcome.code == 76, outcome.stderr
    assert "later" in json.loads(outcome.stdout)["results"]["biased_indicators"]


def test_a_rule_that_reads_the_future_is_found_behind_many_trades_of_another_rule(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    outcome = analysed(tradai, strategy, candles, end=PEEK_BY_RARE_RULE)

    results = json.loads(outcome.stdout)["results"]
    assert outcome.code == 76, outcome.stderr
    assert results["trades_checked"] == 20
    assert results["biased_entries"] > 0


def test_columns_of_later_candles_that_can_be_empty_are_found(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    outcome = analysed(tradai, strategy, candles, end=PEEK_WITHOUT_NUMBERS)

    assert outcome.code == 76, outcome.stderr
    assert sorted(json.loads(outcome.stdout)["results"]["biased_indicators"]) == ["later", "rises"]


def test_stakes_that_are_chosen_by_later_candles_are_found(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    outcome = analysed(tradai, strategy, candles, end=PEEKING_STAKES)

    results = json.loads(outcome.stdout)["results"]
    assert outcome.code == 76, outcome.stderr
    assert results["biased_indicators"] == []
    assert (results["biased_entries"], results["biased_exits"]) == (0, 0)
    assert results["biased_orders"] > 0
    assert "have other stakes, prices or orders" in outcome.manifest["verdict"]


def test_a_strategy_that_reads_no_future_is_clean_and_its_recursive_indicators_are_named(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    outcome = analysed(tradai, strategy, candles, end=RECURSIVE)

    results = json.loads(outcome.stdout)["results"]
    assert outcome.code == 0, outcome.stderr
    assert results["bias"] == "clean"
    assert results["trades_checked"] == 20
    assert results["biased_indicators"] == []
    assert {"slow", "mean[long]", "enter_long"} <= set(results["clean_indicators"])
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


@pytest.fixture
def longer_candles(tradai: Any, candles: Path, tmp_path: Path) -> Path:
    """The candles, and those of an hour, a day and a month."""
    folder = tmp_path / "longer candles"
    shutil.copytree(candles, folder)
    for timeframe in ("1h", "1d", "1M"):
        words = ("--to", "feather", "--from", "5m", "--timeframe", timeframe)
        done = tradai("data", "convert", candles, folder, *words)
        assert done.code == 0, done.stderr
    return folder


def test_a_strategy_that_reads_a_longer_candle_before_it_closes_is_found(
    tradai: Any, strategy: Path, longer_candles: Path
) -> None:
    # The engine's own analysis calls it clean: freqtrade 12507.
    strategy.write_text(f'{strategy.read_text()}  informative: ["@1h"]\n')

    outcome = analysed(tradai, strategy, longer_candles, end=OPEN_HOUR)

    results = json.loads(outcome.stdout)["results"]
    assert outcome.code == 76, outcome.stderr
    assert results["biased_indicators"] == ["hour", "enter_long"]
    assert results["biased_entries"] > 0


def test_a_strategy_that_reads_longer_candles_once_they_are_closed_is_clean(
    tradai: Any, strategy: Path, longer_candles: Path
) -> None:
    file = strategy.parent / "strategies" / "demo.py"
    source = file.read_text().replace("from freqtrade.strategy import ", IMPORT, 1)
    file.write_text(source + CLOSED_HOUR)
    strategy.write_text(f'{strategy.read_text()}  informative: ["@1d"]\n')

    words = ("--bias", "--trades", 12, "--data", longer_candles, *RANGE, "--json")
    outcome = tradai("analyse", strategy, *words)

    answer = json.loads(outcome.stdout)
    results = answer["results"]
    assert outcome.code == 0, outcome.stderr
    assert results["trades_checked"] == 12 < results["trades_in_backtest"]
    assert f"12 of {results['trades_in_backtest']} trades" in answer["verdict"]
    assert results["biased_indicators"] == []


def test_too_few_trades_leave_the_question_open(tradai: Any, strategy: Path, candles: Path) -> None:
    hours = ("--timerange", "20250105-20250106")

    outcome = tradai("analyse", strategy, "--bias", "--data", candles, *hours)

    assert outcome.code == 65, outcome.stderr
    assert outcome.manifest["results"]["bias"] == "not known"
    assert "choose a longer --timerange" in outcome.stderr
