import io
import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from tradai.core import Secret, configure_logging, register_secret, run_context

Line = dict[str, Any]


@pytest.fixture
def log(stream: io.StringIO, request: pytest.FixtureRequest) -> logging.Logger:
    """A logger to `stream`, out of the reach of pytest, whose handlers raise at broken records."""
    configure_logging(stream=stream)
    log = logging.getLoggerClass()(f"tradai.test.{request.node.name}")
    log.addHandler(logging.getLogger().handlers[-1])
    return log


def the_line(stream: io.StringIO) -> Line:
    """Return the only line in `stream`, as strict JSON."""

    def refuse(constant: str) -> NoReturn:
        message = f"{constant} is not JSON"
        raise AssertionError(message)

    text = stream.getvalue()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert text.isascii()
    line: Line = json.loads(text, parse_constant=refuse)
    json.dumps(line, ensure_ascii=False).encode()  # no half of a surrogate pair
    return line


class Broken:
    """Raises whenever it is looked at."""

    def __str__(self) -> str:
        message = "broken on purpose"
        raise RuntimeError(message)

    __repr__ = __str__


class BrokenMapping(dict[str, object]):
    def items(self) -> NoReturn:
        message = "broken on purpose"
        raise RuntimeError(message)


class LyingClass:
    def __getattribute__(self, name: str) -> NoReturn:
        message = "broken on purpose"
        raise RuntimeError(message)


class Account(BaseModel):
    name: str
    password: SecretStr


@dataclass
class Order:
    pair: str


def cycle() -> list[object]:
    ring: list[object] = [1]
    ring.append(ring)
    return ring


def deep() -> object:
    value: object = "end"
    for _ in range(5000):
        value = [value]
    return value


NASTY: dict[str, Callable[[], object]] = {
    "nan": lambda: float("nan"),
    "infinity": lambda: [float("inf"), {"x": float("-inf")}],
    "bytes": lambda: b"\xff\x00fake",
    "cycle": cycle,
    "deep": deep,
    "broken": Broken,
    "broken in a list": lambda: [1, Broken(), 2],
    "broken key": lambda: {Broken(): 1},
    "broken mapping": BrokenMapping,
    "lying class": LyingClass,
    "lone surrogate": lambda: "a\ud800b",
    "lone surrogate key": lambda: {"a\udfff": 1},
    "line ends": lambda: "a\nb\r\nc\u2028d\u2029e\x85f\x0bg",
    "control characters": lambda: "".join(map(chr, range(32))) + "\x7f\x9b",
    "huge integer": lambda: 10**5000,
    "integer past 64 bits": lambda: 2**64,
    "decimal": lambda: Decimal("sNaN"),
    "set": lambda: {1, "a", None},
    "deque": lambda: deque([1, 2]),
    "tuple keys": lambda: {(1, 2): 3, None: 4, True: 5},
    "numpy": lambda: {"a": np.float64("nan"), "b": np.int64(7), "c": np.arange(3)},
    "model": lambda: Account(name="me", password=SecretStr("not-a-real-secret")),
    "dataclass": lambda: Order(pair="BTC/USDT"),
    "secret": lambda: Secret("not-a-real-secret"),
    "exception": lambda: ValueError("bad"),
    "class": lambda: Order,
    "function": lambda: cycle,
    "generator": lambda: (x for x in range(3)),
    "time": lambda: datetime(2025, 1, 1, tzinfo=UTC),
    "path": lambda: Path("a/b"),
    "long list": lambda: list(range(100_000)),
    "long text": lambda: "x" * 1_000_000,
    "wide tree": lambda: [[[list(range(50))] * 50] * 50] * 50,
}


@pytest.mark.parametrize("name", NASTY)
def test_whatever_is_logged_is_one_line_of_json(
    log: logging.Logger, stream: io.StringIO, name: str
) -> None:
    value = NASTY[name]()

    log.info("said", extra={"value": value, "after": 1})

    line = the_line(stream)
    assert (line["message"], line["after"]) == ("said", 1)
    assert "value" in line
    assert "not-a-real-secret" not in stream.getvalue()
    assert len(stream.getvalue()) < 100_000


def test_a_cycle_is_followed_a_few_times(log: logging.Logger, stream: io.StringIO) -> None:
    log.info("said", extra={"value": cycle()})

    assert str(the_line(stream)["value"]).count("[") == 9


def test_a_huge_value_does_not_push_out_the_others(
    log: logging.Logger, stream: io.StringIO
) -> None:
    log.info("said", extra={"first": list(range(1_000)), "second": list(range(100))})

    line = the_line(stream)
    assert line["first"][-2:] == [498, "<more>"]
    assert line["second"] == list(range(100))


# Merely printing this one takes seconds, before a formatter is asked.
@pytest.mark.parametrize("name", sorted(NASTY.keys() - {"wide tree"}))
def test_whatever_is_the_message_is_one_line_of_json(
    log: logging.Logger, stream: io.StringIO, name: str
) -> None:
    log.info(NASTY[name]())

    assert the_line(stream)["level"] == "INFO"


any_text = st.text(st.characters(codec=None, exclude_categories=[]), max_size=20)
any_leaf = st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.binary()
any_value = st.recursive(
    any_leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)


# Slow drawing is the fault of a busy machine.
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(message=any_text, extra=st.dictionaries(any_text, any_value, max_size=3))
def test_any_message_with_any_fields_is_one_line_of_json(
    message: str, extra: dict[str, object]
) -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)

    logging.getLogger("tradai.test.any").info(message, extra=extra)

    assert the_line(stream).keys() >= {"timestamp", "level", "logger", "message"}


def test_a_line_says_when_how_bad_who_what_and_for_which_run(
    log: logging.Logger, stream: io.StringIO
) -> None:
    with run_context(run_id="r1", trace_id="t1"):
        log.warning("order %s filled", 7, extra={"pair": "BTC/USDT", "price": 0.29})

    line = the_line(stream)
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo == UTC
    assert line == {
        "level": "WARNING",
        "logger": log.name,
        "message": "order 7 filled",
        "run_id": "r1",
        "trace_id": "t1",
        "pair": "BTC/USDT",
        "price": 0.29,
    }


def test_times_are_utc_to_the_millisecond(log: logging.Logger, stream: io.StringIO) -> None:
    record = log.makeRecord(log.name, logging.INFO, "f", 1, "said", (), None)
    record.created = 1735689600.1239

    log.handle(record)

    assert the_line(stream)["timestamp"] == "2025-01-01T00:00:00.123Z"


@pytest.mark.parametrize("created", [float("nan"), 1e300, "yesterday", None])
def test_a_record_from_no_time_is_still_a_line(
    log: logging.Logger, stream: io.StringIO, created: object
) -> None:
    record = log.makeRecord(log.name, logging.INFO, "f", 1, "said", (), None)
    vars(record)["created"] = created

    log.handle(record)

    assert the_line(stream)["message"] == "said"


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_record_that_lacks_a_part_is_still_a_line(
    stream: io.StringIO, form: Literal["json", "console"]
) -> None:
    configure_logging(format=form, stream=stream)
    record = logging.makeLogRecord({})
    del record.levelname

    logging.getLogger().handlers[-1].handle(record)

    assert the_line(stream)["message"] == "a log record could not be written"


def test_arguments_that_do_not_fit_are_shown_beside_the_message(
    log: logging.Logger, stream: io.StringIO
) -> None:
    log.info("filled %d", "seven")

    assert the_line(stream)["message"] == '["filled %d", ["seven"]]'


def test_fields_that_clash_are_renamed_and_nothing_is_lost(
    log: logging.Logger, stream: io.StringIO
) -> None:
    fields = {"name": "n", "message": "m", "level": "l", "args": 1, "run_id": "x"}

    log.info("said", extra=fields)

    line = the_line(stream)
    assert (line["message"], line["level"]) == ("said", "INFO")
    assert (line["extra_name"], line["extra_message"], line["extra_level"]) == ("n", "m", "l")
    assert (line["extra_args"], line["extra_run_id"]) == (1, "x")
    assert "run_id" not in line


def test_a_clash_in_a_record_made_elsewhere_is_renamed(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    record = logging.makeLogRecord({"levelno": 20, "msg": "said", "level": "mine"})

    logging.getLogger().handle(record)

    assert the_line(stream)["extra_level"] == "mine"


def test_an_exception_is_text_without_local_variables(
    log: logging.Logger, stream: io.StringIO
) -> None:
    hidden = "fake-local-variable"
    try:
        _ = 1 / (len(hidden) - 19)
    except ZeroDivisionError:
        log.exception("failed")

    exception = the_line(stream)["exception"]
    assert exception.startswith("Traceback (most recent call last):")
    assert "ZeroDivisionError: division by zero" in exception
    assert exception.count(hidden) == 0


def test_an_exception_that_cannot_be_shown_is_still_a_line(
    log: logging.Logger, stream: io.StringIO
) -> None:
    # It is no error of this program.
    class Unshowable(Exception):  # noqa: N818
        def __str__(self) -> str:
            message = "broken on purpose"
            raise RuntimeError(message)

    log.info("failed", exc_info=Unshowable())

    assert "Unshowable" in the_line(stream)["exception"]


def test_an_exception_from_another_process_is_kept(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    record = logging.makeLogRecord({"levelno": 20, "exc_text": "Traceback: far away"})

    logging.getLogger().handle(record)

    assert the_line(stream)["exception"] == "Traceback: far away"


def test_the_stack_is_a_field(log: logging.Logger, stream: io.StringIO) -> None:
    log.info("said", stack_info=True)

    assert the_line(stream)["stack"].startswith("Stack (most recent call last):")


def test_secrets_are_masked_wherever_they_are(log: logging.Logger, stream: io.StringIO) -> None:
    register_secret("not-a-real-secret")
    fields = {
        "not-a-real-secret": 1,
        "nested": [{"x": "not-a-real-secret"}, b"not-a-real-secret"],
        "url": "https://me:fake@example.org/",
        "api_key": "fake-but-never-registered",
    }
    error = ValueError("login with not-a-real-secret")

    log.error("sent %s", "not-a-real-secret", extra=fields, exc_info=error, stack_info=True)

    line = the_line(stream)
    assert "not-a-real-secret" not in stream.getvalue()
    assert (line["api_key"], line["url"]) == ("***", "https://***@example.org/")


def test_a_secret_across_the_cut_of_a_long_text_is_masked(
    log: logging.Logger, stream: io.StringIO
) -> None:
    register_secret("not-a-real-secret")

    log.info("%snot-a-real-secret%s", "x" * 8185, "x" * 9000)

    assert "not-a" not in the_line(stream)["message"]


@pytest.mark.parametrize("name", NASTY)
def test_whatever_is_logged_is_one_console_line(stream: io.StringIO, name: str) -> None:
    configure_logging(format="console", stream=stream)

    logging.getLogger("tradai.test.console").info("said", extra={"value": NASTY[name]()})

    text = stream.getvalue()
    assert text.endswith("[tradai.test.console]\n")
    assert text[:-1].isprintable()
    assert "not-a-real-secret" not in text
