import time

import pytest

from tradai.core import Pause


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of each sleep; the clock stands still."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    return seconds


def test_each_pause_is_twice_as_long_up_to_a_bound(slept: list[float]) -> None:
    pause = Pause(first_s=0.25, longest_s=1.5)

    for _ in range(5):
        pause.sleep()

    assert slept == [0.25, 0.5, 1.0, 1.5, 1.5]


def test_a_pause_ends_with_its_deadline(slept: list[float]) -> None:
    pause = Pause(first_s=0.25, longest_s=1.5)

    for deadline in (101.0, 100.125, 99.0):
        pause.sleep(deadline)

    assert slept == [0.25, 0.125, 0.0]
