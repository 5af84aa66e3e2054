"""Tests of the ArcticDB repository: they run in an environment of their own, with pandas 2."""

import importlib.util
from pathlib import Path

import pytest

# Only the Python that has ArcticDB collects this folder; `test_in_its_environment` starts it.
collect_ignore = [] if importlib.util.find_spec("arcticdb") else ["inside"]


@pytest.fixture(scope="session")
def core_tests() -> Path:
    """The folder of the unit tests of tradai-core."""
    return Path(__file__).parents[2] / "packages" / "tradai-core" / "tests"
