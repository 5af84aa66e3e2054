"""Gaps: missing candles between the first and the last one."""

from dataclasses import dataclass
from datetime import datetime
from typing import final

import numpy as np
import pandas as pd

from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.frames._candles import closing_ms, rising_ms


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A run of `missing` candles, which would open in ``start <= t < end``."""

    start: datetime
    end: datetime
    missing: int


def gaps(frame: pd.DataFrame, timeframe: str) -> list[Gap]:
    """Return the gaps between the first and the last candle of `frame`.

    Raises:
        ValidationError: `timeframe` is not one, or `frame` has no aware dates that rise.
    """
    length = Timeframe(timeframe)
    opened = rising_ms(frame)
    due = closing_ms(opened, length)
    wide = np.flatnonzero(opened[1:] > due[:-1]).tolist()
    return [_gap(int(due[place]), int(opened[place + 1]), length) for place in wide]


def _gap(start_ms: int, end_ms: int, timeframe: Timeframe) -> Gap:
    missing = _between(start_ms, end_ms, timeframe)
    return Gap(start=from_epoch_ms(start_ms), end=from_epoch_ms(end_ms), missing=missing)


def _between(start_ms: int, end_ms: int, timeframe: Timeframe) -> int:
    """Count the candles that open at `start_ms` and every timeframe after it, before `end_ms`."""
    if not timeframe.endswith("M"):
        return -((start_ms - end_ms) // timeframe.milliseconds)
    start, end = (np.datetime64(at_ms, "ms") for at_ms in (start_ms, end_ms))
    first, last = start.astype("datetime64[M]"), end.astype("datetime64[M]")
    begun = int((last - first).astype(int)) + bool(end - last > start - first)
    return -(-begun // int(timeframe[:-1]))
