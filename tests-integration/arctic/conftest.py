"""Tests of the ArcticDB repository: they run in an environment of their own, with pandas 2."""

import importlib.util
from pathlib import Path

import pytest

# What needs ArcticDB is left to the Python that has it; `test_in_its_environment` starts it.
collect_ignore = [] if importlib.util.find_spec("arcticdb") else ["inside"]


@pytest.fixture(scope="session")
def core_tests() -> Path:
    """Where the unit tests of tradai-core are."""
    return Path(__file__).parents[2] / "packages" / "tradai-core" / "tests"
