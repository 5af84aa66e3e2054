"""Base class of candle repositories that keep columns: checks of candles and ranges, and names.

Nothing here needs pandas, except to take a frame or to give one.
"""

import logging
import re
from abc import abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tradai.core._ports.protocols import Clock
from tradai.core._ports.repositories import Coverage, DataRepository
from tradai.core._time.clock import SystemClock
from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core._types.symbols import pair_parts
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.core.frames._columns import (
    CandleColumns,
    Span,
    Stamps,
    candles_error,
    check_columns,
    closed_count,
    closing_ms,
    refuse_impossible,
)
from tradai.core.frames._gaps import jumps

if TYPE_CHECKING:
    import pandas as pd

_log: Final = logging.getLogger(__name__)
_NAME: Final = re.compile(r"([^_]+)_([^_]+)-([1-9][0-9]{0,5}(?:[smhdw]|Mo))")


class CandleRepository(DataRepository):
    """Checks candles on the way in and cuts them on the way out; subclasses store them."""

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
    ) -> "pd.DataFrame":
        """Return the closed candles that open in ``start <= t < end``; see `DataRepository`."""
        from tradai.core.frames._candles import frame_of

        columns = self.get_columns(pair, timeframe, start=start, end=end, closed_by=closed_by)
        return frame_of(columns)

    def get_columns(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> CandleColumns:
        """Return what `get_ohlcv` does, without pandas; the columns may be read-only."""
        series = series_key(pair, timeframe)
        columns = self._read(*series, Span.between(start, end))
        if columns is None:
            raise no_series(*series, self._place())
        count = closed_count(columns.opened, series[1], self._clock.now())
        if closed_by is not None:
            count = min(count, closed_count(columns.opened, series[1], closed_by))
        return columns if count == len(columns) else columns.cut(slice(count))

    def save_ohlcv(self, pair: str, timeframe: str, frame: "pd.DataFrame") -> None:
        """Keep `frame` as the whole series; see `DataRepository`."""
        self.save_columns(pair, timeframe, _new_columns(frame, f"{pair} {timeframe}"))

    def save_columns(self, pair: str, timeframe: str, columns: CandleColumns) -> None:
        """Keep `columns` as the whole series, as `save_ohlcv` does, without pandas."""
        series = series_key(pair, timeframe)
        self._replace(*series, self._accepted(*series, columns))

    def upsert_ohlcv(self, pair: str, timeframe: str, frame: "pd.DataFrame") -> None:
        """Add the candles of `frame` to the series; see `DataRepository`."""
        series = series_key(pair, timeframe)
        columns = _new_columns(frame, f"{pair} {timeframe}")
        self._merge(*series, self._accepted(*series, columns))

    @abstractmethod
    def _read(self, pair: str, timeframe: Timeframe, span: Span) -> CandleColumns | None:
        """Return the candles in `span`, checked; None without a series.

        The memory belongs to the caller, unless it is read-only.
        """

    @abstractmethod
    def _replace(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> None:
        """Make `columns` the whole series."""

    @abstractmethod
    def _merge(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> None:
        """Merge `columns` into the series; they replace candles that open at the same time."""

    @abstractmethod
    def _place(self) -> str:
        """Return the place of the series, for messages."""

    def _accepted(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> CandleColumns:
        what = f"{pair} {timeframe}"
        if not len(columns):
            raise candles_error(what, "there are none")
        check_columns(columns, what)
        check_storable(columns, pair, timeframe, self._clock.now())
        return columns


def read_columns(
    repository: DataRepository,
    pair: str,
    timeframe: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
) -> CandleColumns:
    """Return the closed candles of `repository`; pandas is imported only if it needs that.

    Raises:
        NotFoundError: As `DataRepository.get_ohlcv` does.
        ValidationError: As `DataRepository.get_ohlcv` does.
        StorageError: As `DataRepository.get_ohlcv` does.
    """
    if isinstance(repository, CandleRepository):
        return repository.get_columns(pair, timeframe, start=start, end=end)
    # Only here, because importing pandas takes longer than reading a month of candles.
    from tradai.core.frames._candles import columns_of

    return columns_of(repository.get_ohlcv(pair, timeframe, start=start, end=end))


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


def parse_series_name(name: str) -> tuple[str, Timeframe] | None:
    """Return the pair and timeframe that `name` names; None for any other name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return series_key(f"{match[1]}/{match[2]}", match[3].replace("Mo", "M"))
    except ValidationError:
        return None


def check_storable(columns: CandleColumns, pair: str, timeframe: Timeframe, now: datetime) -> None:
    """Check candles that are to be stored, and warn about jumps in them.

    Raises:
        ValidationError: A candle cannot be, or the last one is still open at `now`.
    """
    refuse_impossible(columns, timeframe, f"{pair} {timeframe}")
    _check_closed(columns.opened, pair, timeframe, now)
    if found := jumps(columns, timeframe):
        _log.warning(
            "%s %s has jumps that no market makes, %d in all, the first: %s; "
            "check where the candles are from",
            *(pair, timeframe, len(found), found[0]),
        )


def _check_closed(opened: Stamps, pair: str, timeframe: Timeframe, now: datetime) -> None:
    """Raise `ValidationError` when the last of the candles that open at `opened` is still open."""
    closes = from_epoch_ms(int(closing_ms(opened[-1:], timeframe)[0]))
    if closes > now:
        expected = "closed candles"
        message = (
            f"the candles of {pair} {timeframe} are not usable: the one that opens at "
            f"{from_epoch_ms(int(opened[-1])):%Y-%m-%d %H:%M:%S} is open until "
            f"{closes:%Y-%m-%d %H:%M:%S} UTC; leave it out with tradai.core.frames.closed"
        )
        raise ValidationError(message, field="frame", expected=expected)


def no_series(pair: str, timeframe: str, place: str) -> NotFoundError:
    """Return the error for a series that is not at `place`."""
    key = f"{pair} {timeframe}"
    message = f"there are no candles of {key}{place}; download them first"
    return NotFoundError(message, kind="series", key=key)


def coverage_of(columns: CandleColumns) -> Coverage | None:
    """Return the extent of `columns`; None when they are empty."""
    if not len(columns):
        return None
    first, last = (from_epoch_ms(int(at)) for at in columns.opened[[0, -1]])
    return Coverage(first, last, len(columns))


def _new_columns(frame: "pd.DataFrame", what: str) -> CandleColumns:
    from tradai.core.frames._candles import check_new_candles, columns_of

    return columns_of(check_new_candles(frame, what))
