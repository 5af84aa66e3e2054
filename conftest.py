"""Set up all tests: the number of examples, one secret registry per test, safe reports."""

import copy
import gc
import sys
from collections.abc import Generator, Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from tradai.core import redact

# Machines are shared and slow: an example has no deadline.
PATIENT: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", PATIENT, max_examples=25)
settings.register_profile("deep", PATIENT, max_examples=300)
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, object]:
    """Escape lone surrogates in a report, which would end the whole run of pytest-xdist."""
    return _encodable((yield))


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_encodable, value))
    return value


def pytest_configure(config: pytest.Config) -> None:
    """Try more examples when the tests marked deep are selected, before any module is imported."""
    if config.getoption("markexpr") != "not deep":
        settings.load_profile("deep")


def pytest_collection_finish() -> None:
    """Exempt the collected tests, which live to the end, from garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _restore_registered_secrets() -> Iterator[None]:
    """Restore the registry of secrets after each test.

    A secret that one test registered cannot hide a leak in another.
    """
    # A secret that was registered for good cannot be unregistered.
    registry = vars(sys.modules[redact.__module__])["_REGISTRY"]
    before = {name: copy.deepcopy(held) for name, held in vars(registry).items() if name != "_lock"}
    yield
    vars(registry).update(before)
