"""Handlers, loggers and records of others: a server's, AWS Lambda's, a queue's."""

import asyncio
import contextlib
import io
import json
import logging
import logging.handlers
import pickle
import queue
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from threading import Barrier
from typing import Any, cast

import pytest

from tradai.core import Secret, configure_logging, run_context

HIDDEN = "obviously-fake-registered-value"


@pytest.fixture(autouse=True)
def secret() -> Secret[str]:
    return Secret(HIDDEN)


@pytest.fixture
def alone() -> Iterator[logging.Logger]:
    """A logger that only its own handlers print."""
    log = logging.getLogger("tradai.test.alone")
    log.propagate = False
    log.setLevel(logging.INFO)
    yield log
    log.handlers.clear()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def our_handler(stream: io.StringIO) -> logging.Handler:
    configure_logging(stream=stream)
    return logging.getLogger().handlers[-1]


@pytest.mark.parametrize("is_early", [True, False])
@pytest.mark.parametrize("form", [None, "%(levelname)s %(message)s"])
def test_a_handler_of_others_masks_secrets_made_before_the_set_up_or_after(
    alone: logging.Logger, *, is_early: bool, form: str | None
) -> None:
    other = io.StringIO()

    def add() -> None:
        handler = logging.StreamHandler(other)
        if form:
            handler.setFormatter(logging.Formatter(form))
        alone.addHandler(handler)

    if is_early:
        add()
    configure_logging(stream=io.StringIO())
    if not is_early:
        add()
    alone.info("login with %s", HIDDEN)
    alone.error("refused", exc_info=OSError(HIDDEN))

    assert "login with ***\n" in other.getvalue()
    assert other.getvalue().endswith("OSError: ***\n")
    assert HIDDEN not in other.getvalue()


def test_no_thread_prints_a_secret_to_a_new_handler_while_another_thread_masks_its_lines(
    alone: logging.Logger, eager_barrier: Callable[[int], Barrier]
) -> None:
    configure_logging(stream=io.StringIO())
    # So many that masking takes a while; the newest handler comes last. Logging holds them weakly.
    others = [logging.NullHandler() for _ in range(500)]
    for _ in range(50):
        stream, barrier = io.StringIO(), eager_barrier(8)
        alone.handlers[:] = [logging.StreamHandler(stream)]

        def log(number: int, barrier: Barrier = barrier) -> None:
            barrier.wait()
            alone.info("login %d with %s", number, HIDDEN)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(log, range(8)))

        shown = [f"login {number} with ***" for number in range(8)]
        assert sorted(stream.getvalue().splitlines()) == shown
    others.clear()


def test_a_formatter_that_reads_the_arguments_itself_is_masked_and_keeps_its_class(
    alone: logging.Logger,
) -> None:
    class AccessFormatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            method, path = cast("tuple[str, str]", record.args)
            return f"{method} {path}"

    other = io.StringIO()
    handler = logging.StreamHandler(other)
    handler.setFormatter(AccessFormatter())
    alone.addHandler(handler)
    configure_logging(stream=io.StringIO())

    alone.info("%s %s", "GET", f"/hook?x={HIDDEN}")

    assert other.getvalue() == "GET /hook?x=***\n"
    assert type(handler.formatter) is AccessFormatter


def test_a_formatter_whose_result_is_no_text_is_left_alone(alone: logging.Logger) -> None:
    kept: list[object] = []

    class Facts(logging.Formatter):
        # Not a text, as some formatters of others return.
        def format(self, record: logging.LogRecord) -> Any:  # noqa: ANN401
            return {"message": record.getMessage()}

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(self.format(record))

    handler = Keep()
    handler.setFormatter(Facts())
    alone.addHandler(handler)
    configure_logging(stream=io.StringIO())

    alone.info("said")

    assert kept == [{"message": "said"}]


def test_only_structured_arguments_with_a_secret_are_shown_as_json_by_others(
    alone: logging.Logger,
) -> None:
    other = io.StringIO()
    alone.addHandler(logging.StreamHandler(other))
    configure_logging(stream=io.StringIO())

    alone.info("%s and %s", {"password": "obviously-fake"}, {"a": 1})
    alone.info("%(token)s %(a)r", {"token": "obviously-fake", "a": [1]})
    alone.info("%(a)r", {"a": ("b",)})

    assert other.getvalue().splitlines() == [
        """{"password": "***"} and {'a': 1}""",
        "*** '[1]'",
        "('b',)",
    ]


def test_a_line_in_a_buffer_has_the_ids_of_its_own_run(alone: logging.Logger) -> None:
    stream = io.StringIO()
    alone.addHandler(logging.handlers.MemoryHandler(2, target=our_handler(stream)))

    with run_context(run_id="r1", trace_id="t1"):
        alone.info("first")
    alone.info("second")
    with run_context(run_id="r2"):
        alone.handlers[0].flush()

    ids = [(line.get("run_id"), line.get("trace_id")) for line in lines(stream)]
    assert ids == [("r1", "t1"), (None, None)]


def test_a_line_in_a_queue_has_its_ids_and_hides_what_is_secret_by_name(
    alone: logging.Logger,
) -> None:
    stream = io.StringIO()
    waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(waiting, our_handler(stream))
    alone.addHandler(logging.handlers.QueueHandler(waiting))

    with run_context(run_id="r1"):
        alone.info("login %s", {"password": "obviously-fake"}, extra={"pair": "BTC/USDT"})
    listener.start()
    listener.stop()

    (line,) = lines(stream)
    assert (line["run_id"], line["pair"]) == ("r1", "BTC/USDT")
    assert line["message"] == 'login {"password": "***"}'


def test_a_record_keeps_its_ids_on_the_way_to_another_process(alone: logging.Logger) -> None:
    stream = io.StringIO()
    handler = our_handler(stream)

    with run_context(run_id="r1"):
        record = alone.makeRecord(alone.name, logging.INFO, "f", 1, "said", (), None)
    # A pickle of our own.
    arrived = logging.makeLogRecord(vars(pickle.loads(pickle.dumps(record))))  # noqa: S301
    handler.handle(arrived)

    assert lines(stream)[0]["run_id"] == "r1"


def test_ids_are_no_field_of_the_lines_of_others(alone: logging.Logger) -> None:
    from pythonjsonlogger.json import JsonFormatter

    other = io.StringIO()
    handler = logging.StreamHandler(other)
    handler.setFormatter(JsonFormatter())
    alone.addHandler(handler)
    configure_logging(stream=io.StringIO())

    with run_context(run_id="r1"):
        alone.info("said", extra={"pair": "BTC/USDT"})

    assert json.loads(other.getvalue()) == {"message": "said", "pair": "BTC/USDT"}


def test_setting_up_again_builds_on_the_same_factory_and_class_once() -> None:
    configure_logging(stream=io.StringIO())
    factory, kind = logging.getLogRecordFactory(), logging.getLoggerClass()

    configure_logging(stream=io.StringIO())

    assert logging.getLogRecordFactory() is factory
    assert logging.getLoggerClass() is kind


def test_a_factory_of_others_still_makes_the_records() -> None:
    class Marked(logging.LogRecord):
        mark = "kept"

    logging.setLogRecordFactory(Marked)
    configure_logging(stream=io.StringIO())

    record = logging.getLogger("tradai.test.factory").makeRecord("n", 20, "f", 1, "m", (), None)

    assert isinstance(record, Marked)


class TraceLogger(logging.Logger):
    """A logger class that a process has chosen: it has a level more, and marks its records."""

    def trace(self, message: str) -> None:
        self.log(logging.INFO, message)

    # Name and arguments are those of logging.
    def makeRecord(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401, N802
        record = super().makeRecord(*args, **kwargs)
        record.mark = sorted(args[8] or ())
        return record


def test_a_logger_class_that_the_process_has_chosen_keeps_its_methods() -> None:
    stream = io.StringIO()
    logging.setLoggerClass(TraceLogger)
    configure_logging(stream=stream)

    log = cast("TraceLogger", logging.getLogger("tradai.test.trace.kept"))
    log.trace("said")
    fields = {"args": "a", "pair": "BTC/USDT"}
    log.info("said", extra=fields)

    assert isinstance(log, TraceLogger)
    first, second = lines(stream)
    assert first["mark"] == []
    assert second["mark"] == ["extra_args", "pair"]
    assert second["extra_args"] == "a"


def test_a_mapping_that_answers_for_names_it_does_not_list_is_asked() -> None:
    class Atoms(dict[str, str]):
        """As the atoms of gunicorn's access log."""

        def __getitem__(self, name: str) -> str:
            return super().__getitem__(name) if name in self else "-"

    stream = io.StringIO()
    configure_logging(stream=stream)

    logging.getLogger("tradai.test.atoms").info(
        '%(h)s "%({x-request-id}i)s" %(token)s', Atoms(h="127.0.0.1")
    )

    assert lines(stream)[0]["message"] == '127.0.0.1 "-" ***'


def test_leaving_a_context_in_another_one_does_not_raise() -> None:
    entered = run_context(run_id="r1")
    here, other = Context(), Context()

    here.run(entered.__enter__)
    other.run(entered.__exit__, None, None, None)

    stream = io.StringIO()
    configure_logging(stream=stream)
    log = logging.getLogger("tradai.test.left")
    other.run(log.info, "other")
    here.run(log.info, "here")
    assert [line.get("run_id") for line in lines(stream)] == [None, "r1"]


def test_leaving_in_a_copy_of_the_context_ends_it_in_the_copy() -> None:
    entered = run_context(run_id="r1")
    here = Context()
    here.run(entered.__enter__)
    copied = here.copy()

    copied.run(entered.__exit__, None, None, None)

    stream = io.StringIO()
    configure_logging(stream=stream)
    copied.run(logging.getLogger("tradai.test.left").info, "copied")
    assert "run_id" not in lines(stream)[0]


def test_an_async_generator_that_is_closed_by_its_loop_leaves_quietly() -> None:
    async def steps() -> AsyncIterator[int]:
        with run_context(run_id="r1"):
            yield 1
            yield 2

    async def work() -> None:
        generator = steps()
        await anext(generator)
        # Its loop closes it in a task, and so in a context, of its own.
        await asyncio.create_task(cast("Any", generator).aclose())

    errors: list[object] = []

    async def watched(work: Callable[[], Any]) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        with contextlib.suppress(asyncio.CancelledError):
            await work()

    asyncio.run(watched(work))

    assert errors == []
