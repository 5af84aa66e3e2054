"""Candles that are closed where the look-ahead analysis cuts the time.

The engine (freqtrade 2026.9) cuts each series by the opening times of its candles. A longer candle
that opens before the cut stays whole, and a strategy that reads it before it closes sees the same
close with and without the candles after a trade. In the files there are all candles.
"""

from pathlib import Path

from tradai.core import Timeframe
from tradai.entrypoint.freqtrade._candles.data_file import FUNDING_RATE, DataFile


def write_closed_candles(source: Path, target: Path, *, own: Timeframe, stop_ms: int) -> None:
    """Write the candles of each series in `source` that are closed when the last own one is.

    Of each series that has begun, at least one candle is written: a strategy may not expect one
    without any.

    Args:
        source: Folder of candles in feather, which the engine reads, with folders in it.
        target: Folder that gets files of the same names.
        own: Timeframe of the strategy.
        stop_ms: Opening time of the last own candle.
    """
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        file = DataFile.of(path)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        elif file is not None and file.timeframe is not None:
            copy.parent.mkdir(parents=True, exist_ok=True)
            _write_closed(path, copy, file, (own, stop_ms))


def _write_closed(path: Path, copy: Path, file: DataFile, cut: tuple[Timeframe, int]) -> None:
    import pyarrow as pa
    from pyarrow import feather

    table = feather.read_table(path, memory_map=True)
    opened = table["date"].cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64()).to_numpy()
    own, stop_ms = cut
    count = int((opened <= stop_ms).sum())
    # A rate is known at its time, and not when a candle of its timeframe ends.
    if file.timeframe is not None and file.kind != FUNDING_RATE:
        end_ms = own.next_close(stop_ms)
        while count > 1 and file.timeframe.next_close(int(opened[count - 1])) > end_ms:
            count -= 1
        # Shorter ones open after the last own one, and are closed with it.
        while count < len(opened) and file.timeframe.next_close(int(opened[count])) <= end_ms:
            count += 1
    feather.write_feather(table[:count], copy, compression="uncompressed")
