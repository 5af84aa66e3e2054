"""A bot of the real engine: entries that it removes again, and a stop that it makes by itself."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradai.core import FileJournal

STALLED = 81
# Bids far below the market, and breaks off some loops after the first bids have timed out.
BIDS = """\
from freqtrade.exceptions import OperationalException
from freqtrade.strategy import IStrategy


class Bids(IStrategy):
    timeframe = "1m"
    startup_candle_count = 10
    minimal_roi = {"0": 10}
    stoploss = -0.9
    loops = 0

    def informative_pairs(self):
        self.loops += 1
        if self.loops > 15:
            raise OperationalException("the model server is gone")
        return []

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe

    def custom_entry_price(self, pair, proposed_rate, **kwargs):
        return proposed_rate * 0.9
"""
CONFIG = """\
name: bids
version: 1.0.0
timeframe: 1m
pairs: [BTC/USDT, ETH/USDT]
strategy: {class: Bids, source: bids}
execution:
  stake_amount: 100
  max_open_trades: 2
  process_throttle_s: 1
  unfilledtimeout: {entry: 3, exit: 3, unit: seconds}
"""
# Asks the REST interface when a pair was analysed, as a run does.
QUESTION = """
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from freqtrade.rpc.api_server.api_trading import pair_candles
from freqtrade.rpc.rpc import RPC
from freqtrade.strategy import IStrategy
from pandas import DataFrame, date_range
from tradai.entrypoint.freqtrade._engine import rest_api

class Charted(IStrategy):
    timeframe = "5m"

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def plot_annotations(self, **kwargs):
        raise SystemExit("the strategy was called")

analysed = datetime(2025, 1, 1, tzinfo=UTC)
candles = DataFrame({"date": date_range(analysed, periods=9, freq="5min"), "close": 1.0})
provider = SimpleNamespace(get_analyzed_dataframe=lambda pair, timeframe: (candles, analysed))
bot = SimpleNamespace(config={"strategy": "Charted"}, dataprovider=provider, strategy=Charted({}))
answer = pair_candles("BTC/USDT", "5m", limit=rest_api._NO_CANDLES, rpc=RPC(bot))
print(json.dumps([answer["last_analyzed_ts"], answer["length"]]))
"""


def test_removed_entries_are_no_mismatch_and_a_stop_of_its_own_is_a_stall(
    start: Callable[..., Any], tmp_path: Path, exchange: str
) -> None:
    (tmp_path / "bids").mkdir()
    (tmp_path / "bids" / "bids.py").write_text(BIDS)
    (tmp_path / "strategy.yaml").write_text(CONFIG)
    url = f"run.exchange_url={exchange}"
    bot = start("run", tmp_path / "strategy.yaml", "--mode", "dry-run", url)

    bot.wait_for_event("bot stalled")
    bot.process.send_signal(signal.SIGTERM)
    code = bot.process.wait(300)

    manifest = json.loads((bot.folder / "manifest.json").read_text())
    assert code == manifest["exit_code"] == STALLED, bot.stderr()
    assert "OperationalException: the model server is gone" in manifest["verdict"]
    events = [entry.event for entry in FileJournal(bot.folder / "journal.jsonl").entries()]
    removed = events.count("order removed")
    assert manifest["results"]["orders_removed"] == removed >= 2
    assert events.count("order created") == removed + manifest["results"]["orders_in_database"]


def test_the_time_of_an_analysis_is_known_without_calling_the_strategy(engine_bin: Path) -> None:
    done = subprocess.run(
        [engine_bin / "python", "-c", QUESTION], capture_output=True, check=True, text=True
    )

    assert json.loads(done.stdout) == [1_735_689_600, 0]
