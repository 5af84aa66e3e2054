"""Measure how soon the engine and the market server stop, and the cost of waiting until then.

``uv run --frozen python scripts/bench/stops.py [--rounds 5]``
"""

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tradai.entrypoint import Interrupts
from tradai.entrypoint.freqtrade import MarketServer, MarketsSnapshot
from tradai.entrypoint.freqtrade._engine.process import EngineProcess

STUBBORN: Final = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
while True:
    time.sleep(60)
"""
WAIT_S: Final = 2.0


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("| what | median | bound |")
    print("|---|---:|---:|")
    show("Ctrl-C to the end of an engine that ignores it, s", stop_engine, rounds, 2.0)
    show("market server begun and ended five times, s", end_servers, rounds, 1.0)
    show(f"CPU of waiting {WAIT_S:g} s for an engine, s", wait_for_engine, rounds, 0.05)
    show(f"CPU of waiting {WAIT_S:g} s for requests, s", wait_for_requests, rounds, 0.05)


def show(what: str, measure: Callable[[], float], rounds: int, bound: float) -> None:
    """Print a row."""
    print(f"| {what} | {statistics.median(measure() for _ in range(rounds)):.3f} | {bound:g} |")


def stop_engine() -> float:
    """Return the seconds from Ctrl-C to the end of an engine that does not obey."""
    pressed: list[float] = []

    def press(_: str) -> None:
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    with tempfile.TemporaryDirectory() as folder, Interrupts() as interrupts:
        with engine(Path(folder), STUBBORN, on_line=press) as running:
            running.wait(interrupts)
        return time.monotonic() - pressed[0]


def wait_for_engine() -> float:
    """Return the CPU seconds of following an engine that says nothing."""
    with tempfile.TemporaryDirectory() as folder, Interrupts() as interrupts:
        program = "import time; time.sleep(60)"
        with engine(Path(folder), program, on_line=lambda _: None) as running:
            began = time.process_time()
            running.follow(interrupts, timeout_s=WAIT_S)
            return time.process_time() - began


def engine(folder: Path, program: str, *, on_line: Callable[[str], None]) -> EngineProcess:
    """Return an engine that is a small Python program."""
    return EngineProcess(
        [sys.executable, "-I", "-S", "-c", program],
        stdin=b"",
        environ={},
        folder=folder,
        log_file=folder / "engine.log",
        on_line=on_line,
    )


def end_servers() -> float:
    """Return the seconds that five servers take to begin and end."""
    began = time.monotonic()
    for _ in range(5):
        with MarketServer(snapshot()):
            pass
    return time.monotonic() - began


def wait_for_requests() -> float:
    """Return the CPU seconds of a server that is asked nothing."""
    with MarketServer(snapshot()):
        began = time.process_time()
        time.sleep(WAIT_S)
        return time.process_time() - began


def snapshot() -> MarketsSnapshot:
    """Return the rules of no market."""
    return MarketsSnapshot.made({}, note="for a bench", captured_at=datetime.now(UTC))


if __name__ == "__main__":
    main()
