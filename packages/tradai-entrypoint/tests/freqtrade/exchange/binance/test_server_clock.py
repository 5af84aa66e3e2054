"""The exchange's time: measured around an answer, then carried on without a jump."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from tradai.core.testing import FixedClock
from tradai.entrypoint.freqtrade._exchange._binance.server_clock import ServerClock

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)


def clock_at(server_ms: int, seconds: Iterator[float], wall: datetime = NOON) -> ServerClock:
    return ServerClock(lambda: server_ms, clock=FixedClock(wall), monotonic=lambda: next(seconds))


def test_the_time_is_asked_for_once_and_then_carried_on() -> None:
    asked: list[int] = []
    seconds = iter((100.0, 100.0, 100.0, 107.5))

    def fetch() -> int:
        asked.append(NOON_MS)
        return NOON_MS

    clock = ServerClock(fetch, clock=FixedClock(NOON), monotonic=lambda: next(seconds))

    assert (clock.now_ms(), clock.now_ms()) == (NOON_MS, NOON_MS + 7_500)
    assert len(asked) == 1


@pytest.mark.parametrize("behind_s", [-600.0, 0.0, 0.25, 600.0])
def test_a_wall_clock_that_is_off_is_measured(behind_s: float) -> None:
    wall = NOON - timedelta(seconds=behind_s)

    assert clock_at(NOON_MS, iter((5.0, 5.0)), wall).measure() == behind_s


@given(
    way_there_ms=st.integers(0, 3_000),
    way_back_ms=st.integers(0, 3_000),
)
def test_the_error_is_at_most_half_the_time_that_the_answer_took(
    way_there_ms: int, way_back_ms: int
) -> None:
    # The exchange's clock is this machine's; its answer is made after the way there.
    took_ms = way_there_ms + way_back_ms
    after = NOON + timedelta(milliseconds=took_ms)
    seconds = iter((0.0, took_ms / 1000, took_ms / 1000))
    clock = clock_at(NOON_MS + way_there_ms, seconds, after)

    behind_s = clock.measure()

    assert abs(behind_s) <= took_ms / 2000 + 1e-6
    assert abs(clock.now_ms() - (NOON_MS + took_ms)) <= took_ms / 2 + 1
