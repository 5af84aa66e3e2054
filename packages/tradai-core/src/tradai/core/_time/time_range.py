"""Half-open ranges of time, from a first instant up to but not including a second one."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final, Self, final

from tradai.core._time.instants import check_utc, from_epoch_ms, to_epoch_ms
from tradai.core._types.pydantic_schemas import text_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_DAYS: Final = re.compile(r"([0-9]{8})-([0-9]{8})")
_DASHED_DAYS: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[/-]([0-9]{4}-[0-9]{2}-[0-9]{2})")
_SECONDS: Final = re.compile(r"([0-9]{10})-([0-9]{10})")
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_EXPECTED: Final = "two days, the second later and not included, such as 20250101-20250401"


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
            if check_utc(at, field=field).microsecond:
                raise _range_error(field=field, expected="an aware UTC instant in whole seconds")
        if not _EARLIEST <= self.start < self.stop <= _LATEST:
            raise _range_error(field="stop", expected="a later instant, up to the year 2200")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read two days (``20250101-20250401``, ``2025-01-01/2025-04-01``) or two epoch seconds.

        Raises:
            ValidationError: `text` has another form, or the range is empty.
        """
        match = _DAYS.fullmatch(text) or _DASHED_DAYS.fullmatch(text) or _SECONDS.fullmatch(text)
        if match is None:
            message = f"timerange {text!r} is not usable: expected {_EXPECTED}"
            raise ValidationError(message, field="timerange", expected=_EXPECTED)
        start, stop = (_instant(end) for end in match.groups())
        return cls(start=start, stop=stop)

    def __str__(self) -> str:
        """Return the range in days when both ends are midnight, in epoch seconds otherwise."""
        ends = (self.start, self.stop)
        if any(at.time() != time() for at in ends):
            return "-".join(f"{to_epoch_ms(at) // 1_000:010d}" for at in ends)
        return "-".join(f"{at:%Y%m%d}" for at in ends)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Self], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Let pydantic take a range or its text."""
        return text_schema(cls.parse, kind=cls)


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
