"""Conformance suite of clocks."""

from datetime import datetime, timedelta

from tradai.core._ports.protocols import Clock


class ClockContract:
    """Suite for a `Clock`; the fixture to define is ``clock``, the clock under test."""

    def test_the_present_instant_is_an_aware_datetime(self, clock: Clock) -> None:
        now = clock.now()

        assert isinstance(now, datetime)
        assert now.tzinfo is not None

    def test_the_present_instant_is_in_utc(self, clock: Clock) -> None:
        now = clock.now()

        assert now.utcoffset() == timedelta(0)
        assert now.tzname() == "UTC"

    def test_it_does_not_run_backwards_by_itself(self, clock: Clock) -> None:
        readings = [clock.now() for _ in range(100)]

        assert readings == sorted(readings)
