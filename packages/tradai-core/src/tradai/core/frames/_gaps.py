"""Gaps: missing candles between the first and the last one."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, final

import numpy as np

from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.frames._columns import CandleColumns, Stamps, closing_ms

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A run of `missing` candles, which would open in ``start <= t < end``."""

    start: datetime
    end: datetime
    missing: int


def gaps(candles: "pd.DataFrame | CandleColumns", timeframe: str) -> list[Gap]:
    """Return the gaps between the first and the last candle.

    Raises:
        ValidationError: `timeframe` is not one, or a frame has no aware dates that rise.
    """
    length = Timeframe(timeframe)
    opened = candles.opened if isinstance(candles, CandleColumns) else _rising_ms(candles)
    due = closing_ms(opened, length)
    wide = np.flatnonzero(opened[1:] > due[:-1]).tolist()
    return [_gap(int(due[place]), int(opened[place + 1]), length) for place in wide]


def _rising_ms(frame: "pd.DataFrame") -> Stamps:
    # Only here, because candles that come as columns do without pandas.
    from tradai.core.frames._candles import rising_ms

    return rising_ms(frame)


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
