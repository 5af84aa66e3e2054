"""Opening times of candles, as epoch milliseconds and as datetimes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, final

from tradai.core._time.instants import Instant, check_ms, from_epoch_ms, to_epoch_ms
from tradai.core.exceptions import ValidationError

UNIT_MS: Final = {
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_FIRST_MONDAY_MS: Final = 4 * UNIT_MS["d"]  # 1970-01-05


class CandleGrid(Protocol[Instant]):
    """The instants at which candles of one timeframe open, without end in both directions."""

    def floor(self, at: Instant) -> Instant:
        """Return the last opening not after `at`."""
        ...

    def shift(self, opening: Instant, by: int) -> Instant:
        """Return the opening `by` candles after `opening`."""
        ...

    def count(self, first: Instant, last: Instant) -> int:
        """Return the number of candles from the opening `first` to the opening `last`."""
        ...


@final
@dataclass(frozen=True, slots=True)
class MillisecondGrid:
    """Candles of one length, counted from `anchor`; both in milliseconds."""

    anchor: int
    length: int

    def floor(self, at: int) -> int:
        """Return the last opening not after `at`."""
        return check_ms(at - (at - self.anchor) % self.length)

    def shift(self, opening: int, by: int) -> int:
        """Return the opening `by` candles after `opening`."""
        return check_ms(opening + by * self.length)

    def count(self, first: int, last: int) -> int:
        """Return the number of candles from `first` to `last`."""
        return (last - first) // self.length


@final
@dataclass(frozen=True, slots=True)
class DatetimeGrid:
    """`MillisecondGrid` for datetimes; converting to milliseconds would take twice as long."""

    anchor: datetime
    length: timedelta

    def floor(self, at: datetime) -> datetime:
        """Return the last opening not after `at`."""
        try:
            return at - (at - self.anchor) % self.length
        except (OverflowError, ValueError):  # ValueError: out of the bounds of pandas
            raise _calendar_error() from None

    def shift(self, opening: datetime, by: int) -> datetime:
        """Return the opening `by` candles after `opening`."""
        try:
            return opening + by * self.length
        except (OverflowError, ValueError):
            raise _calendar_error() from None

    def count(self, first: datetime, last: datetime) -> int:
        """Return the number of candles from `first` to `last`."""
        return (last - first) // self.length


@final
@dataclass(frozen=True, slots=True)
class MonthGrid:
    """Candles of whole months of the calendar, counted from January 1970."""

    months: int

    def floor(self, at: datetime) -> datetime:
        """Return the last opening not after `at`."""
        month = _month(at)
        return _move_to_month(at, to_month=month - month % self.months)

    def shift(self, opening: datetime, by: int) -> datetime:
        """Return the opening `by` candles after `opening`."""
        return _move_to_month(opening, to_month=_month(opening) + by * self.months)

    def count(self, first: datetime, last: datetime) -> int:
        """Return the number of candles from `first` to `last`."""
        return (_month(last) - _month(first)) // self.months


@final
@dataclass(frozen=True, slots=True)
class MillisecondMonthGrid:
    """`MonthGrid` for milliseconds."""

    months: int

    def floor(self, at: int) -> int:
        """Return the last opening not after `at`."""
        return to_epoch_ms(MonthGrid(self.months).floor(from_epoch_ms(at)))

    def shift(self, opening: int, by: int) -> int:
        """Return the opening `by` candles after `opening`."""
        return to_epoch_ms(MonthGrid(self.months).shift(from_epoch_ms(opening), by))

    def count(self, first: int, last: int) -> int:
        """Return the number of candles from `first` to `last`."""
        return MonthGrid(self.months).count(from_epoch_ms(first), from_epoch_ms(last))


def ms_grid(timeframe: str) -> MillisecondGrid | MillisecondMonthGrid:
    """Return the grid of a timeframe, whose text has been checked, for milliseconds."""
    count, unit = int(timeframe[:-1]), timeframe[-1]
    if unit == "M":
        return MillisecondMonthGrid(count)
    return MillisecondGrid(_FIRST_MONDAY_MS if unit == "w" else 0, count * UNIT_MS[unit])


def datetime_grid(timeframe: str) -> DatetimeGrid | MonthGrid:
    """Return the grid of a timeframe, whose text has been checked, for datetimes."""
    grid = ms_grid(timeframe)
    if isinstance(grid, MillisecondMonthGrid):
        return MonthGrid(grid.months)
    return DatetimeGrid(from_epoch_ms(grid.anchor), timedelta(milliseconds=grid.length))


def _month(at: datetime) -> int:
    """Return the months from January 1970 to the month of `at`."""
    return (at.year - 1970) * 12 + at.month - 1


def _move_to_month(at: datetime, *, to_month: int) -> datetime:
    years, months = divmod(to_month, 12)
    try:
        # A difference keeps the type of `at`: a Timestamp of pandas stays one.
        return at + (datetime(1970 + years, months + 1, 1, tzinfo=UTC) - at)
    except (OverflowError, ValueError):
        raise _calendar_error() from None


def _calendar_error() -> ValidationError:
    expected = "one inside the years 1 to 9999, and what a pandas Timestamp can hold if it is one"
    message = f"the candle is out of the calendar: expected {expected}; use another instant"
    return ValidationError(message, field="at", expected=expected)
