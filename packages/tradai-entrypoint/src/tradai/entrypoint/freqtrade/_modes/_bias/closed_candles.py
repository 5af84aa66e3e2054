"""Candles of further series that are closed where the look-ahead analysis cuts the time.

The engine (freqtrade 2026.9) cuts each series by the opening times of its candles. A longer candle
that opens before the cut stays whole, and a strategy that reads it before it closes sees the same
close with and without the candles after a trade.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from tradai.core import Timeframe

if TYPE_CHECKING:
    import pandas as pd

# A rate is known at its time, and not when a candle of its timeframe ends.
_FUNDING_RATE: Final = "funding_rate"


class Provider(Protocol):
    """The part that is read of the engine's provider of candles."""

    _config: Mapping[str, Any]


def leave_out_open_candles() -> None:
    """Have the engine give a strategy no candle that closes after the last one of its own.

    Raises:
        ImportError: The engine is not installed, or is another one.
        AttributeError: It is another one.
    """
    provider = import_module("freqtrade.data.dataprovider").DataProvider
    load = provider.historic_ohlcv

    # Its parameters and their defaults are those of the method that it replaces.
    def closed_ohlcv(
        given: Provider, pair: str, timeframe: str, candle_type: str = ""
    ) -> "pd.DataFrame":
        candles: pd.DataFrame = load(given, pair, timeframe, candle_type)
        if candle_type == _FUNDING_RATE:
            return candles
        # It has the range of each backtest of the engine.
        config = given._config  # noqa: SLF001 - the engine keeps the range nowhere else
        return closed_candles(candles, Timeframe(timeframe), config)

    provider.historic_ohlcv = closed_ohlcv


def closed_candles(
    candles: "pd.DataFrame", timeframe: Timeframe, config: Mapping[str, Any]
) -> "pd.DataFrame":
    """Return the `candles` of `timeframe` that are closed when the last own one is, at least one.

    Args:
        candles: Rising candles with their opening times in ``date``.
        timeframe: Their timeframe.
        config: The engine's configuration: the timeframe of the strategy and the range in seconds,
            whose stop is the opening time of the last own candle.
    """
    stop_ms = int(config["timerange"].partition("-")[2]) * 1000
    end_ms = Timeframe(config["timeframe"]).next_close(stop_ms)
    count = len(candles)
    # A strategy may not expect a series without a candle.
    while count > 1 and timeframe.next_close(_opened_ms(candles, count - 1)) > end_ms:
        count -= 1
    # A strategy adds columns to it.
    return candles.iloc[:count].copy()


def _opened_ms(candles: "pd.DataFrame", row: int) -> int:
    return int(candles["date"].iloc[row].timestamp()) * 1000
