from datetime import UTC, datetime, timedelta, timezone

import pytest

from tradai.core import Clock, SystemClock, utc_now
from tradai.core.exceptions import ValidationError
from tradai.core.testing import FixedClock


def test_the_system_clock_tells_the_present_in_utc() -> None:
    clock: Clock = SystemClock()

    before, told, after = utc_now(), clock.now(), utc_now()

    assert before <= told <= after
    assert told.utcoffset() == timedelta(0)


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock: Clock = FixedClock(datetime(2025, 3, 1, tzinfo=UTC))

    assert clock.now() == clock.now() == datetime(2025, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=1))])
def test_a_fixed_clock_stands_at_no_other_zone_than_utc(zone: timezone | None) -> None:
    with pytest.raises(ValidationError, match="expected an aware UTC datetime"):
        FixedClock(datetime(2025, 3, 1, tzinfo=zone))


def test_a_fixed_clock_can_be_moved_on() -> None:
    clock = FixedClock()

    clock.advance(timedelta(minutes=5))

    assert clock.now() == datetime(2025, 1, 1, 0, 5, tzinfo=UTC)
