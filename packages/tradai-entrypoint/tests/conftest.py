import errno
import os
import pickle
import resource
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.core.testing import MemoryTracker
from tradai.entrypoint import LocalRunner, StrategyEntrypoint

CONFIG = """\
name: demo
version: 1.0.0
timeframe: 5m
pairs: [BTC/USDT]
strategy:
  class: Demo
  source: strategies
execution:
  stake_amount: 100
"""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TRADAI_", "FREQTRADE__", "MLFLOW_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _hangup_is_not_ignored() -> Iterator[None]:
    """Handle SIGHUP by its default, also where the tests run under nohup, which ignores it."""
    former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, former)


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> MemoryTracker:
    """Track every run in memory."""
    memory = MemoryTracker()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    monkeypatch.setattr("tradai.entrypoint._runs.tracking.backend_for", lambda *_: memory)
    return memory


@pytest.fixture
def page_without_room(monkeypatch: pytest.MonkeyPatch) -> str:
    """A page that the disk has no room for."""
    page, sync = "a page that the disk has no room for", os.fsync

    def refuse(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == len(page):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    return page


@pytest.fixture
def files_up_to() -> Callable[[int], AbstractContextManager[None]]:
    """Let files have no more than a number of bytes."""

    @contextmanager
    def limited(most_bytes: int) -> Iterator[None]:
        _, highest = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, highest))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    return limited


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "strategy.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    """Return whether a process lives; one that ended and was not waited for (state Z) does not."""

    def look(pid: int) -> bool:
        command = ["ps", "-o", "stat=", "-p", str(pid)]
        state = subprocess.run(command, check=False, capture_output=True, text=True).stdout
        return bool(state.strip()) and not state.startswith("Z")

    return look


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for jobs, which are stopped after the test."""
    folder = tmp_path / "jobs"
    yield folder
    runner = LocalRunner(folder)
    for handle in runner.jobs():
        runner.stop(handle, "the test is over")


@pytest.fixture
def registered() -> Iterator[type[StrategyEntrypoint]]:
    """The shared entrypoint class; handlers that a test registers are removed afterwards."""
    yield StrategyEntrypoint
    for mode in TradingMode:
        StrategyEntrypoint.handlers.unregister(mode)


@pytest.fixture
def said_by() -> Callable[[BaseException], str]:
    """Return all text of an error, from every place where a value could hide."""

    def said(error: BaseException) -> str:
        parts = [repr(pickle.dumps(error))]
        for one in chained(error):
            parts += [str(one), repr(one), repr(one.args), repr(vars(one))]
            parts += traceback.format_exception(one)
        return "\n".join(parts)

    return said


def chained(error: BaseException | None) -> Iterator[BaseException]:
    if error is not None:
        yield error
        yield from chained(error.__cause__)
        yield from chained(error.__context__)
