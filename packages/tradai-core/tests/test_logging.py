import asyncio
import io
import json
import logging
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from tradai.core import LoggerMixin, configure_logging, run_context
from tradai.core.exceptions import ConfigurationError


def test_the_run_is_known_in_tasks_and_handed_to_threads(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    log = logging.getLogger("tradai.test.context")

    async def work() -> None:
        log.info("task")

    with run_context(run_id="r1"), ThreadPoolExecutor(1) as pool:
        asyncio.run(work())
        pool.submit(copy_context().run, log.info, "thread").result()
        pool.submit(log.info, "stranger").result()

    lines = [json.loads(text) for text in stream.getvalue().splitlines()]
    told = {line["message"]: line.get("run_id") for line in lines}
    assert (told["task"], told["thread"], told["stranger"]) == ("r1", "r1", None)


def test_contexts_nest_and_end(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    log = logging.getLogger("tradai.test.context")

    with run_context(run_id="r1", trace_id="t1"):
        with run_context(trace_id="t2"):
            log.info("inner")
        log.info("outer")
    log.info("outside")

    lines = [json.loads(text) for text in stream.getvalue().splitlines()]
    told = [(line.get("run_id"), line.get("trace_id")) for line in lines]
    assert told == [("r1", "t2"), ("r1", "t1"), (None, None)]


def test_a_stream_that_fails_neither_raises_nor_tells(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(stream=stream)
    stream.close()

    logging.getLogger("tradai.test.closed").info("said")

    assert capsys.readouterr() == ("", "")


def test_setting_up_again_replaces_the_first_set_up(stream: io.StringIO) -> None:
    first = io.StringIO()
    configure_logging(stream=first)

    configure_logging(format="console", level="ERROR", stream=stream)
    logging.getLogger("tradai.test.again").error("said")
    logging.getLogger("tradai.test.again").warning("not said")

    assert first.getvalue() == ""
    assert stream.getvalue().count("\n") == 1


def test_an_unknown_format_is_refused() -> None:
    unknown: Any = "xml"

    with pytest.raises(ConfigurationError, match="expected one of json, console"):
        configure_logging(format=unknown)


@pytest.mark.parametrize("level", ["LOUD", "info", ""])
def test_an_unknown_level_is_refused(level: str) -> None:
    with pytest.raises(ConfigurationError, match="expected one of DEBUG"):
        configure_logging(level=level)


def test_a_console_line_is_for_people(stream: io.StringIO) -> None:
    configure_logging(format="console", stream=stream)

    with run_context(run_id="r1"):
        logging.getLogger("tradai.test.console").info(
            "order filled", extra={"pair": "BTC/USDT", "why": "it was time", "n": 2}
        )

    time, rest = stream.getvalue().split(" ", 1)
    assert datetime.fromisoformat(time).tzinfo == UTC
    assert rest == (
        "INFO     order filled run_id=r1 pair=BTC/USDT "
        'why="it was time" n=2 [tradai.test.console]\n'
    )


def test_a_console_line_fits_its_stream() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    configure_logging(format="console", stream=stream)

    logging.getLogger("tradai.test.console").info("caf\u00e9")

    assert b"caf\\xe9" in raw.getvalue()


def test_a_traceback_follows_the_console_line_indented(stream: io.StringIO) -> None:
    configure_logging(format="console", stream=stream)

    logging.getLogger("tradai.test.console").info("failed", exc_info=ValueError("a\x1b[31m"))

    head, *below = stream.getvalue().splitlines()
    assert "failed" in head
    assert below == ["    ValueError: a\\x1b[31m"]


class Service(LoggerMixin):
    """A class with a logger."""


class Plugin(LoggerMixin, BaseModel):
    """A class with a logger and another base."""

    size: int


@dataclass(frozen=True, slots=True)
class Value(LoggerMixin):
    """A frozen value with a logger."""

    size: int


@pytest.mark.parametrize("thing", [Service(), Plugin(size=1), Value(1)])
def test_a_class_with_the_mixin_has_a_logger_of_its_name(thing: LoggerMixin) -> None:
    assert thing.logger.name == f"{__name__}.{type(thing).__name__}"
    assert thing.logger is thing.logger


@pytest.mark.parametrize("thing", [Plugin(size=1), Value(1)])
def test_a_value_with_a_logger_survives_pickling(thing: LoggerMixin) -> None:
    thing.logger.debug("used before")

    # A pickle of our own.
    assert pickle.loads(pickle.dumps(thing)) == thing  # noqa: S301


def test_logging_costs_nothing_until_it_is_set_up() -> None:
    program = (
        "import sys, logging; from tradai.core import LoggerMixin, configure_logging; "
        "print('pythonjsonlogger' in sys.modules, logging.getLogger().handlers)"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert answer.stdout == b"False []\n"
