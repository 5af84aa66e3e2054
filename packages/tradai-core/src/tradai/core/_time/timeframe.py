"""Timeframes: the length of a candle, and when candles open and close."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Self, final
from weakref import WeakValueDictionary

from tradai.core._fork_lock import ForkLock
from tradai.core._time.candle_grid import UNIT_MS, CandleGrid, datetime_grid, ms_grid
from tradai.core._time.instants import Instant, check_ms, check_utc
from tradai.core._types.checked_text import OrderedText
from tradai.core.exceptions import ValidationError

# 4,800 months of the Gregorian calendar are 146,097 days.
_MEAN_MS: Final = {**UNIT_MS, "M": 146_097 * UNIT_MS["d"] // 4_800}
_UNITS: Final = "".join(_MEAN_MS)
_GRAMMAR: Final = re.compile(rf"[1-9][0-9]{{0,5}}[{_UNITS}]")
_EXPECTED: Final = (
    "a whole number without leading zeros, six digits at most, and one of s, m, h, d, w, M, "
    "such as 5m"
)
_INSTANT_EXPECTED: Final = "an aware UTC datetime, or epoch milliseconds as an int"

_LOCK: Final = ForkLock()
# All timeframes in use, so that one text is one object; and the latest, for a fast look-up.
_KNOWN: "Final[WeakValueDictionary[str, Timeframe]]" = WeakValueDictionary()
_LATEST: "Final[dict[str, Timeframe]]" = {}
_LATEST_COUNT: Final = 256


@final
class Timeframe(OrderedText):
    """A candle length such as ``5m``, checked when made; otherwise an ordinary string.

    The grammar is ``[1-9][0-9]*(s|m|h|d|w|M)`` in ASCII, with at most six digits: enough for a
    year in minutes or a week in seconds. The same text gives the same object.

    Candles open on one grid in UTC. Seconds, minutes, hours and days count from
    1970-01-01T00:00Z, weeks from Monday 1970-01-05, months from January 1970 along the calendar,
    so that ``3M`` are quarters. The grid reaches from the year 1 to 9999.

    Instants are aware datetimes in UTC or epoch milliseconds; results are of the same type. For
    whole columns see `tradai.core.frames.floor_times` and the functions beside it.

    Order is by length, a month being the mean one of the calendar (30.436875 days), and among
    equal lengths by unit: ``60m < 1h < 4w < 1M < 31d``. Comparing with a text reads it as a
    timeframe. Two texts of one length, ``60m`` and ``1h``, are different timeframes:
    exchanges and files use their text.

    >>> Timeframe("5m").seconds
    300
    >>> Timeframe("1h").floor(1_735_692_345_678)
    1735689600000
    """

    __slots__ = ("__weakref__", "_datetimes", "_milliseconds", "_rank")
    _datetimes: CandleGrid[datetime]
    _milliseconds: CandleGrid[int]
    _rank: tuple[int, int]

    def __new__(cls, text: str) -> Self:
        """Check `text`.

        Raises:
            ValidationError: `text` is not a timeframe.
        """
        try:
            return _LATEST[text]
        except (KeyError, TypeError):  # TypeError: not even hashable
            checked = _check_text(text)
        with _LOCK:
            timeframe = _KNOWN.get(checked) or cls._create(checked)
            while len(_LATEST) >= _LATEST_COUNT:
                del _LATEST[next(iter(_LATEST))]
            return _LATEST.setdefault(checked, timeframe)

    @classmethod
    def _create(cls, text: str) -> Self:
        timeframe = super().__new__(cls, text)
        timeframe._datetimes, timeframe._milliseconds = datetime_grid(text), ms_grid(text)
        timeframe._rank = (int(text[:-1]) * _MEAN_MS[text[-1]], _UNITS.index(text[-1]))
        _KNOWN[text] = timeframe
        return timeframe

    @property
    def seconds(self) -> int:
        """Length in seconds.

        Raises:
            ValidationError: The unit is ``M``: months differ in length.
        """
        return self.milliseconds // 1_000

    @property
    def milliseconds(self) -> int:
        """Length in milliseconds, the unit of exchange timestamps.

        Raises:
            ValidationError: The unit is ``M``: months differ in length.
        """
        if self.endswith("M"):
            expected = "one of the units s, m, h, d, w: months differ in length"
            message = f"timeframe {self} has no fixed length: expected {expected}"
            raise ValidationError(message, field="timeframe", expected=expected)
        return self._rank[0]

    def makes_whole(self, longer: "Timeframe") -> bool:
        """Return whether each candle of `longer` is made of whole candles of this timeframe.

        >>> [Timeframe("5m").makes_whole(Timeframe(text)) for text in ("1h", "1M", "5m", "7m")]
        [True, True, False, False]
        """
        if self.endswith("M") or longer <= self:
            return False
        # Months differ in their days, and each of them has whole ones.
        length_ms = UNIT_MS["d"] if longer.endswith("M") else longer.milliseconds
        # Weeks begin on a Monday, and 7d on a Thursday.
        opening = longer.floor(UNIT_MS["w"])
        return length_ms % self.milliseconds == 0 and self.floor(opening) == opening

    def floor(self, at: Instant) -> Instant:
        """Return when the candle that holds `at` opened.

        Raises:
            ValidationError: `at` is not an instant, or the candle leaves the years 1 to 9999. Every
                method below raises it as well.
        """
        return self._grid(at).floor(at)

    def ceil(self, at: Instant) -> Instant:
        """Return the first opening that is not before `at`."""
        opening = self.floor(at)
        return opening if opening == at else self._grid(at).shift(opening, 1)

    def next_close(self, at: Instant) -> Instant:
        """Return when the candle that holds `at` closes: the first opening after `at`."""
        return self._grid(at).shift(self.floor(at), 1)

    def last_closed(self, now: Instant) -> Instant:
        """Return when the last candle that is closed at `now` opened.

        A candle is closed from the instant on at which the next one opens.
        """
        return self._grid(now).shift(self.floor(now), -1)

    def range(self, start: Instant, stop: Instant) -> Iterator[Instant]:
        """Return the openings in ``start <= t < stop``, one after the other.

        Raises:
            ValidationError: Also when `start` is after `stop`.
        """
        first, count = self.ceil(start), self.count_between(start, stop)
        return (self._grid(first).shift(first, n) for n in range(count))

    def count_between(self, start: Instant, stop: Instant) -> int:
        """Return the number of candles that open in ``start <= t < stop``.

        Raises:
            ValidationError: Also when `start` is after `stop`.
        """
        first, end = self.ceil(start), self.ceil(stop)
        if start > stop:
            expected = "a start that is not after the stop"
            message = f"the range from {start} to {stop} is not usable: expected {expected}"
            raise ValidationError(message, field="start", expected=expected)
        return self._grid(first).count(first, end)

    def _grid(self, at: Instant) -> CandleGrid[Instant]:
        if isinstance(at, int):
            check_ms(at)
            return self._milliseconds
        if type(at) is not datetime or at.tzinfo is not UTC:  # the common case first
            check_utc(at, expected=_INSTANT_EXPECTED)
        return self._datetimes

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        """Pickle and copy as the text, so that both give the one object of it."""
        return type(self), (str(self),)


def _check_text(text: object) -> str:
    """Return `text`, as a plain string, if it is a timeframe."""
    match = _GRAMMAR.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        given = repr(text) if isinstance(text, str) else f"of type {type(text).__name__}"
        message = f"timeframe {given} is not usable: expected {_EXPECTED}"
        raise ValidationError(message, field="timeframe", expected=_EXPECTED)
    return match[0]
