"""Base class of candle repositories that keep frames: checks of names, frames and ranges."""

from abc import abstractmethod
from datetime import datetime

import pandas as pd

from tradai.core._ports.protocols import Clock
from tradai.core._ports.repositories import DataRepository
from tradai.core._time.clock import SystemClock
from tradai.core._time.timeframe import Timeframe
from tradai.core.frames._candle_repository import check_storable, no_series, series_key
from tradai.core.frames._candles import check_new_candles, closed, columns_of
from tradai.core.frames._columns import Span


class FrameRepository(DataRepository):
    """Checks frames on the way in and cuts them on the way out; subclasses store them."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Use `clock` to decide which candles have closed; None means the clock of this machine."""
        self._clock = clock or SystemClock()

    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        """Return the closed candles that open in ``start <= t < end``; see `DataRepository`."""
        series = series_key(pair, timeframe)
        frame = self._read(*series, Span.between(start, end))
        if frame is None:
            raise no_series(*series, self._place())
        now = self._clock.now()
        known = frame if closed_by is None else closed(frame, timeframe, by=closed_by)
        return closed(known, timeframe, by=now)

    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        """Keep `frame` as the whole series; see `DataRepository`."""
        series = series_key(pair, timeframe)
        self._replace(*series, self._accepted(*series, frame))

    def upsert_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        """Add the candles of `frame` to the series; see `DataRepository`."""
        series = series_key(pair, timeframe)
        self._merge(*series, self._accepted(*series, frame))

    @abstractmethod
    def _read(self, pair: str, timeframe: Timeframe, span: Span) -> pd.DataFrame | None:
        """Return the candles in `span`, checked, for the caller to keep; None without a series."""

    @abstractmethod
    def _replace(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        """Make `frame` the whole series."""

    @abstractmethod
    def _merge(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        """Merge `frame` into the series; its candles replace those that open at the same time."""

    @abstractmethod
    def _place(self) -> str:
        """Return the place of the series, for messages."""

    def _accepted(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> pd.DataFrame:
        fit = check_new_candles(frame, f"{pair} {timeframe}")
        check_storable(columns_of(fit), pair, timeframe, self._clock.now())
        return fit
