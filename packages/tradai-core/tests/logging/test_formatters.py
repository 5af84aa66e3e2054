import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tradai.core import Timeframe, configure_logging, register_secret, run_context

Line = dict[str, Any]
# Never registered on purpose: its place gives it away.
HIDDEN = "obviously-fake-value-in-its-place"


ReadLine: TypeAlias = Callable[[io.StringIO], dict[str, Any]]
any_text = st.text(st.characters(codec=None, exclude_categories=[]), max_size=20)
any_leaf = st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.binary()
any_value = st.recursive(
    any_leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)


# Slow drawing is the fault of a busy machine; what reads a line is the same for all examples.
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(message=any_text, extra=st.dictionaries(any_text, any_value, max_size=3))
def test_any_message_with_any_fields_is_one_line_of_json(
    the_line: ReadLine, message: str, extra: dict[str, object]
) -> None:
    stream = io.StringIO()
    # pytest keeps the messages too, and its workers cannot send half of a surrogate pair.
    logging.getLogger().handlers.clear()
    configure_logging(stream=stream)
    # Out of the reach of pytest, whose report of half a surrogate pair ends the whole run.
    log = logging.getLoggerClass()("tradai.test.any")
    log.addHandler(logging.getLogger().handlers[-1])

    log.info(message, extra=extra)

    assert the_line(stream).keys() >= {"timestamp", "level", "logger", "message"}


def test_a_line_says_when_how_bad_who_what_and_for_which_run(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
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


def test_times_are_utc_to_the_millisecond(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
    record = log.makeRecord(log.name, logging.INFO, "f", 1, "said", (), None)
    record.created = 1735689600.1239

    log.handle(record)

    assert the_line(stream)["timestamp"] == "2025-01-01T00:00:00.123Z"


@pytest.mark.parametrize("created", [float("nan"), 1e300, "yesterday", None])
def test_a_record_from_no_time_is_still_a_line(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine, created: object
) -> None:
    record = log.makeRecord(log.name, logging.INFO, "f", 1, "said", (), None)
    vars(record)["created"] = created

    log.handle(record)

    assert the_line(stream)["message"] == "said"


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_record_that_lacks_a_part_is_still_a_line(
    stream: io.StringIO, the_line: ReadLine, form: Literal["json", "console"]
) -> None:
    configure_logging(format=form, stream=stream)
    record = logging.makeLogRecord({})
    del record.levelname

    logging.getLogger().handlers[-1].handle(record)

    assert the_line(stream)["message"] == "a log record could not be written"


def test_arguments_that_do_not_fit_are_shown_beside_the_message(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
    log.info("filled %d", "seven")

    assert the_line(stream)["message"] == '["filled %d", ["seven"]]'


def test_fields_that_clash_are_renamed_and_nothing_is_lost(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
    fields = {"name": "n", "message": "m", "level": "l", "args": 1, "run_id": "x"}

    log.info("said", extra=fields)

    line = the_line(stream)
    assert (line["message"], line["level"]) == ("said", "INFO")
    assert (line["extra_name"], line["extra_message"], line["extra_level"]) == ("n", "m", "l")
    assert (line["extra_args"], line["extra_run_id"]) == (1, "x")
    assert "run_id" not in line


def test_a_renamed_field_does_not_push_out_another(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
    clash = {"name": 1, "extra_name": 2}

    log.info("said", extra=clash)

    line = the_line(stream)
    assert (line["extra_extra_name"], line["extra_name"]) == (1, 2)


@dataclass
class Order:
    pair: str
    bot_token: str


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("64231.550"), "64231.550"),
        (datetime(2025, 1, 1, tzinfo=UTC), "2025-01-01T00:00:00+00:00"),
        (1.5e-05, 1.5e-05),
        (float("nan"), "nan"),
        (2**64, str(2**64)),
        (Order("BTC/USDT", "fake"), {"pair": "BTC/USDT", "bot_token": "***"}),
        ({"password": None, "token": 5}, {"password": None, "token": "***"}),
        (Timeframe("15m"), "15m"),
        (np.float64(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(1), True),
        (np.zeros((3, 2)), "<ndarray of 3 x 2>"),
        (ValueError("bad"), "ValueError: bad"),
        (b"caf\xc3\xa9", "caf\u00e9"),
        (range(3), [0, 1, 2]),
    ],
)
def test_a_value_is_shown_as(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine, value: object, shown: object
) -> None:
    log.info("said", extra={"value": value})

    assert the_line(stream)["value"] == shown


@pytest.mark.parametrize(
    ("message", "args", "said"),
    [
        ("at %.2f for %s", (Decimal("1.005"), "BTC"), "at 1.00 for BTC"),
        ("got %s", (Order("BTC/USDT", "fake"),), 'got {"pair": "BTC/USDT", "bot_token": "***"}'),
        ("got %(token)s of %(pair)s", ({"token": "fake", "pair": "X"},), "got *** of X"),
        ("got %s", ({"token": "fake"},), 'got {"token": "***"}'),
        ("failed: %s", (ValueError("bad"),), "failed: bad"),
        ("100 %", (), "100 %"),
    ],
)
def test_a_message_says(
    log: logging.Logger,
    stream: io.StringIO,
    the_line: ReadLine,
    message: str,
    args: tuple[object, ...],
    said: str,
) -> None:
    log.info(message, *args)

    assert the_line(stream)["message"] == said


def test_a_clash_in_a_record_made_elsewhere_is_renamed(
    stream: io.StringIO, the_line: ReadLine
) -> None:
    configure_logging(stream=stream)
    record = logging.makeLogRecord({"levelno": 20, "msg": "said", "level": "mine"})

    logging.getLogger().handle(record)

    assert the_line(stream)["extra_level"] == "mine"


def test_an_exception_is_text_without_local_variables(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
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
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
    # It is not an error of this program.
    class Unshowable(Exception):  # noqa: N818
        def __str__(self) -> str:
            message = "broken on purpose"
            raise RuntimeError(message)

    log.info("failed", exc_info=Unshowable())

    assert "Unshowable" in the_line(stream)["exception"]


def test_an_exception_from_another_process_is_kept(stream: io.StringIO, the_line: ReadLine) -> None:
    configure_logging(stream=stream)
    record = logging.makeLogRecord({"levelno": 20, "exc_text": "Traceback: far away"})

    logging.getLogger().handle(record)

    assert the_line(stream)["exception"] == "Traceback: far away"


def test_the_stack_is_a_field(log: logging.Logger, stream: io.StringIO, the_line: ReadLine) -> None:
    log.info("said", stack_info=True)

    assert the_line(stream)["stack"].startswith("Stack (most recent call last):")


def test_secrets_are_masked_wherever_they_are(
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
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
    log: logging.Logger, stream: io.StringIO, the_line: ReadLine
) -> None:
    register_secret("not-a-real-secret")

    log.info("%snot-a-real-secret%s", "x" * 8185, "x" * 9000)

    assert "not-a" not in the_line(stream)["message"]
