"""Instants: milliseconds and datetimes, there and back without loss."""

import pickle
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tradai.core import from_epoch_ms, to_epoch_ms
from tradai.core.exceptions import ValidationError

FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999
IN_UTC = datetime(2025, 1, 1, tzinfo=UTC)


@given(st.integers(FIRST, LAST))
def test_milliseconds_come_back_from_a_datetime(ms: int) -> None:
    at = from_epoch_ms(ms)

    assert at.tzinfo is UTC
    assert to_epoch_ms(at) == ms


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_datetime_of_whole_milliseconds_comes_back(at: datetime) -> None:
    at = at.replace(microsecond=at.microsecond // 1_000 * 1_000)

    assert from_epoch_ms(to_epoch_ms(at)) == at


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59.999000+00:00"),
        (951_782_400_000, "2000-02-29T00:00:00+00:00"),
        (4_107_542_400_001, "2100-03-01T00:00:00.001000+00:00"),
        (FIRST, "0001-01-01T00:00:00+00:00"),
        (LAST, "9999-12-31T23:59:59.999000+00:00"),
    ],
)
def test_milliseconds_count_from_1970(ms: int, text: str) -> None:
    assert from_epoch_ms(ms).isoformat() == text
    assert to_epoch_ms(datetime.fromisoformat(text)) == ms


@pytest.mark.parametrize("ms", [FIRST - 1, LAST + 1, 1_735_689_600_000_000_000, 1.0, True, "0"])
def test_a_value_that_is_not_epoch_milliseconds_is_refused(ms: int) -> None:
    with pytest.raises(ValidationError, match="whole milliseconds since 1970"):
        from_epoch_ms(ms)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (IN_UTC.replace(tzinfo=None), "no time zone: expected an aware UTC"),
        (IN_UTC.astimezone(timezone(timedelta(hours=1))), "in the zone UTC.01:00"),
        (IN_UTC.astimezone(ZoneInfo("Europe/London")), "in the zone Europe/London"),
        (IN_UTC.astimezone(ZoneInfo("Africa/Abidjan")), "in the zone Africa/Abidjan"),
        (IN_UTC.astimezone(timezone(timedelta(hours=1), "UTC")), "in the zone UTC"),
        (IN_UTC.date(), "not date"),
        (1_735_689_600_000, "not int"),
        ("2025-01-01", "not str"),
        (IN_UTC.replace(microsecond=1), "whole milliseconds"),
    ],
)
def test_an_instant_that_is_not_utc_milliseconds_is_refused(at: datetime, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        to_epoch_ms(at)


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(0)), ZoneInfo("UTC"), ZoneInfo("Etc/UTC")]
)
def test_every_name_of_utc_is_utc(zone: timezone | ZoneInfo) -> None:
    at = datetime(2025, 1, 1, tzinfo=zone)

    assert to_epoch_ms(at) == 1_735_689_600_000
    # Bytes of this very process.
    assert to_epoch_ms(pickle.loads(pickle.dumps(at))) == 1_735_689_600_000  # noqa: S301
