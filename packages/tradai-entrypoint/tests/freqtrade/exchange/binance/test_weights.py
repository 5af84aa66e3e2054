"""The weight that is left in a minute, and the pauses that the exchange asks for."""

import pytest

from tradai.entrypoint.freqtrade._exchange._binance.weights import RequestWeights

USED = "x-mbx-used-weight-1m"


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def weights(seconds: Seconds) -> RequestWeights:
    return RequestWeights(monotonic=seconds)


@pytest.mark.parametrize(
    ("used", "weight", "is_change", "wait_s"),
    [
        ("5420", 80, False, 0),
        ("5421", 80, False, 50),
        ("5421", 80, True, 0),
        ("5999", 1, True, 0),
        ("6000", 1, True, 50),
        ("many", 80, False, 0),
        ("\u0667", 80, False, 0),
    ],
)
def test_reads_leave_a_reserve_to_orders(
    weights: RequestWeights,
    seconds: Seconds,
    used: str,
    weight: int,
    *,
    is_change: bool,
    wait_s: float,
) -> None:
    weights.observe({USED: used})
    seconds.now = 10

    assert weights.wait_s(weight, is_change=is_change) == wait_s


def test_what_was_used_a_minute_ago_does_not_count(
    weights: RequestWeights, seconds: Seconds
) -> None:
    weights.observe({USED: "6000"})
    seconds.now = 60

    assert weights.wait_s(80, is_change=False) == 0


@pytest.mark.parametrize(
    ("given", "is_ban", "wait_s"),
    [
        ("7", False, 7),
        ("3600", True, 3600),
        ("", False, 60),
        ("soon", True, 120),
        ("-1", False, 60),
    ],
)
def test_a_pause_lasts_as_long_as_the_exchange_says(
    weights: RequestWeights, seconds: Seconds, given: str, *, is_ban: bool, wait_s: float
) -> None:
    assert weights.pause({"retry-after": given}, is_ban=is_ban) == wait_s

    assert weights.wait_s(1, is_change=True) == wait_s
    seconds.now = wait_s
    assert weights.wait_s(1, is_change=True) == 0


def test_a_shorter_pause_does_not_end_a_longer_one(weights: RequestWeights) -> None:
    weights.pause({"retry-after": "100"}, is_ban=True)
    weights.pause({"retry-after": "1"}, is_ban=False)

    assert weights.wait_s(1, is_change=True) == 100
