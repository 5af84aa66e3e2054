"""Order at once, to see a dry-run work."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class OrderAtOnce(IStrategy):
    """Enter as soon as the last position is closed, leave after three minutes, whatever the profit.

    Every trade pays two fees for nothing: never run it with money.
    """

    INTERFACE_VERSION = 3

    startup_candle_count = 1
    process_only_new_candles = False
    can_short = False

    minimal_roi = {"0": 10.0, "3": -1.0}
    stoploss = -0.99

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Need none."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Enter on every candle."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave it to `minimal_roi`."""
        return dataframe
