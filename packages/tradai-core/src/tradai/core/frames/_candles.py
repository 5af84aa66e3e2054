"""Frames of candles: check, cut and merge them. Instants are epoch milliseconds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tradai.core._time.candle_grid import MillisecondGrid, ms_grid
from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.exceptions import ValidationError
from tradai.core.frames._candle_times import floor_times

COLUMNS: Final = ["open", "high", "low", "close", "volume"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATES: Final = pd.DatetimeTZDtype("ms", "UTC")
_DOUBLE: Final = np.dtype("float64")
_FINER: Final = {"us": 1_000, "ns": 1_000_000}
_MILLISECOND: Final = timedelta(milliseconds=1)
# In every candle the first is not above the second.
_ORDER: Final = (
    *(("low", "high"), ("open", "high"), ("low", "open")),
    *(("close", "high"), ("low", "close")),
)
# Prices are not below the low.
_NOT_NEGATIVE: Final = ("low", "volume")


@final
class Span(NamedTuple):
    """The instants ``start_ms <= t < stop_ms``; None means without that end."""

    start_ms: int | None = None
    stop_ms: int | None = None

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> "Span":
        """Return the span from `start` up to but not including `end`.

        Raises:
            ValidationError: An instant is naive, or the start is after the end.
        """
        expected = "aware instants, the start not after the end"
        if not all(at is None or _is_aware(at) for at in (start, end)) or (
            start is not None and end is not None and start > end
        ):
            message = f"the range is not usable: expected {expected}"
            raise ValidationError(message, expected=expected)
        return cls(
            *(None if at is None else -((_EPOCH - at) // _MILLISECOND) for at in (start, end))
        )

    def overlaps(self, first_ms: int, last_ms: int) -> bool:
        """Tell whether the range from `first_ms` to `last_ms`, both included, meets the span."""
        return not (
            (self.start_ms is not None and last_ms < self.start_ms)
            or (self.stop_ms is not None and first_ms >= self.stop_ms)
        )

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the candles of `frame` that open in the span."""
        opened = opening_ms(frame)
        first = 0 if self.start_ms is None else opened.searchsorted(self.start_ms)
        stop = len(opened) if self.stop_ms is None else opened.searchsorted(self.stop_ms)
        return frame.iloc[first:stop]


def closed(frame: pd.DataFrame, timeframe: str, *, by: datetime) -> pd.DataFrame:
    """Return the candles of `frame` that had closed by the instant `by`.

    The answer of an exchange ends with the candle that is still open; this leaves it out.

    Raises:
        ValidationError: `by` is naive, `timeframe` is not one, or `frame` has no aware dates that
            rise.
    """
    if not _is_aware(by):
        expected = "an aware instant"
        message = f"the instant to have closed by is not usable: expected {expected}"
        raise ValidationError(message, field="by", expected=expected)
    length, by_ms = Timeframe(timeframe), (by - _EPOCH) // _MILLISECOND
    opened = rising_ms(frame)
    if (closing_ms(opened[-1:], length) <= by_ms).all():
        return frame
    return frame.iloc[: closing_ms(opened, length).searchsorted(by_ms, side="right")]


def check_new_candles(frame: pd.DataFrame, pair: str, timeframe: Timeframe) -> pd.DataFrame:
    """Return a frame to be stored in the standard form.

    Raises:
        ValidationError: It is empty, not a frame of candles, or has a candle that cannot be.
    """
    what = f"{pair} {timeframe}"
    if frame.empty:
        raise candles_error(what, "there are none")
    if sorted(frame.columns) != sorted(COLUMNS) or frame.index.name != "date":
        problem = f"the index is not named date, or the columns are not {', '.join(COLUMNS)}"
        raise candles_error(what, problem)
    fit = check_candles(frame.copy(deep=False), what)
    _refuse_impossible(fit, timeframe, what)
    return fit


def check_candles(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return `frame` in the standard form; the frame passed in may be changed.

    Raises:
        ValidationError: It is not a frame of candles.
    """
    opened = frame.index
    if not isinstance(opened, pd.DatetimeIndex) or str(opened.tz) != "UTC":
        raise candles_error(what, "the dates are not in UTC")
    if opened.hasnans or not (opened.asi8[1:] > opened.asi8[:-1]).all():
        raise candles_error(what, "the dates do not rise strictly")
    stamps = _stamps_ms(opened)
    if opened.unit in _FINER and not (stamps * _FINER[opened.unit] == opened.asi8).all():
        raise candles_error(what, "the dates are not whole milliseconds")
    if list(frame.columns) != COLUMNS:
        frame = _ordered(frame, what)
    # Column by column: all at once they would first be copied side by side.
    columns = [frame[name].to_numpy() for name in COLUMNS]
    if any(cells.dtype != _DOUBLE for cells in columns):
        raise candles_error(what, "a column is not of float64")
    if not all(np.isfinite(cells).all() for cells in columns):
        raise candles_error(what, "a value is not finite")
    frame.index = date_index(stamps)
    return frame


def date_index(stamps_ms: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    """Return instants as the index of a frame of candles."""
    # Giving the dtype costs a tenth of what `tz_localize` and `as_unit` cost.
    return pd.DatetimeIndex(stamps_ms.view("datetime64[ms]"), dtype=_DATES, name="date")


def merge_candles(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the candles of both; of two that open at the same time, the new one."""
    kept = old[~old.index.isin(new.index)]
    return pd.concat([kept, new]).sort_index()


def opening_ms(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the opening times of the candles of `frame`.

    Raises:
        ValidationError: The index holds no dates, or naive ones.
    """
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise candles_error("the frame", "the index holds no dates")
    if frame.index.tz is None:
        raise candles_error("the frame", "the dates have no time zone")
    return _stamps_ms(frame.index)


def rising_ms(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the opening times of the candles of `frame`, which rise strictly.

    Raises:
        ValidationError: As `opening_ms` does, or the dates do not rise.
    """
    opened = opening_ms(frame)
    if not (opened[1:] > opened[:-1]).all():
        raise candles_error("the frame", "the dates do not rise strictly")
    return opened


def closing_ms(opened: npt.NDArray[np.int64], timeframe: Timeframe) -> npt.NDArray[np.int64]:
    """Return the closing times of candles that open at `opened`: when the next one opens."""
    if not timeframe.endswith("M"):
        return opened + timeframe.milliseconds
    instants = opened.astype("datetime64[ms]")
    months = instants.astype("datetime64[M]")
    later = (months + np.timedelta64(int(timeframe[:-1]), "M")).astype("datetime64[ms]")
    closing: npt.NDArray[np.int64] = (later + (instants - months)).astype(np.int64)
    return closing


def _is_aware(at: object) -> bool:
    # The missing time of pandas is a datetime too; it has no zone, and other calls on it fail.
    return isinstance(at, datetime) and at.tzinfo is not None and at.utcoffset() is not None


def _stamps_ms(opened: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """Return milliseconds as ``as_unit`` does, several times as fast for a million dates."""
    if opened.unit in _FINER:
        return opened.asi8 // _FINER[opened.unit]
    return opened.asi8 if opened.unit == "ms" else opened.asi8 * 1_000


def _ordered(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    if not {*COLUMNS} <= {*frame.columns}:
        raise candles_error(what, f"the columns are not {', '.join(COLUMNS)}")
    return frame[COLUMNS]


def _refuse_impossible(frame: pd.DataFrame, timeframe: Timeframe, what: str) -> None:
    """Raise `ValidationError` for the first of the candles that no market can have."""
    opened = opening_ms(frame)
    for broken, names, end in _impossible(frame, opened, timeframe):
        if broken.any():
            place = int(broken.argmax())
            values = [f"{name} {frame[name].iloc[place]:.15g}" for name in names]
            count = int(np.count_nonzero(broken))
            more = f" (and so in {count} candles)" if count > 1 else ""
            at = from_epoch_ms(int(opened[place]))
            expected = "low <= open, close <= high, none negative, opening on the grid"
            message = (
                f"the candles of {what} are not usable: at {at:%Y-%m-%d %H:%M:%S} UTC "
                f"{' is above '.join(values)}{end}{more}; expected {expected}; get them from the "
                "exchange again"
            )
            raise ValidationError(message, field="frame", expected=expected)


def _impossible(
    frame: pd.DataFrame, opened: npt.NDArray[np.int64], timeframe: Timeframe
) -> Iterator[tuple[npt.NDArray[np.bool_], tuple[str, ...], str]]:
    """Yield where each rule is broken, and for the message its columns and its end."""
    columns = {name: frame[name].to_numpy() for name in COLUMNS}
    for lower, upper in _ORDER:
        yield columns[lower] > columns[upper], (lower, upper), ""
    for name in _NOT_NEGATIVE:
        yield columns[name] < 0, (name,), " is negative"
    yield _is_off_grid(opened, timeframe), (), f"it is off the grid of {timeframe}"


def _is_off_grid(opened: npt.NDArray[np.int64], timeframe: Timeframe) -> npt.NDArray[np.bool_]:
    grid = ms_grid(timeframe)
    is_off: npt.NDArray[np.bool_]
    if isinstance(grid, MillisecondGrid):
        # Dividing is several times as fast as NumPy's remainder.
        since = opened - grid.anchor
        is_off = since // grid.length * grid.length != since
    else:
        is_off = opened != floor_times(opened, timeframe)
    return is_off


def candles_error(what: str, problem: str) -> ValidationError:
    """Return the error for the candles of `what`, with the `problem`."""
    expected = "rising UTC dates and finite float64 open, high, low, close, volume"
    message = f"the candles of {what} are not usable: {problem}; expected {expected}"
    return ValidationError(message, field="frame", expected=expected)
