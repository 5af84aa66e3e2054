"""Partitions of a series: split candles by period, and encode a partition as Parquet."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tradai.core._time.timeframe import Timeframe
from tradai.core.frames._candles import COLUMNS, opening_ms

# Errors that pyarrow and pandas raise on damaged bytes, even on lengths no memory can hold.
DAMAGE: Final = (
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
)

_INSTANT: Final = pa.timestamp("ms", tz="UTC")
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600


def split_partitions(
    frame: pd.DataFrame, timeframe: Timeframe
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the name of each partition and its candles, in order of time.

    A partition is a day of UTC (``2025-01-31``) for candles of seconds, a month (``2025-01``) for
    candles shorter than an hour, a year (``2025``) for all others: 90,000 candles at the most.
    """
    names = opening_ms(frame).astype("datetime64[ms]").astype(f"datetime64[{_unit(timeframe)}]")
    cuts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    for first, stop in pairwise(cuts):
        yield str(names[first]), frame.iloc[first:stop]


def encode_parquet(frame: pd.DataFrame) -> pa.Buffer:
    """Return the candles of `frame` as a Parquet file, with checksums."""
    columns = {name: pa.array(frame[name].to_numpy()) for name in COLUMNS}
    opened = pa.array(opening_ms(frame)).cast(_INSTANT)
    sink = pa.BufferOutputStream()
    table = pa.table({"date": opened, **columns})
    # Prices hardly repeat: a dictionary of them costs time and space.
    pq.write_table(table, sink, use_dictionary=False, write_page_checksum=True)
    return sink.getvalue()


def decode_parquet(data: bytes) -> pd.DataFrame:
    """Return the candles in a Parquet file; raise one of `DAMAGE` for other bytes."""
    file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    table = file.read(columns=["date", *COLUMNS])
    opened = pd.DatetimeIndex(table["date"].to_pandas(), name="date")
    values = {name: table[name].to_numpy() for name in COLUMNS}
    return pd.DataFrame(values, index=opened)


def _unit(timeframe: Timeframe) -> str:
    if timeframe.endswith("M") or timeframe.seconds >= _HOUR_S:
        return "Y"
    return "M" if timeframe.seconds >= _MINUTE_S else "D"
