"""Candle repository in partitioned Parquet files."""

from pathlib import Path
from typing import final

from tradai.core._local.atomic_files import file_errors
from tradai.core._local.file_uri import file_path
from tradai.core._ports.protocols import Clock
from tradai.core._ports.repositories import Coverage, series_name
from tradai.core._time.timeframe import Timeframe
from tradai.core.frames._candle_repository import (
    CandleRepository,
    parse_series_name,
    series_key,
)
from tradai.core.frames._columns import CandleColumns, Span
from tradai.core.frames._manifest import MANIFEST_NAME
from tradai.core.frames._series_folder import SeriesFolder


@final
class ParquetDataRepository(CandleRepository):
    """Candles in partitioned Parquet files: the repository to collect them in.

    Each series has a folder such as ``BTC_USDT-5m`` with a file for each month (each day for
    candles of seconds, each year for candles of an hour and longer) and ``manifest.json``, which
    lists the files of the series.

    A change, however many partitions it touches, happens at the moment the manifest is replaced: a
    reader, a crash, a killed writer or a power loss meets the series before it or after it, whole.
    Writers of one series wait for each other, also in other processes on this machine; readers do
    not wait. A change reads and writes only the partitions it touches, a read opens only those it
    needs, and `coverage` opens none. Files carry checksums that are verified on reading.

    Files that a change replaced or a killed writer left behind are removed by the next change.
    """

    def __init__(self, root: str | Path, *, clock: Clock | None = None) -> None:
        """Keep candles in the folder `root`; it is created with the first series.

        Args:
            root: The folder, as a path or a ``file:`` URI.
            clock: Decides which candles have closed; by default the clock of this machine.
        """
        super().__init__(clock)
        self._root = file_path(root).absolute()

    @classmethod
    def for_uri(cls, uri: str) -> "ParquetDataRepository":
        """Return the repository in the folder that a URI such as ``parquet:///candles`` names."""
        return cls(f"file:{uri.removeprefix('parquet:')}")

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Return the extent of the series, from its manifest; None when it does not exist."""
        manifest = self._series(*series_key(pair, timeframe)).manifest()
        return None if manifest is None else manifest.coverage

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted; other folders are ignored."""
        if not self._root.is_dir():
            return []
        with file_errors("list", self._root):
            found = [path.parent.name for path in self._root.glob(f"*/{MANIFEST_NAME}")]
        return sorted(series for series in map(parse_series_name, found) if series)

    def _read(self, pair: str, timeframe: Timeframe, span: Span) -> CandleColumns | None:
        return self._series(pair, timeframe).read(span)

    def _replace(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> None:
        self._series(pair, timeframe).replace(columns)

    def _merge(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> None:
        self._series(pair, timeframe).merge(columns)

    def _place(self) -> str:
        return f" in {self._root}"

    def _series(self, pair: str, timeframe: Timeframe) -> SeriesFolder:
        return SeriesFolder(self._root / series_name(pair, timeframe), timeframe)
