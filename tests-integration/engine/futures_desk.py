"""A folder with a strategy that trades contracts both ways, and the data of two of them."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradai.entrypoint.freqtrade import MarketRules, MarketsSnapshot

if TYPE_CHECKING:
    import pandas as pd

PAIR: Final = "BTC/USDT:USDT"
# Has the same candles, and tiers of its own.
OTHER: Final = "ETH/USDT:USDT"
RATE: Final = 0.02
HOURS: Final = 24 * 12
START: Final = "2025-01-01"
STRATEGY: Final = """
from freqtrade.strategy import IStrategy


class Swing(IStrategy):
    can_short = True
    timeframe = "1h"
    startup_candle_count = 0
    minimal_roi = {}
    stoploss = -1.0

    def leverage(self, pair, current_time, current_rate, proposed_leverage, max_leverage,
                 entry_tag, side, **kwargs):
        return 20.0 if side == "short" else 3.0

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        hour = dataframe["date"].dt.hour
        dataframe.loc[hour == 1, "enter_long"] = 1
        dataframe.loc[hour == 13, "enter_short"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        hour = dataframe["date"].dt.hour
        dataframe.loc[hour == 11, "exit_long"] = 1
        dataframe.loc[hour == 23, "exit_short"] = 1
        return dataframe
"""
CONFIG: Final = f"""
name: swing
version: 1.0.0
exchange: binance_futures
timeframe: 1h
stake_currency: USDT
pairs: [{PAIR}, {OTHER}]
strategy: {{class: Swing, source: strategies}}
execution: {{stake_amount: 100, max_open_trades: 2, starting_balance: 1000}}
run: {{timerange: 20250102-20250112}}
"""
COLUMNS: Final = (
    "open_date,pair,close_date,open_rate,close_rate,amount,stake_amount,leverage,is_short,"
    "funding_fees,profit_abs,exit_reason"
)
NAMES: Final = COLUMNS.split(",")
TRADES: Final = """
import sys
import pandas as pd
from freqtrade.data.btanalysis import load_backtest_data
path, columns = sys.argv[1], sys.argv[2].split(",")
trades = pd.read_parquet(path) if path.endswith(".parquet") else load_backtest_data(path, "Swing")
print(trades[columns].to_json(orient="values", date_format="iso", double_precision=15))
"""


def lay_out(desk: Path, engine_bin: Path) -> None:
    """Write strategy, configuration, candles, rules and tiers into the folder `desk`."""
    import pandas as pd

    (desk / "strategies").mkdir()
    (desk / "strategies" / "swing.py").write_text(STRATEGY)
    (desk / "swing.yaml").write_text(CONFIG)
    folder = desk / "candles" / "futures"
    folder.mkdir(parents=True)
    dates = pd.date_range(START, periods=HOURS // 8, freq="8h", tz="UTC")
    rates = pd.DataFrame({"date": dates, "funding_rate": np.resize([0.0001, -0.0002], len(dates))})
    for base in ("BTC", "ETH"):
        candles().to_feather(folder / f"{base}_USDT_USDT-1h-futures.feather")
        candles().to_feather(folder / f"{base}_USDT_USDT-1h-mark.feather")
        rates.to_feather(folder / f"{base}_USDT_USDT-1h-funding_rate.feather")
    rules = MarketRules(tick="0.1", step="0.001", min_notional="5")
    MarketsSnapshot.made(
        {PAIR: rules, OTHER: rules},
        exchange="binance_futures",
        note="a test",
        captured_at=datetime(2025, 1, 1, tzinfo=UTC),
    ).save(folder.parent / "markets.json")
    tiers = {PAIR: own_tiers(engine_bin)[PAIR], OTHER: [flat_tier(RATE)]}
    (folder.parent / "leverage_tiers.json").write_text(json.dumps(tiers))


def candles() -> "pd.DataFrame":
    """Return candles that swing gently, with a rise on one afternoon."""
    import pandas as pd

    hours = np.arange(HOURS)
    close = 50_000 + 500 * np.sin(hours / 5)
    entry = 24 * 5 + 14
    # Beyond the liquidation of a short with 20x (4.4 %), not yet at its stop (5 %).
    close[entry + 3 :] += close[entry - 1] * 1.047 - close[entry + 3]
    opened = np.concatenate([close[:1], close[:-1]])
    return pd.DataFrame(
        {
            "date": pd.date_range(START, periods=HOURS, freq="1h", tz="UTC"),
            "open": opened.round(1),
            "high": (np.maximum(opened, close) + 20).round(1),
            "low": (np.minimum(opened, close) - 20).round(1),
            "close": close.round(1),
            "volume": 1000.0,
        }
    )


def own_tiers(engine_bin: Path) -> dict[str, Any]:
    """Return the leverage tiers that Freqtrade ships with."""
    (package,) = engine_bin.parent.glob("lib/python*/site-packages/freqtrade")
    own: dict[str, Any] = json.loads(
        (package / "exchange" / "binance_leverage_tiers.json").read_text()
    )
    return own


def flat_tier(rate: float) -> dict[str, Any]:
    """Return a tier for positions of any value."""
    return {
        "minNotional": 0.0,
        "maxNotional": 1e9,
        "maintenanceMarginRate": rate,
        "maxLeverage": 50.0,
        "info": {"cum": 0.0},
    }


def trades_in(path: Path, engine_bin: Path) -> list[list[Any]]:
    """Return the trades of a run, or of a folder of Freqtrade's results, by `COLUMNS`."""
    command: list[str | Path] = [engine_bin / "python", "-c", TRADES, path, COLUMNS]
    done = subprocess.run(command, capture_output=True, check=True)
    trades: list[list[Any]] = json.loads(done.stdout)
    return trades
