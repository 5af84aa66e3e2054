"""A strategy that buys one pair and keeps it, with a stop at the exchange: for real orders."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Holds(IStrategy):
    """Buys BTC at once and holds it; bids for ETH far below the market."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    startup_candle_count = 10
    minimal_roi = {"0": 10}
    stoploss = -0.2
    order_types = {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "limit",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 60,
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

    def custom_entry_price(self, pair: str, proposed_rate: float, **kwargs: object) -> float:
        """Bid so that BTC is bought at once, and ETH never."""
        return proposed_rate * (1.005 if pair == "BTC/USDT" else 0.9)
