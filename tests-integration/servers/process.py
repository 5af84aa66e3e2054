"""Servers as child processes on loopback: started at first use, always stopped."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".servers"
# Lower than those that Linux and macOS give to who asks for any port.
_PORTS: Final = range(20_000, 25_000)
# Each process begins elsewhere, and takes the next one each time.
_TURNS: Final = itertools.count(os.getpid() * 97)
# Variables of the machine or the developer, on which a server must not depend.
_DROPPED = (
    "AWS_",
    "DOCKER_",
    "MLFLOW_",
    "PYTHON",
    "TRADAI_",
    "VIRTUAL_ENV",
    "http_proxy",
    "https_proxy",
)


def free_port() -> int:
    """Return a free port of loopback, for a server that starts, or for none.

    The system gives it to no one that asks for any port: a server takes seconds to listen, and in
    that time many sockets are opened.
    """
    for turn in itertools.islice(_TURNS, len(_PORTS)):
        if is_free(port := _PORTS[turn % len(_PORTS)]):
            return port
    pytest.fail(f"no free port from {_PORTS.start} to {_PORTS.stop}; stop what listens there")


def is_free(port: int) -> bool:
    """Return whether a port of loopback is free."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(url: str) -> bool:
    """Return whether an HTTP server answers at `url`, with any status."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - an address of our own
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def executable(server: str, command: str) -> Path:
    """Return a command of a server's own environment; skip, or fail where it is required."""
    path = ENVIRONMENTS / server / "bin" / command
    if not path.exists():
        missing(server, f"no {server} at {path.parent}: run scripts/servers {server}")
    return path


def missing(server: str, reason: str) -> NoReturn:
    """Skip the test for `reason`, or fail it where the server is required."""
    if server in os.environ.get("TRADAI_REQUIRE", "").split(","):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(kw_only=True)
class Server:
    """A program to start, and a check whether it is ready.

    It is killed at the end, unless it is given `stop_timeout_s` seconds to end in order.
    """

    name: str
    command: Sequence[str | Path]
    is_ready: Callable[[], bool]
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    start_timeout_s: float = 300
    stop_timeout_s: float = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[int]:
        """Run the server, and yield the process id of its group's leader."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "server.log"
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith(_DROPPED)
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=inherited | {"HOME": str(self.folder)} | dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(process, log)
            yield process.pid
        finally:
            _stop(process, self.stop_timeout_s)

    def _wait(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        deadline = time.monotonic() + self.start_timeout_s
        while not self.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(errors="replace")[-2000:]
                pytest.fail(f"{self.name} did not start ({process.poll()}):\n{tail}")
            time.sleep(0.05)


def _stop(process: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    if timeout_s:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
    # The whole group, and with SIGKILL: some servers take long to end, and nothing is kept.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
