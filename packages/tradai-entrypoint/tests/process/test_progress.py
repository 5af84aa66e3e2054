import io
import logging
from collections.abc import Iterator

import pytest

from tradai.entrypoint import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        # Of a closed one this is an error.
        super().isatty()
        return True


def test_a_terminal_shows_progress_and_then_clears_it() -> None:
    stream = Terminal()

    with Progress(stream=stream) as progress:
        progress.say("reading candles")
        progress.say("engine: backtesting")

    assert "engine: backtesting" in stream.getvalue()


def test_what_is_shown_is_no_markup_and_does_nothing() -> None:
    stream = Terminal()

    with Progress(stream=stream) as progress:
        progress.say("[/red] [bold]x \x07")

    assert r"[/red] [bold]x \x07" in stream.getvalue()


def test_a_pipe_gets_nothing() -> None:
    stream = io.StringIO()

    with Progress(stream=stream) as progress:
        progress.say("reading candles")

    assert stream.getvalue() == ""


def test_a_pipe_gets_a_line_for_each_sentence_where_that_is_asked_for() -> None:
    piped, terminal, quiet = io.StringIO(), Terminal(), io.StringIO()

    for stream, enabled in ((piped, True), (terminal, True), (quiet, False)):
        with Progress(stream=stream, enabled=enabled, has_lines=True) as progress:
            progress.say("reading candles")
            progress.say("engine: lookahead-analysis\x07")

    assert piped.getvalue() == "reading candles\nengine: lookahead-analysis\\x07\n"
    assert "reading candles\n" not in terminal.getvalue()
    assert quiet.getvalue() == ""


def test_a_pipe_gets_a_line_for_each_milestone_with_its_detail() -> None:
    piped, terminal, quiet = io.StringIO(), Terminal(), io.StringIO()

    for stream, enabled in ((piped, True), (terminal, True), (quiet, False)):
        with Progress(stream=stream, enabled=enabled) as progress:
            progress.say("reading candles")
            progress.milestone("1 of 2 runs", detail="backtest done\x07")
            progress.milestone("2 of 2 runs")

    assert piped.getvalue() == "1 of 2 runs: backtest done\\x07\n2 of 2 runs\n"
    assert "2 of 2 runs" in terminal.getvalue()
    assert "backtest done" not in terminal.getvalue()
    assert quiet.getvalue() == ""


def test_it_can_be_switched_off() -> None:
    stream = Terminal()

    with Progress(stream=stream, enabled=False) as progress:
        progress.say("reading candles")

    assert stream.getvalue() == ""


@pytest.fixture
def logged() -> Iterator[Terminal]:
    """A terminal to which the log goes."""
    stream = Terminal()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    yield stream
    assert handler.stream is stream
    logging.getLogger().removeHandler(handler)


def test_a_line_of_the_log_has_a_line_of_its_own_beside_the_spinner(logged: Terminal) -> None:
    sentence = "an order was placed " * 20

    with Progress(stream=logged) as progress:
        progress.say("engine: trading")
        logging.getLogger("tradai.test").warning(sentence)

    assert f"\r\x1b[2K{sentence}\n" in logged.getvalue()


def test_a_log_to_a_stream_that_is_closed_is_left_alone(logged: Terminal) -> None:
    logged.close()
    stream = Terminal()

    with Progress(stream=stream) as progress:
        progress.say("engine: trading")

    assert "engine: trading" in stream.getvalue()
