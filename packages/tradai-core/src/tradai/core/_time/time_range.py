"""Half-open ranges of time, from a first instant up to but not including a second one.

One end may be left to the data: see `OpenTimeRange`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Annotated, Final, Self, TypeAlias, final

from tradai.core._time.instants import check_utc, from_epoch_ms, to_epoch_ms
from tradai.core._types.pydantic_schemas import JsonField, text_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_DAY: Final = r"[0-9]{8}"
_DASHED_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_SECOND: Final = r"[0-9]{10}"
_RANGES: Final = (
    re.compile(f"({_DAY}|{_SECOND})?-({_DAY}|{_SECOND})?"),
    re.compile(f"({_DASHED_DAY})?[/-]({_DASHED_DAY})?"),
)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_EXPECTED: Final = (
    "two days, the second later and not included, such as 20250101-20250401, or an instant within "
    "a day in epoch seconds, such as 20250101-1743501600"
)
_EXPECTED_ANY: Final = (
    f"{_EXPECTED}; or one of them with the dash: 20250101- from that day on, -20250401 up to it"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """The instants ``start <= t < stop``, in UTC and whole seconds, from 1970 to 2200.

    >>> str(TimeRange.parse("2025-01-01/2025-04-01"))
    '20250101-20250401'
    """

    start: datetime
    stop: datetime

    def __post_init__(self) -> None:
        """Check both ends.

        Raises:
            ValidationError: An end is naive, not UTC or not a whole second, the range is empty,
                or it leaves the years 1970 to 2200.
        """
        for field, at in (("start", self.start), ("stop", self.stop)):
            _check_end(field, at)
        if self.start >= self.stop:
            raise _range_error(field="stop", expected="a range that stops after its start")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read two days (``20250101-20250401``, ``2025-01-01/2025-04-01``) or epoch seconds.

        An end within a day is in epoch seconds: ``20250101-1743501600``.

        Raises:
            ValidationError: `text` has another form, or the range is empty.
        """
        start, stop = _ends(text, expected=_EXPECTED)
        if start is None or stop is None:
            raise _text_error(text, expected=_EXPECTED)
        return cls(start=start, stop=stop)

    def __str__(self) -> str:
        """Return the range in days when both ends are midnight, in epoch seconds otherwise."""
        return _text(self.start, self.stop)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Self], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Let pydantic take a range or its text."""
        return text_schema(cls.parse, kind=cls)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTimeRange:
    """The instants from `start` on, or those before `stop`: the other end is left to the data.

    >>> str(OpenTimeRange(start=datetime(2025, 1, 1, tzinfo=UTC)))
    '20250101-'
    """

    start: datetime | None = None
    stop: datetime | None = None

    def __post_init__(self) -> None:
        """Check the end.

        Raises:
            ValidationError: Not one of the ends is given; or it is naive, not UTC, not a whole
                second, or outside the years 1970 to 2200.
        """
        if (self.start is None) == (self.stop is None):
            raise _range_error(field="range", expected="one end, the start or the stop")
        for field, at in (("start", self.start), ("stop", self.stop)):
            if at is not None:
                _check_end(field, at)

    def __str__(self) -> str:
        """Return the range in days when its end is midnight, in epoch seconds otherwise."""
        return _text(self.start, self.stop)


def parse_time_range(text: str) -> TimeRange | OpenTimeRange:
    """Read a range, as `TimeRange.parse` does, in which one end may be left out.

    >>> str(parse_time_range("-20250401"))
    '-20250401'

    Raises:
        ValidationError: `text` has another form, or the range is empty.
    """
    start, stop = _ends(text, expected=_EXPECTED_ANY)
    if start is not None and stop is not None:
        return TimeRange(start=start, stop=stop)
    if start is None and stop is None:
        raise _text_error(text, expected=_EXPECTED_ANY)
    return OpenTimeRange(start=start, stop=stop)


def _read_any(value: object) -> TimeRange | OpenTimeRange:
    # YAML reads -20250401 as a number.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str):
        return parse_time_range(text)
    if isinstance(text, (TimeRange, OpenTimeRange)):
        return text
    raise _range_error(field="timerange", expected=_EXPECTED_ANY)


AnyTimeRange: TypeAlias = Annotated[TimeRange | OpenTimeRange, JsonField(_read_any, dump=str)]
"""A field of pydantic for a range of which one end may be open; as text, see `parse_time_range`."""


def _ends(text: str, *, expected: str) -> tuple[datetime | None, datetime | None]:
    for form in _RANGES:
        if match := form.fullmatch(text):
            start, stop = (None if end is None else _instant(end) for end in match.groups())
            return start, stop
    raise _text_error(text, expected=expected)


def _check_end(field: str, at: datetime) -> None:
    if check_utc(at, field=field).microsecond:
        raise _range_error(field=field, expected="an aware UTC instant in whole seconds")
    if not _EARLIEST <= at <= _LATEST:
        raise _range_error(field=field, expected="days from 1970 on, up to the first one of 2200")


def _text(start: datetime | None, stop: datetime | None) -> str:
    ends = [at for at in (start, stop) if at is not None]
    if any(at.time() != time() for at in ends):
        texts = [f"{to_epoch_ms(at) // 1_000:010d}" if at else "" for at in (start, stop)]
    else:
        texts = [f"{at:%Y%m%d}" if at else "" for at in (start, stop)]
    return "-".join(texts)


def _instant(text: str) -> datetime:
    digits = text.replace("-", "")
    if len(digits) > len("20250101"):
        return from_epoch_ms(int(digits) * 1_000)
    day = (int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    try:
        return datetime(*day, tzinfo=UTC)
    except ValueError:
        raise _range_error(
            field="timerange", expected=f"days of the calendar, {_EXPECTED}"
        ) from None


def _range_error(*, field: str, expected: str) -> ValidationError:
    message = f"{field} is not usable: expected {expected}"
    return ValidationError(message, field=field, expected=expected)


def _text_error(text: str, *, expected: str) -> ValidationError:
    message = f"timerange {text!r} is not usable: expected {expected}"
    return ValidationError(message, field="timerange", expected=expected)
