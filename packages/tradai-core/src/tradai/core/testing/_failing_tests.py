"""Run suites without a session of pytest, to see which mistakes they catch."""

import inspect
from collections.abc import Callable, Mapping

import pytest


def failing_tests(suite: type, fixtures: Mapping[str, Callable[[], object]]) -> set[str]:
    """Run every test of `suite` and return the names of those that fail.

    Args:
        suite: A class of tests, such as `ObjectStoreContract`.
        fixtures: Fixture -> function that makes it; called for every test.
    """
    tests = {name: test for name, test in vars(suite).items() if name.startswith("test_")}
    return {name for name, test in tests.items() if not _passes(test, suite(), fixtures)}


def _passes(
    test: Callable[..., None], suite: object, fixtures: Mapping[str, Callable[[], object]]
) -> bool:
    wanted = list(inspect.signature(test).parameters)[1:]
    try:
        test(suite, **{name: fixtures[name]() for name in wanted})
    # A wrong implementation may raise anything, and `pytest.fail` raises no Exception.
    except (Exception, pytest.fail.Exception):  # noqa: BLE001
        return False
    return True
