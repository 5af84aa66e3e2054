"""The time that a file of candles covers."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self, final

from tradai.core import Timeframe, from_epoch_ms


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRange:
    """The candles that a file has.

    Attributes:
        first: Opening time of the first one.
        stop: Closing time of the last one.
        after: Closing time of the candle after that.
    """

    first: datetime
    stop: datetime
    after: datetime

    @classmethod
    def of(cls, path: Path, timeframe: str) -> Self | None:
        """Return the range of the feather file at `path`; None without one that can be read."""
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyarrow import feather

        try:
            dates = feather.read_table(path, columns=["date"], memory_map=False)["date"]
            ends = pc.min_max(dates.cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64())).as_py()
        except (OSError, ValueError, LookupError):
            return None
        if ends["min"] is None:
            return None
        length = Timeframe(timeframe)
        stop = length.next_close(ends["max"])
        instants = map(from_epoch_ms, (ends["min"], stop, length.next_close(stop)))
        first, stopped, after = instants
        return cls(first=first, stop=stopped, after=after)
