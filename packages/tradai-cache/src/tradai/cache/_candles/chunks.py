"""How a series of candles is cut into parts; instants are epoch milliseconds."""

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

__all__ = ["Chunks", "Span", "floor_ms", "opening_ms"]

_STEP: Final = 16  # candles: half of them are read again with each one that closes
_CHUNK: Final = 32 * _STEP
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
        """Return the span from `start` up to `end`; None when the two are no range."""
        if any(at is not None and at.utcoffset() is None for at in (start, end)):
            return None
        if start is not None and end is not None and start > end:
            return None
        return cls(
            -_ENDLESS if start is None else -((_EPOCH - start) // _MILLISECOND),
            _ENDLESS if end is None else -((_EPOCH - end) // _MILLISECOND),
        )

    def of(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the candles of `frame` that open in the span."""
        opened = opening_ms(frame)
        return frame.iloc[opened.searchsorted(self.start) : opened.searchsorted(self.stop)]


@final
@dataclass(frozen=True, slots=True)
class Chunks:
    """Steps of a few candles, and chunks of many steps, counted from 1970.

    Attributes:
        candle: The length of a candle; of months the longest.
    """

    candle: int

    @classmethod
    def of(cls, timeframe: Timeframe) -> Self:
        """Return the steps and chunks for candles of this length."""
        if timeframe.endswith("M"):
            return cls(int(timeframe[:-1]) * _LONGEST_MONTH_MS)
        return cls(timeframe.milliseconds)

    @property
    def step(self) -> int:
        """The length of a step."""
        return _STEP * self.candle

    @property
    def chunk(self) -> int:
        """The length of a chunk."""
        return _CHUNK * self.candle

    def step_of(self, at: int) -> int:
        """Return where the step begins that `at` is in."""
        return at - at % self.step

    def parts(self, start: int, stop: int, *, before: int) -> Iterator[tuple[int, int]]:
        """Yield the parts that hold ``start <= t < stop``: chunks as far as they end by `before`.

        It is chosen by `before` alone, so that the parts of two ranges are the same parts.
        """
        at = self.step_of(start)
        while at < stop:
            chunk = at - at % self.chunk
            part = (chunk, chunk + self.chunk)
            if part[1] > before:
                part = (at, at + self.step)
            yield part
            at = part[1]

    def around(self, at: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the step and the chunk that `at` is in."""
        step, chunk = self.step_of(at), at - at % self.chunk
        return (step, step + self.step), (chunk, chunk + self.chunk)


def floor_ms(at: datetime) -> int:
    """Return the whole milliseconds from 1970 to `at`."""
    return (at - _EPOCH) // _MILLISECOND


def opening_ms(frame: "pd.DataFrame") -> "Stamps":
    """Return when the candles of `frame` open."""
    index = cast("pd.DatetimeIndex", frame.index)
    stamps: Any = index.as_unit("ms").asi8
    return cast("Stamps", stamps)
