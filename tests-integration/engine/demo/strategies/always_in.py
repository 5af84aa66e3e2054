"""A strategy that buys at once: for dry-runs."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class AlwaysIn(IStrategy):
    """Wants to be in every market, always."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    startup_candle_count = 10
    minimal_roi = {"0": 10}
    stoploss = -0.9
    # An order with a limit waits while the price of the loopback exchange rises.
    order_types = {
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave the candles as they are."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Enter on every candle."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Never leave."""
        dataframe["exit_long"] = 0
        return dataframe
