"""Frames of candles for the conformance suite, good and bad ones."""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np
import pandas as pd

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
STEP: Final = timedelta(minutes=5)
COUNT: Final = 12


def dates(start: datetime) -> pd.DatetimeIndex:
    """Return the opening times of candles of five minutes."""
    opened = [start + number * STEP for number in range(COUNT)]
    return pd.DatetimeIndex(opened, name="date").as_unit("ms")


def monthly() -> pd.DataFrame:
    """Return three candles of a month."""
    opened = [datetime(2025, month, 1, tzinfo=UTC) for month in range(1, 4)]
    return candles().iloc[:3].set_axis(pd.DatetimeIndex(opened, name="date").as_unit("ms"))


def candles(unit: Literal["ms", "ns"] = "ms") -> pd.DataFrame:
    """Return good candles of five minutes."""
    opened = dates(START)
    prices = np.arange(float(COUNT))
    values = {
        "open": prices,
        "high": prices + 3,
        "low": prices / 2,
        "close": prices + 2,
        "volume": prices + 4,
    }
    return pd.DataFrame(values, index=opened.as_unit(unit))


def unfit_frames() -> dict[str, pd.DataFrame]:
    """Return frames that are not candles, by what is wrong with them."""
    good = candles()
    opened = pd.DatetimeIndex(good.index)
    return {
        "empty": good.iloc[:0],
        "no time zone": good.set_axis(opened.tz_localize(None)),
        "another time zone": good.set_axis(opened.tz_convert("Asia/Tokyo")),
        "no dates": good.reset_index(drop=True),
        "falling dates": good.iloc[::-1],
        "a date twice": pd.concat([good.iloc[:1], good]),
        "a part of a millisecond": good.set_axis(opened.as_unit("ns") + pd.Timedelta(1, "ns")),
        "NaN": good.replace(3.0, np.nan),
        "infinity": good.replace(3.0, np.inf),
        "integers": good.astype({"volume": "int64"}),
        "single precision": good.astype({"close": "float32"}),
        "a missing column": good.drop(columns="volume"),
        "one column more": good.assign(trades=1.0),
    }


def impossible_frames() -> dict[str, pd.DataFrame]:
    """Return frames with a candle that no market has, by what is wrong with it."""
    good = candles()
    second = good.index[1:2]

    def with_value(column: str, value: float) -> pd.DataFrame:
        frame = good.copy()
        frame.loc[second, column] = value
        return frame

    return {
        "low above high": with_value("low", 5.0).assign(open=4.5, close=4.5),
        "open above high": with_value("open", 4.5),
        "open below low": with_value("open", 0.25),
        "close above high": with_value("close", 4.5),
        "close below low": with_value("close", 0.25),
        "a negative price": with_value("low", -1.0),
        "a negative volume": with_value("volume", -1.0),
        "before 1970": good.set_axis(dates(datetime(1960, 1, 1, tzinfo=UTC))),
        "off the grid": good.set_axis(good.index + timedelta(seconds=90)),
    }
