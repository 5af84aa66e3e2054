"""Clocks: the real one and the fake keep the promises, and the suite catches those that do not."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tradai.core import Clock, SystemClock, WaitingClock, utc_now
from tradai.core.exceptions import ValidationError
from tradai.core.testing import ClockContract, FixedClock, failing_tests

LONDON = ZoneInfo("Europe/London")
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()


class TestFixedClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return FixedClock()


class ClockThatTells:
    """Tells whatever it is made with."""

    def __init__(self, tell: Callable[[], datetime]) -> None:
        self.now = tell


class ClockThatRunsBackwards:
    def __init__(self) -> None:
        self.at = NEW_YEAR

    def now(self) -> datetime:
        self.at -= timedelta(seconds=1)
        return self.at


@pytest.mark.parametrize(
    ("clock", "failed"),
    [
        (ClockThatTells(lambda: NEW_YEAR.replace(tzinfo=None)), "aware"),
        (ClockThatTells(lambda: NEW_YEAR.astimezone(timezone(timedelta(hours=1)))), "in_utc"),
        (ClockThatTells(lambda: NEW_YEAR.astimezone(LONDON)), "in_utc"),
        (ClockThatRunsBackwards(), "backwards"),
    ],
)
def test_the_suite_catches_a_wrong_clock(clock: Clock, failed: str) -> None:
    names = failing_tests(ClockContract, {"clock": lambda: clock})

    assert any(failed in name for name in names)


def test_the_system_clock_tells_the_present() -> None:
    before, told, after = utc_now(), SystemClock().now(), utc_now()

    assert before <= told <= after


def test_a_fixed_clock_moves_only_by_advance() -> None:
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


def test_a_fixed_clock_sleeps_by_moving_on() -> None:
    clock: WaitingClock = FixedClock()

    clock.sleep(90)

    assert clock() == 90
    assert clock.now() == datetime(2025, 1, 1, 0, 1, 30, tzinfo=UTC)


def test_the_system_clock_counts_seconds_that_all_processes_share() -> None:
    clock: WaitingClock = SystemClock()
    code = "from tradai.core import SystemClock; print(SystemClock()())"

    before = clock()
    clock.sleep(0.001)
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    after = clock()

    assert before + 0.001 <= float(shown) <= after


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux tells it by a file")
def test_the_system_clock_counts_the_time_in_which_the_machine_slept() -> None:
    def uptime_s() -> float:
        return float(Path("/proc/uptime").read_text().split()[0])

    before, now, after = uptime_s(), SystemClock()(), uptime_s()

    # The file has two decimals.
    assert before - 0.01 <= now <= after + 0.01
