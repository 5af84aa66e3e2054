"""A strategy that buys and sells one pair, and bids in vain for the other: for real orders."""

from datetime import datetime

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class RoundTrips(IStrategy):
    """Sells BTC as soon as it has some; bids for ETH far below the market."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    startup_candle_count = 10
    minimal_roi = {"0": 10}
    stoploss = -0.9

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave the candles as they are."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Enter on every candle."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave by `custom_exit` alone."""
        return dataframe

    def custom_entry_price(self, pair: str, proposed_rate: float, **kwargs: object) -> float:
        """Bid so that BTC is bought at once, and ETH never."""
        return proposed_rate * (1.005 if pair == "BTC/USDT" else 0.9)

    def custom_exit_price(self, proposed_rate: float, **kwargs: object) -> float:
        """Offer so that it is sold at once."""
        return proposed_rate * 0.995

    def custom_exit(
        self, pair: str, trade: Trade, current_time: datetime, **kwargs: object
    ) -> str | None:
        """Leave at once."""
        return "round trip"
