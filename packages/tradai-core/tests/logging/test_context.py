import asyncio
import io
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import pytest

from tradai.core import carry_context, configure_logging, run_context
from tradai.core.exceptions import ConfigurationError


def told(stream: io.StringIO) -> dict[str, dict[str, str]]:
    """Return the ids on each line, by message."""
    lines = [json.loads(text) for text in stream.getvalue().splitlines()]
    ids = ("run_id", "trace_id", "job_id")
    return {line["message"]: {name: line[name] for name in ids if name in line} for line in lines}


@pytest.fixture
def say(stream: io.StringIO) -> Callable[[str], None]:
    configure_logging(stream=stream)
    return logging.getLogger("tradai.test.context").info


def test_all_ids_are_on_the_line(stream: io.StringIO, say: Callable[[str], None]) -> None:
    with run_context(run_id="r1", trace_id="t1", job_id="j1"):
        say("inside")

    assert told(stream) == {"inside": {"run_id": "r1", "trace_id": "t1", "job_id": "j1"}}


def test_tasks_inherit_the_ids(stream: io.StringIO, say: Callable[[str], None]) -> None:
    async def work(number: int) -> None:
        with run_context(job_id=f"j{number}"):
            await asyncio.sleep(0)
            say(f"task {number}")

    async def everything() -> None:
        with run_context(run_id="r1"):
            await asyncio.gather(*map(work, range(3)))
            await asyncio.to_thread(say, "thread of a task")

    asyncio.run(everything())

    tasks = {f"task {n}": {"run_id": "r1", "job_id": f"j{n}"} for n in range(3)}
    assert told(stream) == {**tasks, "thread of a task": {"run_id": "r1"}}


def test_a_thread_has_the_ids_only_when_they_are_carried(
    stream: io.StringIO, say: Callable[[str], None]
) -> None:
    with run_context(run_id="r1"):
        threads = [
            threading.Thread(target=carry_context(say), args=("carried",)),
            threading.Thread(target=say, args=("stranger",)),
        ]
    for thread in threads:
        thread.start()
        thread.join()

    assert told(stream) == {"carried": {"run_id": "r1"}, "stranger": {}}


def test_carried_work_runs_many_times_at_once(
    stream: io.StringIO, say: Callable[[str], None]
) -> None:
    together = threading.Barrier(4)

    def work(number: int) -> None:
        together.wait(timeout=300)
        say(f"part {number}")

    with run_context(run_id="r1"), ThreadPoolExecutor(4) as pool:
        list(pool.map(carry_context(work), range(4)))
        pool.submit(say, "stranger").result()

    assert told(stream) == {**{f"part {n}": {"run_id": "r1"} for n in range(4)}, "stranger": {}}


def test_changes_of_carried_work_stay_with_it() -> None:
    seen: ContextVar[int] = ContextVar("seen", default=0)

    def work(step: int) -> int:
        seen.set(seen.get() + step)
        return seen.get()

    carried = carry_context(work)

    assert (carried(1), carried(step=2), seen.get()) == (1, 2, 0)


def test_a_context_ends_with_an_error(stream: io.StringIO, say: Callable[[str], None]) -> None:
    with pytest.raises(ZeroDivisionError), run_context(run_id="r1"):
        _ = 1 / 0
    say("after")

    assert told(stream) == {"after": {}}


@pytest.mark.parametrize("name", ["botocore.endpoint", "urllib3.connectionpool", "ccxt", "httpx"])
def test_wire_logs_are_dropped_below_info(stream: io.StringIO, name: str) -> None:
    configure_logging(level="DEBUG", stream=stream)
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.DEBUG)

    logger.debug("body: %s", b"obviously-fake-and-never-registered")
    logger.info("retrying")
    logging.getLogger("botocorelike").debug("shown")
    logger.setLevel(before)

    assert "obviously-fake" not in stream.getvalue()
    assert list(told(stream)) == ["retrying", "shown"]


def test_contexts_nest_and_end(stream: io.StringIO, say: Callable[[str], None]) -> None:
    with run_context(run_id="r1", trace_id="t1"):
        with run_context(trace_id="t2"):
            say("inner")
        say("outer")
    say("outside")

    assert told(stream) == {
        "inner": {"run_id": "r1", "trace_id": "t2"},
        "outer": {"run_id": "r1", "trace_id": "t1"},
        "outside": {},
    }


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
