"""Opening and closing times of candles for whole columns; `Timeframe` has them for one instant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tradai.core._time.candle_grid import MillisecondGrid, ms_grid
from tradai.core._time.instants import FIRST_MS, LAST_MS, is_utc, to_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.exceptions import ValidationError

Times = TypeVar("Times", pd.DatetimeIndex, "pd.Series[Any]", npt.NDArray[Any])

_Stamps: TypeAlias = npt.NDArray[np.int64]
_Kernel: TypeAlias = Callable[[_Stamps, str], _Stamps]  # stamps and their unit

_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_UNITS: Final = {np.dtype(f"datetime64[{unit}]"): unit for unit in _PER_SECOND}
_SERIES_DTYPES: Final = (np.dtype, pd.DatetimeTZDtype)  # Arrow's and nullable ones have others
_LONGEST_MONTH_S: Final = 31 * 86_400
_INT64: Final = np.iinfo(np.int64)
_EXPECTED: Final = (
    "a DatetimeIndex or Series in UTC, or an array or Series of epoch milliseconds (int64) or "
    "datetime64 in s, ms, us or ns"
)


def floor_times(times: Times, timeframe: str) -> Times:
    """Return the opening times of the candles that hold `times`.

    Args:
        times: A `DatetimeIndex` or `Series` in UTC; or a `Series` or NumPy array of epoch
            milliseconds (``int64``); or a NumPy array of ``datetime64``, which is in UTC by
            NumPy's own convention. Any resolution from s to ns, any order, duplicates too; a
            missing time (NaT) stays missing.
        timeframe: Such as ``5m``; see `Timeframe` for where candles open.

    Returns:
        A new object of the same type, dtype, time zone, index and name.

    Raises:
        ValidationError: `times` has another type, is naive or in another zone than UTC; a candle
            may leave the years 1 to 9999 or the range of the resolution; or `timeframe` is not
            valid.
    """
    return _openings(times, timeframe)


def ceil_times(times: Times, timeframe: str) -> Times:
    """Return the first openings that are not before `times`; see `floor_times`."""
    return _openings(times, timeframe, back=1, ahead=1)


def next_closes(times: Times, timeframe: str) -> Times:
    """Return the closing times of the candles that hold `times`; see `floor_times`."""
    return _openings(times, timeframe, ahead=1)


def candle_index(start: datetime, stop: datetime, timeframe: str) -> pd.DatetimeIndex:
    """Return the openings in ``start <= t < stop``, as the index of a frame of candles.

    Returns:
        A ``datetime64[ms, UTC]`` index named ``date``; empty when no candle opens there.

    Raises:
        ValidationError: As `Timeframe.range` does.
    """
    length = Timeframe(timeframe)
    grid, count = ms_grid(length), length.count_between(start, stop)
    if isinstance(grid, MillisecondGrid):
        stamps = to_epoch_ms(length.ceil(start)) + grid.length * np.arange(count)
    else:
        openings = map(to_epoch_ms, length.range(start, stop))
        stamps = np.fromiter(openings, dtype=np.int64, count=count)
    return pd.DatetimeIndex(stamps.view("M8[ms]"), tz="UTC", name="date")


@dataclass(frozen=True, slots=True)
class _FixedOpenings:
    """Openings of candles of one length; anchor and length are in the unit of the stamps."""

    anchor: int
    length: int

    @property
    def reach(self) -> int:
        return self.length + self.anchor

    def at(self, stamps: _Stamps, back: int, ahead: int) -> _Stamps:
        # Dividing is several times as fast as NumPy's remainder.
        first = self.anchor + ahead * self.length
        return (stamps - (self.anchor + back)) // self.length * self.length + first


@dataclass(frozen=True, slots=True)
class _MonthOpenings:
    """Openings of candles of whole calendar months."""

    months: int
    unit: str

    @property
    def reach(self) -> int:
        return (self.months + 1) * _LONGEST_MONTH_S * _PER_SECOND[self.unit]

    def at(self, stamps: _Stamps, back: int, ahead: int) -> _Stamps:
        months = (stamps - back).view(f"M8[{self.unit}]").astype("M8[M]").view(np.int64)
        openings = (months // self.months + ahead) * self.months
        return openings.view("M8[M]").astype(f"M8[{self.unit}]").view(np.int64)


def _openings(times: Times, timeframe: str, *, back: int = 0, ahead: int = 0) -> Times:
    """Return the openings `ahead` candles after those that hold `times` less `back` stamps."""
    length = Timeframe(timeframe)

    def moved(stamps: _Stamps, unit: str) -> _Stamps:
        grid = _grid(length, unit)
        _check_span(stamps, unit, reach=grid.reach)
        return grid.at(stamps, back, ahead)

    # Each branch of `_mapped` keeps the type, which mypy cannot follow.
    return cast("Times", _mapped(times, moved))


def _grid(timeframe: Timeframe, unit: str) -> _FixedOpenings | _MonthOpenings:
    grid, per_second = ms_grid(timeframe), _PER_SECOND[unit]
    if isinstance(grid, MillisecondGrid):
        # Lengths are whole seconds: nothing is cut here.
        anchor, length = (ms * per_second // 1_000 for ms in (grid.anchor, grid.length))
        return _FixedOpenings(anchor, length)
    return _MonthOpenings(grid.months, unit)


def _mapped(times: object, kernel: _Kernel) -> object:
    """Return `times` with their stamps put through `kernel`."""
    if isinstance(times, pd.DatetimeIndex) and is_utc(times.tz):
        values = _mapped_array(times.tz_convert(None).to_numpy(), kernel)
        # Integers are taken as they are, datetime64 would be copied.
        stamps = values.view(np.int64)
        return pd.DatetimeIndex(stamps, dtype=times.dtype, name=times.name, copy=False)
    if isinstance(times, pd.Series) and isinstance(times.dtype, _SERIES_DTYPES):
        inner = pd.DatetimeIndex(times) if times.dtype.kind == "M" else times.to_numpy()
        moved = _mapped(inner, kernel)
        return pd.Series(moved, index=times.index, name=times.name, copy=False)
    if isinstance(times, np.ndarray) and times.ndim:
        return _mapped_array(times, kernel)
    raise _times_error(f"{type(times).__name__} {getattr(times, 'dtype', '')}".rstrip())


def _mapped_array(values: npt.NDArray[Any], kernel: _Kernel) -> npt.NDArray[Any]:
    if values.dtype == np.int64:
        return kernel(values, "ms")
    if values.dtype not in _UNITS:
        raise _times_error(f"an array of {values.dtype}")
    missing = np.isnat(values)
    stamps = values.view(np.int64)
    if missing.any():
        stamps = np.where(missing, 0, stamps)
    openings = kernel(stamps, _UNITS[values.dtype])
    openings[missing] = _INT64.min
    return openings.view(values.dtype)


def _check_span(stamps: _Stamps, unit: str, *, reach: int) -> None:
    """Raise `ValidationError` for stamps so near to a limit that a candle could pass it."""
    low, high = (ms * _PER_SECOND[unit] // 1_000 for ms in (FIRST_MS, LAST_MS))
    low, high = max(low, int(_INT64.min)) + reach, min(high, int(_INT64.max)) - reach
    if stamps.size and not low <= stamps.min() <= stamps.max() <= high:
        expected = f"times well inside the years 1 to 9999 and what 64 bits of {unit} can hold"
        message = f"some of the times are out of reach: expected {expected}"
        raise ValidationError(message, field="times", expected=expected)


def _times_error(what: str) -> ValidationError:
    advice = "tz_localize and tz_convert make it UTC"
    message = f"the times ({what}) are not usable: expected {_EXPECTED}; {advice}"
    return ValidationError(message, field="times", expected=_EXPECTED)
