import os
import select
import selectors
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine.process import EngineProcess


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """Signals to this process, watched."""
    with Interrupts() as watched:
        yield watched


@pytest.fixture
def tell() -> Callable[[int], Callable[[], None]]:
    """Make a function that sends a signal to this process."""
    return lambda number: lambda: os.kill(os.getpid(), number)


@pytest.fixture
def lines() -> list[str]:
    """Lines that the engine has printed so far."""
    return []


@pytest.fixture
def reactions() -> dict[str, Callable[[], None]]:
    """Reactions to lines that the engine prints."""
    return {}


@pytest.fixture
def make_engine(
    tmp_path: Path, lines: list[str], reactions: dict[str, Callable[[], None]]
) -> Callable[..., EngineProcess]:
    """Make an engine that is a small Python program."""

    def listen(line: str) -> None:
        lines.append(line)
        reactions.get(line, lambda: None)()

    def make(
        program: str, *, stdin: bytes = b"", folder: Path = tmp_path, log: Path | None = None
    ) -> EngineProcess:
        return EngineProcess(
            [sys.executable, "-u", "-I", "-S", "-c", dedent(program)],
            stdin=stdin,
            environ={"ONLY": "this", "LC_ALL": "C.UTF-8"},
            folder=folder,
            log_file=log or tmp_path / "engine.log",
            on_line=listen,
        )

    return make


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """The timeouts of all selectors made from now on, in seconds; None waits for an event."""
    noted: list[float | None] = []

    class Noting(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            noted.append(timeout)
            return super().select(timeout)

    monkeypatch.setattr(selectors, "DefaultSelector", Noting)
    return noted


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name a listener in every proxy variable; fail when it heard anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for name in ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy"):
            monkeypatch.setenv(name, url)
            monkeypatch.setenv(name.upper(), url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield
        readable, _, _ = select.select([listener], [], [], 0)
        assert not readable, "a connection to this machine went to the proxy"
