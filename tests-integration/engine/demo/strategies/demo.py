"""The strategy of the engine tests: two averages that cross, with one parameter on each side."""

from freqtrade.strategy import IntParameter, IStrategy
from pandas import DataFrame
from signals import crossed_above


class Demo(IStrategy):
    """Buys when the fast average crosses the slow one upwards."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    startup_candle_count = 60
    minimal_roi = {"0": 0.03}
    stoploss = -0.05
    buy_fast = IntParameter(5, 30, default=12, space="buy")
    sell_slow = IntParameter(20, 60, default=40, space="sell")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave the candles as they are."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Mark the crossings."""
        fast = dataframe["close"].ewm(span=self.buy_fast.value).mean()
        slow = dataframe["close"].ewm(span=48).mean()
        dataframe.loc[crossed_above(fast, slow), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave when the fast average is below the slow one."""
        fast = dataframe["close"].ewm(span=12).mean()
        slow = dataframe["close"].ewm(span=self.sell_slow.value).mean()
        dataframe.loc[fast < slow, "exit_long"] = 1
        return dataframe
