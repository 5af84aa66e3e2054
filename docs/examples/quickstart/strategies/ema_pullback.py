"""Buy the dip of a rising market, leave when it stops rising."""

from freqtrade.strategy import IntParameter, IStrategy
from indicators import crosses_above, ema, rsi
from pandas import DataFrame, Series


class EmaPullback(IStrategy):
    """Enter when momentum returns after a dip in an upward trend.

    The trend is up while the fast average is above the slow one. A dip is over when the RSI comes
    back above `buy_rsi`. The position is left when the averages cross down, or when the RSI says
    that the rise is overdone.

    A demonstration, not advice: nobody has shown that it earns money on a real market.
    """

    INTERFACE_VERSION = 3

    timeframe = "15m"
    startup_candle_count = 400
    process_only_new_candles = True
    can_short = False

    minimal_roi = {"0": 0.06, "720": 0.03, "1440": 0.0}
    stoploss = -0.04

    buy_fast = IntParameter(10, 40, default=24, space="buy")
    buy_slow = IntParameter(60, 160, default=96, space="buy")
    buy_rsi = IntParameter(25, 50, default=38, space="buy")
    sell_rsi = IntParameter(65, 90, default=80, space="sell")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Add what does not depend on a parameter."""
        dataframe["rsi"] = rsi(dataframe["close"])
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Enter where a dip ends in a rising market."""
        rising = self._fast(dataframe) > self._slow(dataframe)
        recovers = crosses_above(dataframe["rsi"], self.buy_rsi.value)
        dataframe.loc[rising & recovers & (dataframe["volume"] > 0), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave where the market falls, or has risen too far."""
        falling = self._fast(dataframe) < self._slow(dataframe)
        overdone = dataframe["rsi"] > self.sell_rsi.value
        dataframe.loc[falling | overdone, "exit_long"] = 1
        return dataframe

    def _fast(self, dataframe: DataFrame) -> Series:
        return ema(dataframe["close"], self.buy_fast.value)

    def _slow(self, dataframe: DataFrame) -> Series:
        return ema(dataframe["close"], self.buy_slow.value)
