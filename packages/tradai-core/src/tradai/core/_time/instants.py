"""Instants: aware UTC datetimes, the field `Utc`, and whole epoch milliseconds; never a float."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Final, TypeAlias, TypeVar

from tradai.core._types.pydantic_schemas import JsonField
from tradai.core.exceptions import ValidationError

Instant = TypeVar("Instant", int, datetime)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
FIRST_MS: Final = -62_135_596_800_000  # 0001-01-01T00:00Z
LAST_MS: Final = 253_402_300_799_999  # the last millisecond of the year 9999
_EXPECTED: Final = "an aware UTC datetime"
_TEXT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|\+00:00)"
)
_EXPECTED_FIELD: Final = "an aware instant in UTC, such as 2025-01-01T00:00:00Z"
_EXPECTED_MS: Final = "whole milliseconds since 1970 as an int, in the years 1 to 9999"


def to_epoch_ms(at: datetime) -> int:
    """Return `at` as milliseconds since 1970, exactly; before 1970 they are negative.

    >>> to_epoch_ms(datetime(2025, 1, 1, tzinfo=UTC))
    1735689600000

    Raises:
        ValidationError: `at` is naive, not in UTC, or has a fraction of a millisecond.
    """
    ms = (check_utc(at) - _EPOCH) // _MILLISECOND
    if _EPOCH + ms * _MILLISECOND != at:
        expected = "whole milliseconds; drop the rest on purpose with replace(microsecond=...)"
        message = f"the instant {at.isoformat()} is not usable: expected {expected}"
        raise ValidationError(message, field="at", expected=expected)
    return ms


def from_epoch_ms(ms: int) -> datetime:
    """Return the aware UTC datetime `ms` milliseconds after 1970, exactly.

    >>> from_epoch_ms(-1).isoformat()
    '1969-12-31T23:59:59.999000+00:00'

    Raises:
        ValidationError: `ms` is not an int, or lies outside the years 1 to 9999, as a present
            instant in microseconds or nanoseconds does.
    """
    return _EPOCH + check_ms(ms) * _MILLISECOND


def check_utc(at: object, *, field: str = "at", expected: str = _EXPECTED) -> datetime:
    """Return `at` itself.

    Raises:
        ValidationError: `at` is not a datetime, naive, or in another zone than UTC.
    """
    if isinstance(at, datetime) and is_utc(at.tzinfo):
        return at
    if not isinstance(at, datetime):
        message = f"{field} is not usable: expected {expected}, not {type(at).__name__}"
    elif at.tzinfo is None:
        message = f"{field} has no time zone: expected {expected}; replace(tzinfo=UTC) if it is UTC"
    else:
        message = f"{field} is in the zone {at.tzinfo}: expected {expected}; use astimezone(UTC)"
    raise ValidationError(message, field=field, expected=expected)


def is_utc(zone: tzinfo | None) -> bool:
    """Tell whether `zone` is UTC, also by name; London's winter is not."""
    if zone is UTC or zone is None:
        return zone is UTC
    anytime = _EPOCH.replace(tzinfo=None)  # pytz takes no other
    return zone.tzname(anytime) == "UTC" and zone.utcoffset(anytime) == timedelta(0)


def check_ms(ms: object) -> int:
    """Return `ms` itself.

    Raises:
        ValidationError: `ms` is not an int, or lies outside the years 1 to 9999.
    """
    if type(ms) is int and FIRST_MS <= ms <= LAST_MS:
        return ms
    message = f"the instant {ms!r} is not usable: expected {_EXPECTED_MS}"
    raise ValidationError(message, field="ms", expected=_EXPECTED_MS)


def _parse_utc(value: object) -> datetime:
    at = _parse_text(value) if isinstance(value, str) else value
    if isinstance(at, datetime) and at.utcoffset() == timedelta(0):
        return at.astimezone(UTC)
    raise ValidationError(f"not an instant: expected {_EXPECTED_FIELD}", expected=_EXPECTED_FIELD)


def _parse_text(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _TEXT.fullmatch(text) else None
    except ValueError:
        return None


Utc: TypeAlias = Annotated[datetime, JsonField(_parse_utc)]
"""An aware datetime in UTC; as text ``2025-01-01T00:00:00Z``, to the microsecond.

Naive datetimes, other zones and numbers are refused: their meaning would be a guess. The text
is RFC 3339 (https://www.rfc-editor.org/rfc/rfc3339#section-5.6) with ``Z`` or ``+00:00``.
"""
