"""Windows of a walk-forward by default, and reasons for leaving it out."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from tradai.core import OpenTimeRange, TimeRange
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._robust.windows import WalkWish

RANGE = TimeRange.parse("20250101-20250201")
DAY = timedelta(days=1)


@given(days=st.integers(6, 2_000))
def test_three_windows_end_with_the_range_and_train_on_half_of_it_or_more(days: int) -> None:
    timerange = TimeRange(start=RANGE.start, stop=RANGE.start + days * DAY)

    windows = WalkWish.parse("auto", timerange).choice(60).windows

    lengths = {each.test.stop - each.test.start for each in windows}
    assert len(windows) == 3
    assert windows[-1].test.stop == timerange.stop
    assert lengths == {days // 6 * DAY}
    assert all(2 * (each.training.stop - each.training.start) >= days * DAY for each in windows)


@pytest.mark.parametrize(
    ("text", "timerange", "trades", "reason"),
    [
        ("none", RANGE, 900, "--walk-forward none was given"),
        ("auto", None, 900, "has not both ends"),
        ("auto", OpenTimeRange(start=RANGE.start, stop=None), 900, "has not both ends"),
        ("auto", TimeRange.parse("20250101-20250106"), 900, "is shorter than 6 days"),
        ("auto", RANGE, 59, "the backtest has 59 trades, and 60 are needed"),
        ("auto", RANGE, 1, "the backtest has 1 trade, and 60 are needed"),
    ],
)
def test_a_walk_forward_that_would_say_nothing_is_left_out(
    text: str, timerange: TimeRange | OpenTimeRange | None, trades: int, reason: str
) -> None:
    choice = WalkWish.parse(text, timerange).choice(trades)

    assert choice.windows == ()
    assert reason in choice.reason


def test_lengths_that_were_given_hold_whatever_the_number_of_trades() -> None:
    windows = WalkWish.parse("10d/7d", RANGE).choice(30).windows

    assert [str(each.test) for each in windows] == [
        "20250111-20250118",
        "20250118-20250125",
        "20250125-20250201",
    ]


@pytest.mark.parametrize(
    ("text", "timerange", "problem"),
    [
        ("90d", RANGE, "write 90d/30d"),
        ("90d/30d", RANGE, "no window fits into 20250101-20250201"),
        ("9d/3d", None, "give --timerange"),
    ],
)
def test_lengths_that_cannot_be_are_refused_before_a_run(
    text: str, timerange: TimeRange | None, problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        WalkWish.parse(text, timerange)
