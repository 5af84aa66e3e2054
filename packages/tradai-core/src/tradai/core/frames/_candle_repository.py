"""Base class of candle repositories: checks of names, frames and ranges."""

import logging
from abc import abstractmethod
from datetime import datetime
from typing import Final

import pandas as pd

from tradai.core._ports.protocols import Clock
from tradai.core._ports.repositories import DataRepository
from tradai.core._time.clock import SystemClock
from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core._types.symbols import pair_parts
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.core.frames._candles import Span, check_new_candles, closed, closing_ms, opening_ms
from tradai.core.frames._gaps import jumps

_log: Final = logging.getLogger(__name__)


class CandleRepository(DataRepository):
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
            key = f"{pair} {timeframe}"
            message = f"there are no candles of {key}{self._place()}; download them first"
            raise NotFoundError(message, kind="series", key=key)
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
        fit = check_new_candles(frame, pair, timeframe)
        last = opening_ms(fit)[-1:]
        closes = from_epoch_ms(int(closing_ms(last, timeframe)[0]))
        if closes > self._clock.now():
            expected = "closed candles"
            message = (
                f"the candles of {pair} {timeframe} are not usable: the one that opens at "
                f"{from_epoch_ms(int(last[0])):%Y-%m-%d %H:%M:%S} is open until "
                f"{closes:%Y-%m-%d %H:%M:%S} UTC; leave it out with tradai.core.frames.closed"
            )
            raise ValidationError(message, field="frame", expected=expected)
        if found := jumps(fit, timeframe):
            _log.warning(
                "%s %s has jumps that no market makes, %d in all, the first: %s; "
                "check where the candles are from",
                *(pair, timeframe, len(found), found[0]),
            )
        return fit


def series_key(pair: str, timeframe: str) -> tuple[str, Timeframe]:
    """Return the checked pair and timeframe of a series.

    Raises:
        ValidationError: `pair` is not a spot pair, or `timeframe` is not one.
    """
    pair_parts(pair)
    if ":" in pair:
        expected = "a spot pair such as BTC/USDT"
        message = f"pair {pair!r} is not usable here: expected {expected}"
        raise ValidationError(message, field="pair", expected=expected)
    return pair, Timeframe(timeframe)
