"""Let a model say where the price drifts, and follow it."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class DriftForest(IStrategy):
    """Enter when the model expects a rise, leave when it expects none.

    FreqAI calls the ``feature_...`` methods to describe each candle, once for every period and
    timeframe of the configuration, and ``set_freqai_targets`` for what is to be learnt. Columns
    that start with ``%`` are features, those that start with ``&`` are targets.
    """

    INTERFACE_VERSION = 3

    timeframe = "15m"
    startup_candle_count = 200
    process_only_new_candles = True
    can_short = False

    minimal_roi = {"0": 0.06, "1440": 0.0}
    stoploss = -0.04

    expected_rise = 0.005

    def feature_engineering_expand_all(
        self, dataframe: DataFrame, period: int, metadata: dict, **kwargs
    ) -> DataFrame:
        """Describe the last `period` candles."""
        close = dataframe["close"]
        change = close.pct_change()
        dataframe["%-distance-period"] = close / close.rolling(period).mean() - 1
        dataframe["%-unrest-period"] = change.rolling(period).std()
        dataframe["%-rises-period"] = (change > 0).rolling(period).mean()
        return dataframe

    def feature_engineering_expand_basic(
        self, dataframe: DataFrame, metadata: dict, **kwargs
    ) -> DataFrame:
        """Describe the candle itself."""
        spread = dataframe["high"] - dataframe["low"]
        dataframe["%-change"] = dataframe["close"].pct_change()
        dataframe["%-spread"] = spread / dataframe["close"]
        return dataframe

    def feature_engineering_standard(
        self, dataframe: DataFrame, metadata: dict, **kwargs
    ) -> DataFrame:
        """Describe the time of day."""
        dataframe["%-hour"] = dataframe["date"].dt.hour
        return dataframe

    def set_freqai_targets(self, dataframe: DataFrame, metadata: dict, **kwargs) -> DataFrame:
        """Learn how far the mean of the coming candles is from the price now."""
        ahead = self.freqai_info["feature_parameters"]["label_period_candles"]
        close = dataframe["close"]
        dataframe["&-drift"] = close.rolling(ahead).mean().shift(-ahead) / close - 1
        return dataframe

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Train or predict."""
        return self.freqai.start(dataframe, metadata, self)

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Enter where the model is familiar with the market and expects a rise."""
        rises = dataframe["&-drift"] > self.expected_rise
        dataframe.loc[rises & (dataframe["do_predict"] == 1), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave where it expects a fall."""
        dataframe.loc[dataframe["&-drift"] < 0, "exit_long"] = 1
        return dataframe
