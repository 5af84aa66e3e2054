"""Blocks of candles, small and large: the parts of a series that are cached one by one.

Instants are epoch milliseconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, cast, final

from tradai.core import Timeframe

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Stamps: TypeAlias = npt.NDArray[np.int64]

_SMALL_BLOCK: Final = 16  # candles: on average, half a block is read again when a candle closes
_LARGE_BLOCK: Final = 32 * _SMALL_BLOCK
_LONGEST_MONTH_MS: Final = 31 * 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_ENDLESS: Final = 1 << 62


@final
class Span(NamedTuple):
    """The instants ``start <= t < stop``."""

    start: int
    stop: int

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> Self | None:
        """Return the span from `start` up to `end`; None when they do not form a range."""
        if any(at is not None and at.utcoffset() is None for at in (start, end)):
            return None
        if start is not None and end is not None and start > end:
            return None
        return cls(
            -_ENDLESS if start is None else -((_EPOCH - start) // _MILLISECOND),
            _ENDLESS if end is None else -((_EPOCH - end) // _MILLISECOND),
        )

    def select(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the candles of `frame` that open in the span."""
        opened = opening_ms(frame)
        return frame.iloc[opened.searchsorted(self.start) : opened.searchsorted(self.stop)]


@final
@dataclass(frozen=True, slots=True)
class Blocks:
    """Small blocks of a few candles, and large blocks of many small ones, counted from 1970.

    Attributes:
        candle: The length of a candle; for months, that of the longest.
    """

    candle: int

    @classmethod
    def of(cls, timeframe: Timeframe) -> Self:
        """Return the blocks for candles of `timeframe`."""
        if timeframe.endswith("M"):
            return cls(int(timeframe[:-1]) * _LONGEST_MONTH_MS)
        return cls(timeframe.milliseconds)

    @property
    def small_block(self) -> int:
        """The length of a small block."""
        return _SMALL_BLOCK * self.candle

    @property
    def large_block(self) -> int:
        """The length of a large block."""
        return _LARGE_BLOCK * self.candle

    def small_block_start(self, at: int) -> int:
        """Return the start of the small block that contains `at`."""
        return at - at % self.small_block

    def parts(self, start: int, stop: int, *, before: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of ``start <= t < stop``: large blocks that end by `before`, then small.

        The choice depends on `before` alone, so that two ranges share their parts.
        """
        at = self.small_block_start(start)
        while at < stop:
            large = at - at % self.large_block
            part = (large, large + self.large_block)
            if part[1] > before:
                part = (at, at + self.small_block)
            yield part
            at = part[1]

    def parts_at(self, at: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the small and the large block that contain `at`."""
        small, large = self.small_block_start(at), at - at % self.large_block
        return (small, small + self.small_block), (large, large + self.large_block)


def floor_ms(at: datetime) -> int:
    """Return the whole milliseconds from 1970 to `at`."""
    return (at - _EPOCH) // _MILLISECOND


def opening_ms(frame: "pd.DataFrame") -> "Stamps":
    """Return the opening times of the candles of `frame`."""
    index = cast("pd.DatetimeIndex", frame.index)
    stamps: Any = index.as_unit("ms").asi8
    return cast("Stamps", stamps)
