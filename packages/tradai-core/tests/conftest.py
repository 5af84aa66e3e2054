"""Fixtures shared by the tests."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from tradai.core import configure_logging

Line = dict[str, Any]


@pytest.fixture
def stream() -> io.StringIO:
    """Where a test has its lines written."""
    return io.StringIO()


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    """Put back what `configure_logging` changes, which is the whole process."""
    root, kind = logging.getLogger(), logging.getLoggerClass()
    handlers, level, factory = root.handlers[:], root.level, logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLoggerClass(kind)


@pytest.fixture(params=["orjson", "json"])
def log(
    stream: io.StringIO, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> logging.Logger:
    """A logger to `stream`, out of the reach of pytest, whose handlers raise at broken records."""
    if request.param == "json":
        monkeypatch.setitem(sys.modules, "orjson", None)
    configure_logging(stream=stream)
    log = logging.getLoggerClass()(f"tradai.test.{request.node.name}")
    log.addHandler(logging.getLogger().handlers[-1])
    return log


@pytest.fixture
def the_line() -> Callable[[io.StringIO], Line]:
    """Reads the only line in a stream, as strict JSON."""
    return only_line


def only_line(stream: io.StringIO) -> Line:
    """Return the only line in `stream`, as strict JSON."""

    def refuse(constant: str) -> NoReturn:
        message = f"{constant} is not JSON"
        raise AssertionError(message)

    def once(pairs: list[tuple[str, object]]) -> Line:
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    text = stream.getvalue()
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert text.isascii()
    line: Line = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    json.dumps(line, ensure_ascii=False).encode()  # no half of a surrogate pair
    return line
