"""Gaps, the missing candles between the first and the last one, and jumps of the price."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, final

import numpy as np
import numpy.typing as npt

from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.frames._columns import CandleColumns, Floats, Stamps, closing_ms

if TYPE_CHECKING:
    import pandas as pd

_PRICES: Final = ("open", "high", "low", "close")
_HIGH, _LOW = 1, 2
_BLOCK: Final = 16_384
# A price moves trade by trade: the next candle opens about where the last one closed. A tick that
# is wrong, a change of the unit or another coin under the same name does not.
_OPENING: Final = 3.0
# In a crash a book may be empty for a moment, so within a candle far more is possible.
_WICK: Final = 10.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A run of `missing` candles, which would open in ``start <= t < end``."""

    start: datetime
    end: datetime
    missing: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A price that no market reaches: of the candle that opens `at`, its `column`.

    Attributes:
        at: Opening time of the candle.
        column: ``open``, ``high`` or ``low``.
        price: The price.
        before: Close of the candle before it; for a high or low, the nearer of open and close.
    """

    at: datetime
    column: str
    price: float
    before: float

    def __str__(self) -> str:
        """Return the jump as a phrase."""
        price = f"{self.column} {self.price:.15g} next to {self.before:.15g}"
        return f"{price} at {self.at:%Y-%m-%d %H:%M:%S} UTC"


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


def jumps(candles: "pd.DataFrame | CandleColumns", timeframe: str) -> list[Jump]:
    """Return the jumps: prices that a market does not reach from one to the next.

    A candle that opens three times above or below the close right before it is one, and a high or
    low that is ten times away from open and close. The candle after a gap may open anywhere.

    Raises:
        ValidationError: `timeframe` is not one, or a frame has no aware dates that rise.
    """
    length = Timeframe(timeframe)
    opened = candles.opened if isinstance(candles, CandleColumns) else _rising_ms(candles)
    cells = candles.cells if isinstance(candles, CandleColumns) else candles
    prices = [np.asarray(cells[name]) for name in _PRICES]
    found: set[Jump] = set()
    for start in range(0, len(opened), _BLOCK):
        block = slice(max(start - 1, 0), start + _BLOCK)
        part = [column[block] for column in prices]
        # Most blocks hold no jump, and two numbers of a block prove it.
        if part[_HIGH].max() > _OPENING * part[_LOW].min():
            found.update(_jumps_of(opened[block], part, length))
    return sorted(found, key=lambda jump: (jump.at, jump.column))


def _jumps_of(opened: Stamps, prices: list[Floats], timeframe: Timeframe) -> list[Jump]:
    opens, highs, lows, closes = prices
    adjoining = opened[1:] == closing_ms(opened, timeframe)[:-1]
    tops, bottoms = np.maximum(opens, closes), np.minimum(opens, closes)
    far = _is_far(opens[1:], closes[:-1]) & adjoining
    return [
        *_jumps_at(np.flatnonzero(far) + 1, opened, "open", opens, np.roll(closes, 1)),
        *_jumps_at(np.flatnonzero(highs > _WICK * tops), opened, "high", highs, tops),
        *_jumps_at(np.flatnonzero(bottoms > _WICK * lows), opened, "low", lows, bottoms),
    ]


def _is_far(prices: Floats, before: Floats) -> npt.NDArray[np.bool_]:
    far: npt.NDArray[np.bool_] = (prices > _OPENING * before) | (before > _OPENING * prices)
    return far


def _jumps_at(
    places: npt.NDArray[np.intp],
    opened: Stamps,
    column: str,
    prices: Floats,
    before: Floats,
) -> list[Jump]:
    return [
        Jump(
            at=from_epoch_ms(int(opened[place])),
            column=column,
            price=float(prices[place]),
            before=float(before[place]),
        )
        for place in places.tolist()
    ]
