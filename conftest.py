"""Set up all tests: number of examples, one secret registry per test, safe reports, waits."""

import copy
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from tradai.core import redact

# Machines are shared and slow: an example has no deadline. CI draws the same examples each time, so
# that a change is not blamed for another one's fault; elsewhere they are new ones each time.
PATIENT: Final = settings(
    deadline=None,
    derandomize="TRADAI_REQUIRE" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("patient", PATIENT, max_examples=25)
settings.register_profile("deep", PATIENT, max_examples=300, derandomize=False)
# For other versions of Python and of the dependencies: they differ in what exists, not in a value.
settings.register_profile("versions", PATIENT, max_examples=3)
settings.load_profile("patient")


class _Barrier(threading.Barrier):
    """A barrier that breaks, with the reason, when a thread ended before it: the others would hang.

    No test needs as long, however slow its machine is.
    """

    def __init__(
        self,
        parties: int,
        action: Callable[[], None] | None = None,
        timeout: float | None = 300.0,
    ) -> None:
        super().__init__(parties, action, timeout)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the others; raise `threading.BrokenBarrierError` when one does not come."""
        try:
            return super().wait(timeout)
        except threading.BrokenBarrierError as exc:
            exc.add_note(f"Fewer than {self.parties} threads came: one ended before, or waits.")
            raise


# A class of the library is replaced for all tests, also for those that are written later.
threading.Barrier = _Barrier  # type: ignore[misc]


@pytest.fixture
def eager_barrier() -> Iterator[Callable[[int], threading.Barrier]]:
    """Makes barriers, past which threads take turns so often that they meet anywhere.

    Not before: while coverage measures, Python 3.11 fails to start a thread when another one that
    starts takes its turn ("Cannot install a trace function").
    """
    interval = sys.getswitchinterval()

    def barrier(parties: int) -> threading.Barrier:
        sys.setswitchinterval(interval)
        return threading.Barrier(parties, action=lambda: sys.setswitchinterval(1e-6))

    yield barrier
    sys.setswitchinterval(interval)


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


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Wait until a condition holds, at most five minutes; return whether it does."""

    def look(holds: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 300
        while not holds():
            if time.monotonic() > deadline:
                return False
            threading.Event().wait(0.01)
        return True

    return look


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--one-case`, for what differs in what exists, and not in one value among many."""
    parser.addoption(
        "--one-case",
        metavar="FOLDER",
        action="append",
        default=[],
        help="run only the first case of each parametrized test in this folder",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--one-case` leaves out."""
    folders = tuple(str(config.rootpath / folder) for folder in config.getoption("one_case"))
    tests: set[str] = set()
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        test, is_parametrized, _ = item.nodeid.partition("[")
        is_later = bool(is_parametrized) and test in tests
        (left_out if is_later and str(item.path).startswith(folders) else kept).append(item)
        tests.add(test)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def pytest_configure(config: pytest.Config) -> None:
    """Try more examples when the tests marked deep are selected, before any module is imported."""
    if config.getoption("markexpr") != "not deep":
        settings.load_profile("deep")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are collected (10 of 24 s), and exempt them from it later.

    They live to the end.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def _restore_registered_secrets() -> Iterator[None]:
    """Restore the registry of secrets after each test.

    A secret that one test registered cannot hide a leak in another.
    """
    # A secret that was registered for good cannot be unregistered.
    registry = vars(sys.modules[redact.__module__])["_REGISTRY"]
    redact("")  # takes out what the tests before have released, or each test would do so again
    before = {name: copy.deepcopy(held) for name, held in vars(registry).items() if name != "_lock"}
    yield
    vars(registry).update(before)
