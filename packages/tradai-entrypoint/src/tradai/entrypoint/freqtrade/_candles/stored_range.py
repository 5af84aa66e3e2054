"""The time that a file of candles covers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self, final

from tradai.core import OpenTimeRange, Timeframe, TimeRange, from_epoch_ms
from tradai.entrypoint.freqtrade._candles.contract_data import rate_gaps
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRange:
    """The time that the rows of a file cover.

    Attributes:
        before: Opening time of the candle before the first row.
        first: Opening time of the first candle; a first funding rate covers time before it, too.
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

        It is None without a file that can be read.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyarrow import feather

        length = Timeframe(series.timeframe)
        # Funding rates may be hours apart, in a file of one hour.
        slack_ms = series.candle // timedelta(milliseconds=1) - length.milliseconds
        try:
            dates = feather.read_table(path, columns=["date"], memory_map=False)["date"]
            ends = pc.min_max(dates.cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64())).as_py()
            if ends["min"] is None:
                return None
            closed = length.next_close(ends["max"])
            instants = (ends["min"] - slack_ms, closed + slack_ms, length.next_close(closed))
            first, stop, after = map(from_epoch_ms, instants)
            before = from_epoch_ms(ends["min"]) - series.candle
        # A time outside the years 1 to 9999 is a ValueError, too.
        except (OSError, ValueError, LookupError, OverflowError, pa.ArrowException):
            return None
        return cls(before=before, first=first, stop=stop, after=after)


def is_empty(path: Path) -> bool:
    """Return whether the feather file at `path` has no row; one that cannot be read may have."""
    import pyarrow as pa
    from pyarrow import feather

    try:
        return bool(feather.read_table(path, columns=["date"], memory_map=False).num_rows == 0)
    except (OSError, ValueError, LookupError, pa.ArrowException):
        return False


def missing_rows_in(path: Path, series: NeededSeries, timerange: TimeRange | OpenTimeRange) -> int:
    """Return how many rows the gaps of the file at `path` lack that reach into `timerange`.

    It is zero without a file that can be read. See `rate_gaps` for those of funding rates.
    """
    import numpy as np
    import pyarrow as pa
    from pyarrow import feather

    try:
        dates = feather.read_table(path, columns=["date"], memory_map=False)["date"]
        opened = dates.cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64()).drop_null().to_numpy()
        return sum(_missing_of(np.unique(opened), series, timerange))
    except (OSError, ValueError, LookupError, OverflowError, pa.ArrowException):
        return 0


def _missing_of(
    opened: "npt.NDArray[np.int64]", series: NeededSeries, timerange: TimeRange | OpenTimeRange
) -> Iterator[int]:
    from tradai.core.frames import CandleColumns, gaps

    start, stop = timerange.start, timerange.stop
    if series.kind == "funding_rate":
        found = [(gap.start, gap.stop, gap.missing) for gap in rate_gaps(opened)]
    else:
        each = gaps(CandleColumns(opened, {}), series.timeframe)
        found = [(gap.start, gap.end, gap.missing) for gap in each]
    for begin, end, missing in found:
        if (start is None or end > start) and (stop is None or begin < stop):
            yield missing
