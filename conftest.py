"""What all tests share: how many examples they try, and secrets that end with their test."""

import gc
import sys
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tradai.core import redact

# Machines are shared and slow: nothing is said about how long an example takes.
PATIENT: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", PATIENT, max_examples=25)
settings.register_profile("deep", PATIENT, max_examples=300)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Try more examples when the tests marked deep are asked for, before any module is read."""
    if config.getoption("markexpr") != "not deep":
        settings.load_profile("deep")


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over what was collected, which lives to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _secrets_end_with_their_test() -> Iterator[None]:
    """Mask afterwards what was masked before.

    What one test registered cannot hide a leak in another, and the pattern of all that is to be
    masked, which is made anew after each registration, stays small.
    """
    # A process never forgets a secret, so nothing public does.
    registry = vars(sys.modules[redact.__module__])["_REGISTRY"]
    before = dict(vars(registry))
    yield
    vars(registry).update(before)
