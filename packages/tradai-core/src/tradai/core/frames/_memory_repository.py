"""Candle repository in memory."""

from typing import final

from tradai.core._fork_lock import ForkLock
from tradai.core._ports.protocols import Clock
from tradai.core._ports.repositories import Coverage
from tradai.core._time.timeframe import Timeframe
from tradai.core.frames._candle_repository import CandleRepository, coverage_of, series_key
from tradai.core.frames._columns import CandleColumns, Span, merge_columns


@final
class InMemoryDataRepository(CandleRepository):
    """Candles in the memory of this process; for tests and trials. Threads may share it."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        """Start empty; `clock` decides which candles have closed, by default this machine's."""
        super().__init__(clock)
        self._lock = ForkLock()
        # Columns in here are never changed, only replaced.
        self._series: dict[tuple[str, Timeframe], CandleColumns] = {}

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Return the extent of the series; None when it does not exist."""
        columns = self._series.get(series_key(pair, timeframe))
        return None if columns is None else coverage_of(columns)

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted."""
        return sorted(self._series)

    def _read(self, pair: str, timeframe: Timeframe, span: Span) -> CandleColumns | None:
        columns = self._series.get((pair, timeframe))
        return None if columns is None else columns.cut(span.places(columns.opened)).copy()

    def _replace(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> None:
        with self._lock:
            self._series[pair, timeframe] = columns.copy()

    def _merge(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> None:
        with self._lock:
            old = self._series.get((pair, timeframe))
            self._series[pair, timeframe] = (
                columns.copy() if old is None else merge_columns(old, columns)
            )

    def _place(self) -> str:
        return ""
