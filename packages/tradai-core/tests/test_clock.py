from datetime import UTC, datetime, timedelta

from tradai.core import Clock, SystemClock, utc_now
from tradai.core.testing import FixedClock


def test_the_system_clock_tells_the_present_in_utc() -> None:
    clock: Clock = SystemClock()

    before, told, after = utc_now(), clock.now(), utc_now()

    assert before <= told <= after
    assert told.utcoffset() == timedelta(0)


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock: Clock = FixedClock(datetime(2025, 3, 1, tzinfo=UTC))

    assert clock.now() == clock.now() == datetime(2025, 3, 1, tzinfo=UTC)


def test_a_fixed_clock_can_be_moved_on() -> None:
    clock = FixedClock()

    clock.advance(timedelta(minutes=5))

    assert clock.now() == datetime(2025, 1, 1, 0, 5, tzinfo=UTC)
