"""The time that a file of candles covers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final

from tradai.core import OpenTimeRange, Timeframe, TimeRange, from_epoch_ms
from tradai.entrypoint.freqtrade._candles.contract_data import rate_gaps
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Errors of a time that is outside the years 1 to 9999.
_OUTSIDE_OF_YEARS: Final = (ValueError, OverflowError)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRange:
    """The time that the rows of a file cover.

    Attributes:
        before: Opening time of the candle before the first row.
        first: Opening time of the first row.
        stop: Closing time of the last candle; a last funding rate covers its whole interval.
        after: Closing time of the candle after the last row.
    """

    before: datetime
    first: datetime
    stop: datetime
    after: datetime

    @classmethod
    def of(cls, path: Path, series: NeededSeries) -> Self | None:
        """Return the range of the feather file at `path`, which has the rows of `series`.

        It is None without a file that can be read, and without a row.
        """
        opened = _opened_in(path)
        if opened is None or not len(opened):
            return None
        length = Timeframe(series.timeframe)
        # Funding rates may be hours apart, in a file of one hour.
        slack_ms = series.candle // timedelta(milliseconds=1) - length.milliseconds
        try:
            closed = length.next_close(int(opened[-1]))
            first = from_epoch_ms(int(opened[0]))
            return cls(
                before=first - series.candle,
                first=first,
                stop=from_epoch_ms(closed + slack_ms),
                after=from_epoch_ms(length.next_close(closed)),
            )
        except _OUTSIDE_OF_YEARS:
            return None


def missing_rows_in(path: Path, series: NeededSeries, timerange: TimeRange | OpenTimeRange) -> int:
    """Return how many rows the gaps of the file at `path` lack that reach into `timerange`.

    It is zero without a file that can be read.
    """
    opened = _opened_in(path)
    if opened is None:
        return 0
    start, stop = timerange.start, timerange.stop
    try:
        found = list(row_gaps(opened, kind=series.kind, timeframe=series.timeframe))
    except _OUTSIDE_OF_YEARS:
        return 0
    return sum(
        missing
        for begin, end, missing in found
        if (start is None or end > start) and (stop is None or begin < stop)
    )


def row_gaps(
    opened: "npt.NDArray[np.int64]", *, kind: str, timeframe: str
) -> Iterator[tuple[datetime, datetime, int]]:
    """Yield start and end of each gap, and the number of rows that it lacks.

    Args:
        opened: Times of the rows in epoch milliseconds, which rise.
        kind: The engine's name of the kind of candles; see `rate_gaps` for funding rates.
        timeframe: Length of the candles.
    """
    from tradai.core.frames import CandleColumns, gaps

    if kind == "funding_rate":
        yield from ((gap.start, gap.stop, gap.missing) for gap in rate_gaps(opened))
        return
    for gap in gaps(CandleColumns(opened, {}), timeframe):
        yield gap.start, gap.end, gap.missing


def _opened_in(path: Path) -> "npt.NDArray[np.int64] | None":
    """Return the times of the rows in epoch milliseconds, each once and rising.

    It is None without a file that can be read.
    """
    import numpy as np
    import pyarrow as pa
    from pyarrow import feather

    try:
        dates = feather.read_table(path, columns=["date"], memory_map=False)["date"]
        opened = dates.cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64()).drop_null()
        return np.unique(opened.to_numpy())
    except (OSError, ValueError, LookupError, pa.ArrowException):
        return None
