"""Answers of a watchdog: a few open questions are a slow machine, more are a frozen process."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tradai.core.exceptions import TradingError
from tradai.core.testing import FixedClock
from tradai.entrypoint._live._watchdog.answers import Answers

EVERY_S = 5.0


class Line:
    """A line to a process that a test plays."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.reader, self.writer = os.pipe()
        self.asked = 0
        self.is_full = False
        self.answers = Answers(self.reader, self.ask, every_s=EVERY_S, clock=self.clock)

    def ask(self) -> None:
        self.asked += 1
        if self.is_full:
            raise TradingError("the pipe is full", reason="watchdog_gone")

    def after(self, seconds: float) -> bool:
        self.clock.advance(timedelta(seconds=seconds))
        return self.answers.are_coming()


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    os.close(made.reader)
    os.close(made.writer)


def test_a_process_that_answers_is_asked_at_most_every_few_seconds(line: Line) -> None:
    for _ in range(10):
        assert line.after(1.0)
        os.write(line.writer, b"." * line.asked)

    assert line.asked == 2


@pytest.mark.parametrize("is_full", [False, True])
def test_a_process_that_leaves_questions_open_is_noticed(line: Line, *, is_full: bool) -> None:
    line.is_full = is_full

    assert [line.after(EVERY_S) for _ in range(5)] == [True, True, True, False, False]

    os.write(line.writer, b".")
    assert line.after(EVERY_S)


def test_a_machine_that_was_suspended_gives_the_process_time_to_answer(line: Line) -> None:
    assert line.after(EVERY_S)

    assert line.after(3_600.0)
