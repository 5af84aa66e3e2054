"""A strategy with parameters in every kind of space: for hyperopts."""

from demo import Demo
from freqtrade.strategy import BooleanParameter, CategoricalParameter, IntParameter, RealParameter
from pandas import DataFrame


class EverySpace(Demo):
    """Trades as `Demo` does, with further conditions and a pause after each trade."""

    enter_gap = RealParameter(0.0, 0.0001, default=0.0)
    exit_late = BooleanParameter(default=False)
    pause = IntParameter(0, 20, default=2, space="protection")
    window = CategoricalParameter([[5, 10], [20, 40]], space="mood")

    @property
    def protections(self) -> list[dict]:
        """Wait after each trade."""
        return [{"method": "CooldownPeriod", "stop_duration_candles": self.pause.value}]

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave out crossings while the market falls."""
        dataframe = super().populate_entry_trend(dataframe, metadata)
        short, long = (dataframe["close"].rolling(length).mean() for length in self.window.value)
        dataframe.loc[short < long * (1 + self.enter_gap.value), "enter_long"] = 0
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave one candle later on request."""
        dataframe = super().populate_exit_trend(dataframe, metadata)
        if self.exit_late.value:
            dataframe["exit_long"] = dataframe["exit_long"].shift()
        return dataframe
