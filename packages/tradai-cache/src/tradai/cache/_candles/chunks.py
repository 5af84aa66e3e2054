"""Steps and chunks: the parts of a candle series; instants are epoch milliseconds."""

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

_STEP: Final = 16  # candles: on average, half of a step is read again when a candle closes
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
class Chunks:
    """Steps of a few candles, and chunks of many steps, counted from 1970.

    Attributes:
        candle: The length of a candle; for months, that of the longest.
    """

    candle: int

    @classmethod
    def of(cls, timeframe: Timeframe) -> Self:
        """Return the steps and chunks for candles of `timeframe`."""
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

    def step_start(self, at: int) -> int:
        """Return the start of the step that contains `at`."""
        return at - at % self.step

    def parts(self, start: int, stop: int, *, before: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of ``start <= t < stop``: chunks that end by `before`, then steps.

        The choice depends on `before` alone, so that two ranges share their parts.
        """
        at = self.step_start(start)
        while at < stop:
            chunk = at - at % self.chunk
            part = (chunk, chunk + self.chunk)
            if part[1] > before:
                part = (at, at + self.step)
            yield part
            at = part[1]

    def parts_at(self, at: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the step and the chunk that contain `at`."""
        step, chunk = self.step_start(at), at - at % self.chunk
        return (step, step + self.step), (chunk, chunk + self.chunk)


def floor_ms(at: datetime) -> int:
    """Return the whole milliseconds from 1970 to `at`."""
    return (at - _EPOCH) // _MILLISECOND


def opening_ms(frame: "pd.DataFrame") -> "Stamps":
    """Return the opening times of the candles of `frame`."""
    index = cast("pd.DatetimeIndex", frame.index)
    stamps: Any = index.as_unit("ms").asi8
    return cast("Stamps", stamps)
