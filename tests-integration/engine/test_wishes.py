"""The engine gets what the strategy asks for: files, keys, protections, a loss of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

WISHES: Final = """
import json
from pathlib import Path

from demo import Demo


class Wishes(Demo):
    def __init__(self, config):
        super().__init__(config)
        self.startup_candle_count = config.get("candles_needed", 60)

    @property
    def protections(self):
        return [{"method": "CooldownPeriod", "stop_duration_candles": self.config["cooldown"]}]

    def informative_pairs(self):
        return [("BTC/USDT:USDT", "1h")]

    def populate_indicators(self, dataframe, metadata):
        assert self.dp.get_pair_dataframe("BTC/USDT:USDT", "1h").empty
        return dataframe

    def confirm_trade_entry(self, pair, *args, **kwargs):
        return pair not in json.loads((Path(__file__).parent / "blocked.json").read_text())
"""
LOSS: Final = """
from freqtrade.optimize.hyperopt import IHyperOptLoss


class MostTrades(IHyperOptLoss):
    @staticmethod
    def hyperopt_loss_function(*, results, **kwargs):
        return -len(results)
"""
# Prints the pairs of the trades.
PAIRS: Final = """
import json, sys
import pyarrow.parquet as pq
print(json.dumps(pq.read_table(sys.argv[1]).column("pair").to_pylist()))
"""
# Candles without an entry after an exit, and the most trades that leave room for them.
COOLDOWN: Final = 500
MOST: Final = 27 * 288 // COOLDOWN + 1


@pytest.fixture
def wishes(strategy: Path) -> Path:
    """The demo with a strategy that asks for more; returns the YAML file."""
    folder = strategy.parent / "strategies"
    (folder / "wishes.py").write_text(WISHES)
    (folder / "blocked.json").write_text('["ETH/USDT"]')
    strategy.write_text(strategy.read_text().replace("class: Demo", "class: Wishes"))
    return strategy


def test_files_keys_and_protections_reach_the_engine(
    tradai: Any, wishes: Path, candles: Path, engine_bin: Path
) -> None:
    keys = (f"strategy.config.cooldown={COOLDOWN}", "run.without=['BTC/USDT:USDT@1h']")

    done = tradai("run", wishes, "--mode", "backtest", "--data", candles, *keys)

    assert done.code == 0, done.stderr
    file = str(done.folder / "trades.parquet")
    read = [str(engine_bin / "python"), "-c", PAIRS, file]
    pairs = json.loads(subprocess.run(read, capture_output=True, text=True, check=True).stdout)
    assert set(pairs) == {"BTC/USDT"}
    assert len(pairs) <= MOST


def test_more_candles_than_the_source_states_stop_the_run(
    tradai: Any, wishes: Path, candles: Path
) -> None:
    keys = ("strategy.config.cooldown=1", "strategy.config.candles_needed=240")

    done = tradai("run", wishes, "--mode", "backtest", "--data", candles, *keys)

    assert done.code == 78
    assert "set run.startup_candles=240" in done.stderr
    assert not (done.folder / "engine-result.zip").exists()


def test_a_loss_of_the_strategy_s_own_ranks_the_epochs(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    hyperopts = strategy.parent / "strategies" / "hyperopts"
    hyperopts.mkdir()
    (hyperopts / "most_trades.py").write_text(LOSS)
    run = ("run.loss=MostTrades", "run.epochs=2", "run.spaces=[buy]")

    done = tradai("run", strategy, "--mode", "hyperopt", "--data", candles, *run, "--json")

    assert done.code == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    trades = [int(text.split()[2]) for name, text in results.items() if name.startswith("epoch_")]
    assert results["best_loss"] == -max(trades)
