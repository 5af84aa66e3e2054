"""The time that a file of candles covers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self, final

from tradai.core import Timeframe, from_epoch_ms
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRange:
    """The time that the rows of a file cover.

    Attributes:
        first: Opening time of the first candle; a first funding rate covers time before it, too.
        stop: Closing time of the last candle; a last funding rate covers its whole interval.
        after: Closing time of the candle after the last row.
    """

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
        # A time outside the years 1 to 9999 is a ValueError, too.
        except (OSError, ValueError, LookupError, pa.ArrowException):
            return None
        return cls(first=first, stop=stop, after=after)
