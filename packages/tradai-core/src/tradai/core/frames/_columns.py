"""Candles as NumPy columns: check, cut and merge them. Instants are epoch milliseconds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias, final

import numpy as np
import numpy.typing as npt

from tradai.core._time.candle_grid import MillisecondGrid, ms_grid
from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.exceptions import ValidationError

Stamps: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

COLUMNS: Final = ["open", "high", "low", "close", "volume"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DOUBLE: Final = np.dtype("float64")
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
        if not all(at is None or is_aware(at) for at in (start, end)) or (
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

    def places(self, opened: Stamps) -> slice:
        """Return the places of the rising instants `opened` that are in the span."""
        first = 0 if self.start_ms is None else int(opened.searchsorted(self.start_ms))
        stop = len(opened) if self.stop_ms is None else int(opened.searchsorted(self.stop_ms))
        return slice(first, stop)


# The years of a `TimeRange`.
STORABLE: Final = Span(0, 7_258_118_400_000)
OUTSIDE: Final = "outside the years 1970 to 2199"


@final
@dataclass(frozen=True, slots=True, eq=False)
class CandleColumns:
    """Candles as NumPy columns, for code that does without pandas.

    Attributes:
        opened: Opening times in epoch milliseconds.
        cells: Open, high, low, close and volume by these names, as ``float64``.
    """

    opened: Stamps
    cells: Mapping[str, Floats]

    def __len__(self) -> int:
        """Return the number of candles."""
        return len(self.opened)

    def cut(self, places: slice) -> "CandleColumns":
        """Return the candles at `places`, in the same memory."""
        cut = {name: cells[places] for name, cells in self.cells.items()}
        return CandleColumns(self.opened[places], cut)

    def copy(self) -> "CandleColumns":
        """Return the candles in memory of their own."""
        return merge_columns(self)

    def equals(self, candles: "CandleColumns") -> bool:
        """Return whether both have the same values at the same times."""
        return np.array_equal(self.opened, candles.opened) and all(
            np.array_equal(cells, candles.cells[name]) for name, cells in self.cells.items()
        )


def merge_columns(*parts: CandleColumns) -> CandleColumns:
    """Return the candles of all `parts` in order of time; of equal times, those of the last part.

    Each part must rise.
    """
    opened = np.concatenate([part.opened for part in parts])
    cells = {name: np.concatenate([part.cells[name] for part in parts]) for name in COLUMNS}
    if (opened[1:] > opened[:-1]).all():
        return CandleColumns(opened, cells)
    order = opened.argsort(kind="stable")
    ordered = opened[order]
    is_last = np.append(ordered[1:] != ordered[:-1], np.True_)
    kept = order[is_last]
    return CandleColumns(opened[kept], {name: column[kept] for name, column in cells.items()})


def check_columns(columns: CandleColumns, what: str) -> CandleColumns:
    """Return `columns` themselves; `what` names them in messages.

    Raises:
        ValidationError: They are not candles in the standard form.
    """
    if not rises(columns.opened):
        raise candles_error(what, "the dates do not rise strictly")
    if list(columns.cells) != COLUMNS:
        raise candles_error(what, f"the columns are not {', '.join(COLUMNS)}")
    # Column by column: all at once they would first be copied side by side.
    if any(cells.dtype != _DOUBLE for cells in columns.cells.values()):
        raise candles_error(what, "a column is not of float64")
    if not all(np.isfinite(cells).all() for cells in columns.cells.values()):
        raise candles_error(what, "a value is not finite")
    return columns


def refuse_impossible(columns: CandleColumns, timeframe: Timeframe, what: str) -> None:
    """Raise `ValidationError` for the first of the candles that no market can have."""
    for broken, names, end in _impossible(columns, timeframe):
        if broken.any():
            place = int(broken.argmax())
            values = [f"{name} {columns.cells[name][place]:.15g}" for name in names]
            count = int(np.count_nonzero(broken))
            more = f" (and so in {count} candles)" if count > 1 else ""
            at = from_epoch_ms(int(columns.opened[place]))
            expected = "low <= open, close <= high, none negative, opening on the grid"
            message = (
                f"the candles of {what} are not usable: at {at:%Y-%m-%d %H:%M:%S} UTC "
                f"{' is above '.join(values)}{end}{more}; expected {expected}; get them from the "
                "exchange again"
            )
            raise ValidationError(message, field="frame", expected=expected)


def _impossible(
    columns: CandleColumns, timeframe: Timeframe
) -> Iterator[tuple[npt.NDArray[np.bool_], tuple[str, ...], str]]:
    """Yield where each rule is broken, and for the message its columns and its end."""
    cells = columns.cells
    for lower, upper in _ORDER:
        yield cells[lower] > cells[upper], (lower, upper), ""
    for name in _NOT_NEGATIVE:
        yield cells[name] < 0, (name,), " is negative"
    yield _is_off_grid(columns.opened, timeframe), (), f"it is off the grid of {timeframe}"
    is_outside = np.ones(len(columns), np.bool_)
    is_outside[STORABLE.places(columns.opened)] = False
    yield is_outside, (), f"it is {OUTSIDE}"


def _is_off_grid(opened: Stamps, timeframe: Timeframe) -> npt.NDArray[np.bool_]:
    grid = ms_grid(timeframe)
    if isinstance(grid, MillisecondGrid):
        # Dividing is several times as fast as NumPy's remainder.
        since = opened - grid.anchor
        return np.not_equal(since // grid.length * grid.length, since)
    months = opened.view("datetime64[ms]").astype("datetime64[M]")
    begins = months.astype("datetime64[ms]").view(np.int64)
    return np.not_equal(begins, opened) | np.not_equal(months.view(np.int64) % grid.months, 0)


def rises(opened: Stamps) -> bool:
    """Return whether the instants rise strictly."""
    return bool((opened[1:] > opened[:-1]).all())


def closed_count(opened: Stamps, timeframe: Timeframe, by: datetime) -> int:
    """Return how many of the candles that open at the rising `opened` had closed by `by`.

    Raises:
        ValidationError: `by` is naive.
    """
    if not is_aware(by):
        expected = "an aware instant"
        message = f"the instant to have closed by is not usable: expected {expected}"
        raise ValidationError(message, field="by", expected=expected)
    by_ms = (by - _EPOCH) // _MILLISECOND
    if (closing_ms(opened[-1:], timeframe) <= by_ms).all():
        return len(opened)
    return int(closing_ms(opened, timeframe).searchsorted(by_ms, side="right"))


def closing_ms(opened: Stamps, timeframe: Timeframe) -> Stamps:
    """Return the closing times of candles that open at `opened`: when the next one opens."""
    if not timeframe.endswith("M"):
        return opened + timeframe.milliseconds
    instants = opened.astype("datetime64[ms]")
    months = instants.astype("datetime64[M]")
    later = (months + np.timedelta64(int(timeframe[:-1]), "M")).astype("datetime64[ms]")
    closing: Stamps = (later + (instants - months)).astype(np.int64)
    return closing


def is_aware(at: object) -> bool:
    """Return whether `at` is a datetime with a time zone."""
    # The missing time of pandas is a datetime too; it has no zone, and other calls on it fail.
    return isinstance(at, datetime) and at.tzinfo is not None and at.utcoffset() is not None


def candles_error(what: str, problem: str) -> ValidationError:
    """Return the error for the candles of `what`, with the `problem`."""
    expected = "rising UTC dates and finite float64 open, high, low, close, volume"
    message = f"the candles of {what} are not usable: {problem}; expected {expected}"
    return ValidationError(message, field="frame", expected=expected)
