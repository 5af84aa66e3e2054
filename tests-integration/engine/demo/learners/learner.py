"""A strategy that enters wherever a FreqAI model predicts a number."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Learner(IStrategy):
    """Learns the next changes of the price; what it learns does not matter."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    startup_candle_count = 20
    process_only_new_candles = True
    minimal_roi = {"0": 10}
    stoploss = -0.9

    def feature_engineering_expand_all(
        self, dataframe: DataFrame, period: int, metadata: dict, **kwargs: object
    ) -> DataFrame:
        """Describe the last `period` candles."""
        close = dataframe["close"]
        dataframe["%-distance-period"] = close / close.rolling(period).mean() - 1
        return dataframe

    def set_freqai_targets(
        self, dataframe: DataFrame, metadata: dict, **kwargs: object
    ) -> DataFrame:
        """Learn the change to come."""
        dataframe["&-change"] = dataframe["close"].shift(-3) / dataframe["close"] - 1
        return dataframe

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Train or predict."""
        return self.freqai.start(dataframe, metadata, self)

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Enter where there is a prediction."""
        dataframe.loc[dataframe["&-change"] != 0, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Stay."""
        return dataframe
