import io
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NoReturn, TypeAlias, cast

import pytest

from tradai.core import configure_logging

Line = dict[str, Any]
# Never registered on purpose: its place gives it away.
HIDDEN = "obviously-fake-value-in-its-place"


ReadLine: TypeAlias = Callable[[io.StringIO], dict[str, Any]]


def fail(*_: object) -> NoReturn:
    message = "broken on purpose"
    raise RuntimeError(message)


class Broken:
    """Raises whenever it is looked at."""

    __str__ = __repr__ = __len__ = __iter__ = __bool__ = __eq__ = __hash__ = fail


class BrokenKey:
    """A key that cannot be shown."""

    __str__ = __repr__ = fail


class BrokenItems(dict[str, object]):
    items = keys = __iter__ = __len__ = fail


class LyingClass:
    def __getattribute__(self, name: str) -> NoReturn:
        fail()


class Lazy(Mapping[str, object]):
    """A mapping that makes its values when they are asked for."""

    def __getitem__(self, name: str) -> object:
        return len(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "bb"))

    def __len__(self) -> int:
        return 2


class BrokenLazy(Lazy):
    __getitem__ = __len__ = fail


def chained() -> BaseException:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__context__ = second, first
    return first


def loud() -> Exception:
    raised = ValueError("bad")
    raised.add_note("a note\nof two lines")
    return raised


class Unshowable(BaseException):
    __str__ = __repr__ = fail


def with_locals(log: logging.Logger) -> None:
    held = HIDDEN
    try:
        int(held[:0])
    except ValueError:
        log.exception("said")


def grouped() -> BaseException:
    inner = ExceptionGroup("inner", [loud(), OSError(2, "b")])
    return BaseExceptionGroup("outer", [inner, KeyboardInterrupt()])


RECORD = [*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"]
LINE = ["timestamp", "level", "logger", "message", "run_id", "trace_id", "job_id", "stack"]
NOTHING = (None, None, None)
ONE, TWO, NUMBER, MALFORMED = "%s", "%s %s", "%d", "%(a %y"
CALLS: dict[str, Callable[[logging.Logger], object]] = {
    "too few arguments": lambda log: log.info(TWO, 1),
    "too many arguments": lambda log: log.info(ONE, 1, 2),
    "arguments of the wrong kind": lambda log: log.info(NUMBER, "seven"),
    "a bad format": lambda log: log.info(MALFORMED, 1),
    "a broken argument": lambda log: log.info(TWO, 1, Broken()),
    "a broken mapping as the argument": lambda log: log.info("%(a)s", BrokenItems(a=1)),
    "a broken lazy mapping as the argument": lambda log: log.info("%(a)s", BrokenLazy()),
    "a lying argument": lambda log: log.info("%s", LyingClass()),
    "a mapping without the name": lambda log: log.info("%(b)s", {"a": 1}),
    "a mapping with secrets": lambda log: log.info("%(token)s %(x)s", {"token": HIDDEN, "x": 1}),
    "a mapping printed whole": lambda log: log.info("%s", {"token": HIDDEN, "x": 1}),
    "a mapping beside others": lambda log: log.info("%s %d", {"token": HIDDEN}, 1),
    "extra that is a lazy mapping": lambda log: log.info("said", extra=Lazy()),
    "extra that is a broken mapping": lambda log: log.info("said", extra=BrokenLazy()),
    "extra that is broken": lambda log: log.info("said", extra=cast("Any", Broken())),
    "extra that is no mapping": lambda log: log.info("said", extra=cast("Any", [("a", 1)])),
    "extra that is text": lambda log: log.info("said", extra=cast("Any", "text")),
    "extra with names that are no text": lambda log: log.info(
        "said", extra=cast("Any", {1: 2, None: 3})
    ),
    "extra with a broken name": lambda log: log.info("said", extra=cast("Any", {BrokenKey(): 1})),
    "extra with names of all kinds": lambda log: log.info("said", extra={"": 1, "a b": 2, "\n": 3}),
    "extra with names of the record": lambda log: log.info("said", extra=dict.fromkeys(RECORD, 1)),
    "extra with names of the line": lambda log: log.info("said", extra=dict.fromkeys(LINE, 1)),
    "extra that names secrets": lambda log: log.info("said", extra={"api_secret": [1]}),
    "a thousand fields": lambda log: log.info("said", extra={f"a{i}": i for i in range(1000)}),
    "an exception": lambda log: log.error("said", exc_info=loud()),
    "an exception with locals": with_locals,
    "an exception that cannot be shown": lambda log: log.error("said", exc_info=Unshowable()),
    "exceptions in a ring": lambda log: log.error("said", exc_info=chained()),
    "a group of exceptions": lambda log: log.error("said", exc_info=grouped()),
    "no exception": lambda log: log.error("said", exc_info=NOTHING),
    "something that is no exception": lambda log: log.error("said", exc_info=cast("Any", 7)),
    "a tuple that is no exception": lambda log: log.error("said", exc_info=cast("Any", (1, 2, 3))),
    "the stack": lambda log: log.info("said", stack_info=True),
    "another's place": lambda log: log.info("said", stacklevel=50),
    "a level of its own": lambda log: log.log(35, "said"),
    "an adapter": lambda log: logging.LoggerAdapter(log, {"name": "n"}).info("said"),
}


@pytest.mark.parametrize("name", CALLS)
def test_however_it_is_called_it_is_one_line_of_json(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine, name: str
) -> None:
    CALLS[name](log)

    assert the_line(stream).keys() >= {"timestamp", "level", "logger", "message"}
    assert HIDDEN not in stream.getvalue()


class LogsItself:
    """Logs whenever it is printed, and what it logs is itself."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log

    def __str__(self) -> str:
        self._log.info("printing %s", self, extra={"value": self})
        return "printed"

    __repr__ = __str__


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_value_that_logs_itself_while_printed_is_printed_a_few_times(
    stream: io.StringIO, form: Literal["json", "console"]
) -> None:
    configure_logging(format=form, stream=stream)
    log = logging.getLoggerClass()("tradai.test.itself")
    log.addHandler(logging.getLogger().handlers[-1])

    log.info("said %s", LogsItself(log))

    *within, last = stream.getvalue().splitlines()
    assert "said printed" in last
    assert 0 < len(within) < 50
    assert any("printing %s" in line for line in within)


class Atoms(dict[str, str]):
    """A mapping that answers for each name, as the one of gunicorn's access log."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name) if name in self else "-"


def test_a_mapping_may_answer_for_names_that_it_does_not_list(
    log: logging.Logger, stream: io.StringIO
) -> None:
    log.info("%(h)s %(x-id)s %(api_secret)s", Atoms(h="127.0.0.1"))
    log.info("%(h)s %(i)d", defaultdict(int, h=1))

    lines = stream.getvalue().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["127.0.0.1 - ***", "1 0"]
