"""The watch itself, in this process: the order of its questions, whatever comes in late."""

import os

import pytest
from hypothesis import given, strategies as st

from tradai.core import SystemClock
from tradai.entrypoint._live._watchdog import child
from tradai.entrypoint._live._watchdog.child import boot_clock, watch
from tradai.entrypoint._live._watchdog.lines import STAND_DOWN, ParentLines, ParentWord, feed_line

LONG_AGO_S = -1_000.0


class Pipe:
    """The pipe of a watchdog, filled and perhaps closed before the watchdog looks."""

    def __init__(self, *lines: bytes, is_closed: bool = False) -> None:
        reader, self._writer = os.pipe()
        self.lines = ParentLines(reader)
        os.write(self._writer, b"".join(lines))
        if is_closed:
            self.close()

    def close(self) -> None:
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1

    def watch(self, until_s: float) -> str | None:
        try:
            return watch(ParentWord(until_s), self.lines, parent=os.getppid())
        finally:
            self.close()
            os.close(self.lines.fileno())


@given(
    before=st.lists(st.floats(-1e6, 1e6), max_size=5),
    after=st.lists(st.floats(-1e6, 1e6), max_size=5),
    is_closed=st.booleans(),
)
def test_a_watchdog_that_stood_down_never_acts(
    *, before: list[float], after: list[float], is_closed: bool
) -> None:
    lines = [*map(feed_line, before), STAND_DOWN, *map(feed_line, after)]

    assert Pipe(*lines, is_closed=is_closed).watch(LONG_AGO_S) is None


@given(st.lists(st.floats(max_value=0.0, allow_nan=False, allow_infinity=False), max_size=5))
def test_a_deadline_that_has_passed_ends_the_engine(feeds: list[float]) -> None:
    assert Pipe(*map(feed_line, feeds)).watch(LONG_AGO_S) == "the lease was not renewed in time"


def test_the_newest_feed_counts() -> None:
    now = boot_clock()

    assert Pipe(feed_line(now + 1_000), feed_line(now)).watch(now + 1_000) is not None


def test_a_feed_that_was_read_late_is_not_longer_for_that() -> None:
    assert Pipe(feed_line(boot_clock() - 0.001)).watch(boot_clock() + 1_000) is not None


def test_a_pipe_that_is_closed_without_a_word_ends_the_engine() -> None:
    far = boot_clock() + 1_000

    assert Pipe(feed_line(far), is_closed=True).watch(far) == (
        "the supervisor has ended and left the engine"
    )


def test_a_parent_that_is_gone_ends_the_engine_though_another_process_has_its_pipe() -> None:
    pipe = Pipe()

    why = watch(ParentWord(boot_clock() + 1_000), pipe.lines, parent=-1)

    assert why == "the supervisor has ended and left the engine"


def test_the_clock_is_that_of_the_lease() -> None:
    before = SystemClock()()
    at = boot_clock()

    assert before <= at <= SystemClock()()


@pytest.mark.parametrize("given", [b"", b"half of a li"])
def test_without_a_first_line_there_is_nothing_to_watch(
    given: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = Pipe(given, is_closed=True)
    monkeypatch.setattr(child, "ParentLines", lambda _: pipe.lines)
    monkeypatch.setattr("signal.signal", lambda *_: None)

    assert child.main(lambda *_: pytest.fail("nothing to cancel")) == child.STOOD_DOWN
