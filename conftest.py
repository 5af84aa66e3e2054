"""What all tests share: hypothesis that looks at no clock, and secrets that end with their test."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tradai.core import redact

settings.register_profile(
    "patient", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
)
settings.load_profile("patient")


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
