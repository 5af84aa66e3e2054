"""What the tests of logging share."""

import io
import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def stream() -> io.StringIO:
    """Where a test has its lines written."""
    return io.StringIO()


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    """Put back what `configure_logging` changes, which is the whole process."""
    root, kind = logging.getLogger(), logging.getLoggerClass()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLoggerClass(kind)
