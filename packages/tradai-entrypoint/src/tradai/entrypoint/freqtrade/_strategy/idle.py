"""The strategy of the DRY_RUN fallback, which never trades."""

from pathlib import Path
from typing import Final

IDLE_CLASS: Final = "TradaiIdle"

# Kept as text because only the engine's process may import the engine.
_SOURCE: Final = f'''\
"""A strategy that never enters: the fallback of a dry-run without a valid configuration."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class {IDLE_CLASS}(IStrategy):
    """Watches the market and never trades."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    startup_candle_count = 0
    minimal_roi = {{}}
    stoploss = -0.99

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["enter_long"] = 0
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["exit_long"] = 0
        return dataframe
'''


def idle_source(folder: Path) -> Path:
    """Write the idle strategy below `folder` and return its file."""
    source = folder / "idle" / "tradai_idle.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(_SOURCE, encoding="utf-8")
    return source
