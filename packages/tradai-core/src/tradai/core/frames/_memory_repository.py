"""Candle repository in memory."""

from typing import final

import pandas as pd

from tradai.core._fork_lock import ForkLock
from tradai.core._ports.protocols import Clock
from tradai.core._ports.repositories import Coverage
from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.frames._candle_repository import CandleRepository, series_key
from tradai.core.frames._candles import Span, merge_candles, opening_ms


@final
class InMemoryDataRepository(CandleRepository):
    """Candles in the memory of this process; for tests and trials. Threads may share it."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        """Start empty; `clock` decides which candles have closed, by default this machine's."""
        super().__init__(clock)
        self._lock = ForkLock()
        # A frame in here is never changed, only replaced.
        self._frames: dict[tuple[str, Timeframe], pd.DataFrame] = {}

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Return the extent of the series; None when it does not exist."""
        frame = self._frames.get(series_key(pair, timeframe))
        return None if frame is None else coverage_of(frame)

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted."""
        return sorted(self._frames)

    def _read(self, pair: str, timeframe: Timeframe, span: Span) -> pd.DataFrame | None:
        frame = self._frames.get((pair, timeframe))
        return None if frame is None else span.of(frame).copy()

    def _replace(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        with self._lock:
            self._frames[pair, timeframe] = frame.copy()

    def _merge(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        with self._lock:
            old = self._frames.get((pair, timeframe))
            self._frames[pair, timeframe] = (
                frame.copy() if old is None else merge_candles(old, frame)
            )

    def _place(self) -> str:
        return ""


def coverage_of(frame: pd.DataFrame) -> Coverage | None:
    """Return the extent of `frame`; None when it is empty."""
    if frame.empty:
        return None
    opened = opening_ms(frame)
    return Coverage(from_epoch_ms(int(opened[0])), from_epoch_ms(int(opened[-1])), len(opened))
