"""Measure memory and CPU of a live session's supervisor and watchdog beside its engine.

``uv run --frozen python scripts/bench/watchdog.py [--minutes 10]``

A real session trades on the loopback exchange, with lease, heartbeat, limits of risks and all that
belongs to LIVE; the engine is the same process as without tradai.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
ENGINE_BIN: Final = ROOT / ".venv-freqtrade" / "bin"
sys.path.insert(0, str(ROOT / "tests-integration"))

# From the folder that the line above names (E402).
from engine.live_desk import Desk, engine_of  # noqa: E402
from engine.venue.control import Venue, running_exchange  # noqa: E402

MEMORY_BOUND: Final = 0.25
CPU_BOUND: Final = 0.15
NAMES: Final = ("engine", "supervisor", "watchdog")


@dataclass(frozen=True, kw_only=True)
class Use:
    """Memory of a process in MB, and its CPU seconds so far."""

    memory: float
    cpu_s: float


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as name, running_exchange() as url:
        venue = Venue(url)
        desk = Desk(Path(name), venue, dict(os.environ), ENGINE_BIN / "tradai-entrypoint")
        desk.approve()
        with session(desk, venue) as supervisor:
            measure(processes(supervisor.pid), minutes)


@contextmanager
def session(desk: Desk, venue: Venue) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a session from its first order on, and stop it."""
    supervisor = desk.start("run")
    try:
        desk.wait_for(supervisor, lambda: bool(venue.orders()))
        yield supervisor
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait()


def measure(pids: list[int], minutes: float) -> None:
    """Print the use of engine, supervisor and watchdog over `minutes`."""
    before = [use_of(pid) for pid in pids]
    time.sleep(minutes * 60)
    after = [use_of(pid) for pid in pids]
    cpu = [now.cpu_s - then.cpu_s for then, now in zip(before, after, strict=True)]
    memory = [use.memory for use in after]
    print(f"| over {minutes:g} minutes | memory, MB | CPU, s |\n|---|---:|---:|")
    for name, mb, cpu_s in zip(NAMES, memory, cpu, strict=True):
        print(f"| {name} | {mb:.1f} | {cpu_s:.2f} |")
    shares = sum(memory[1:]) / memory[0], sum(cpu[1:]) / cpu[0]
    print(f"| supervisor and watchdog / engine | {shares[0]:.1%} | {shares[1]:.1%} |")
    print(f"| bound | {MEMORY_BOUND:.0%} | {CPU_BOUND:.0%} |")


def processes(supervisor: int) -> list[int]:
    """Return the processes of a session: engine, supervisor and watchdog."""
    (watchdog,) = (
        int(child)
        for task in Path(f"/proc/{supervisor}/task").iterdir()
        for child in (task / "children").read_text().split()
        if b"watchdog" in Path(f"/proc/{child}/cmdline").read_bytes()
    )
    return [engine_of(supervisor), supervisor, watchdog]


def use_of(pid: int) -> Use:
    """Return the use of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Use(
        memory=pages * os.sysconf("SC_PAGE_SIZE") / 1e6, cpu_s=ticks / os.sysconf("SC_CLK_TCK")
    )


if __name__ == "__main__":
    main()
