"""Windows of a walk-forward sweep."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from tradai.core import TimeRange
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._sweep.walk_forward import WalkForward

START = datetime(2025, 1, 1, tzinfo=UTC)


@given(training=st.integers(1, 60), test=st.integers(1, 30), more=st.integers(0, 120))
def test_windows_tile_the_time_range(training: int, test: int, more: int) -> None:
    """Test ranges follow each other without a gap; each has its whole training range before it."""
    stop = START + timedelta(days=training + test + more)
    walk = WalkForward(timedelta(days=training), timedelta(days=test))

    windows = walk.windows(TimeRange(start=START, stop=stop))

    assert windows[0].training.start == START
    assert all(each.training.stop == each.test.start for each in windows)
    assert all(each.training.stop - each.training.start == walk.training for each in windows)
    assert all(
        before.test.stop == after.test.start for before, after in itertools.pairwise(windows)
    )
    assert timedelta() <= stop - windows[-1].test.stop < walk.test
    assert [each.number for each in windows] == list(range(1, len(windows) + 1))


@pytest.mark.parametrize(
    "text", ["", "90d", "90d/", "0d/30d", "90/30", "90d/30m", "90d/30d/1d", "99999999999d/1d"]
)
def test_lengths_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--walk-forward: .* write 90d/30d"):
        WalkForward.parse(text)


@pytest.mark.parametrize("text", ["90d/30d", "999999w/1d", "1d/999999w"])
def test_a_range_without_room_for_a_window_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no window fits into 20250101-20250401"):
        WalkForward.parse(text).windows(TimeRange.parse("20250101-20250401"))
