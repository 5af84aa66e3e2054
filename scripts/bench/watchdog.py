"""Measure memory and CPU of a live session's supervisor and watchdog beside the bare engine.

``uv run --frozen python scripts/bench/watchdog.py [--minutes 10]``

LIVE is closed, so the supervisor is that of a dry-run on the loopback exchange. The lease (renewed
every 20 s of its 60) and the heartbeat (every 5 s) are kept by this program; their CPU counts.
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

from tradai.core import FileJournal, Secret
from tradai.core.live import ObjectSessionStore
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._live.heartbeat import Heartbeat
from tradai.entrypoint._live.lease_keeper import LeaseKeeper
from tradai.entrypoint._live.leases import HeldLeases
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._live.watchdog import EntryAccount, Watchdog

ROOT: Final = Path(__file__).resolve().parents[2]
INTEGRATION: Final = ROOT / "tests-integration"
ENGINE_BIN: Final = ROOT / ".venv-freqtrade" / "bin"
CONFIG: Final = f"""\
name: round-trips
version: 1.0.0
timeframe: 1m
pairs: [BTC/USDT, ETH/USDT]
strategy: {{class: RoundTrips, source: {INTEGRATION}/engine/demo/strategies}}
execution: {{stake_amount: 100, max_open_trades: 2}}
"""
MEMORY_BOUND: Final = 0.25
CPU_BOUND: Final = 0.15
PATIENCE_S: Final = 300


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
    with tempfile.TemporaryDirectory() as name, exchange() as url:
        folder = Path(name)
        with dry_run(folder, url) as supervisor:
            engine = engine_of(supervisor.pid, folder)
            with Watchdog.start(engine, account=account(url), log=folder / "log") as watchdog:
                own_s = measure(folder, minutes, [engine, supervisor.pid, watchdog.pid], watchdog)
                supervisor.terminate()
                supervisor.wait()
                watchdog.stand_down()
    print(f"Keeping lease and heartbeat: {own_s:.3f} s of CPU, in the supervisor's row.")


def measure(folder: Path, minutes: float, pids: list[int], watchdog: Watchdog) -> float:
    """Print the use of engine, supervisor and watchdog; return the CPU of keeping the lease."""
    before = [use_of(pid) for pid in pids]
    own_s = keep(folder, watchdog, minutes * 60)
    after = [use_of(pid) for pid in pids]
    cpu = [now.cpu_s - then.cpu_s for then, now in zip(before, after, strict=True)]
    cpu[1] += own_s
    memory = [use.memory for use in after]
    print(f"| over {minutes:g} minutes | memory, MB | CPU, s |\n|---|---:|---:|")
    for name, mb, cpu_s in zip(("engine", "supervisor", "watchdog"), memory, cpu, strict=True):
        print(f"| {name} | {mb:.1f} | {cpu_s:.2f} |")
    shares = sum(memory[1:]) / memory[0], sum(cpu[1:]) / cpu[0]
    print(f"| supervisor and watchdog / engine | {shares[0]:.1%} | {shares[1]:.1%} |")
    print(f"| bound | {MEMORY_BOUND:.0%} | {CPU_BOUND:.0%} |")
    return own_s


def keep(folder: Path, watchdog: Watchdog, seconds: float) -> float:
    """Keep a lease and a heartbeat; return the CPU seconds of that."""
    leases = HeldLeases.of([f"file:{folder}/lease"], holder="a bench", ttl_s=60.0)
    leases.acquire()
    keeper = LeaseKeeper(leases, watchdog, drain_s=25.0)
    session = Session.start(
        ObjectSessionStore.for_file(f"{folder}/sessions"),
        session="bench",
        run_id="bench",
        journal=FileJournal(folder / "session.jsonl"),
    )
    heartbeat = Heartbeat(session, time.time)
    began_s, end_s = time.process_time(), time.monotonic() + seconds
    while time.monotonic() < end_s:
        keeper.keep()
        heartbeat.beat()
        time.sleep(min(keeper.due_in_s, heartbeat.due_in_s, seconds))
    return time.process_time() - began_s


def use_of(pid: int) -> Use:
    """Return the use of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Use(
        memory=pages * os.sysconf("SC_PAGE_SIZE") / 1e6, cpu_s=ticks / os.sysconf("SC_CLK_TCK")
    )


def account(url: str) -> EntryAccount:
    """Return an account that nothing is asked of."""
    keys = ApiKeys(key=Secret("a-fake-key"), secret=Secret("a-fake-secret"))
    return EntryAccount(exchange="binance", base_url=url, keys=keys, prefix="x-0123456789ab")


@contextmanager
def exchange() -> Iterator[str]:
    """Run the loopback exchange; yield its address."""
    command = [sys.executable, "-m", "engine.loopback_exchange"]
    with subprocess.Popen(command, cwd=INTEGRATION, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline() if server.stdout else ""
        yield address.strip()
        server.terminate()


@contextmanager
def dry_run(folder: Path, url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the supervisor of a dry-run, which starts the engine."""
    (folder / "strategy.yaml").write_text(CONFIG)
    command = [ENGINE_BIN / "tradai-entrypoint", "run", folder / "strategy.yaml"]
    environ = os.environ | {"TRADAI_RUN_FOLDER": str(folder / "runs")}
    with subprocess.Popen(
        [*command, "--mode", "dry-run", f"run.exchange_url={url}"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "stderr").open("wb"),
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def engine_of(supervisor: int, folder: Path) -> int:
    """Return the process id of the engine, once it trades."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        journals = list((folder / "runs").glob("*/journal.jsonl"))
        if journals and "engine running" in journals[0].read_text():
            for task in Path(f"/proc/{supervisor}/task").iterdir():
                for child in (task / "children").read_text().split():
                    if b"freqtrade" in Path(f"/proc/{child}/cmdline").read_bytes():
                        return int(child)
        time.sleep(0.2)
    raise SystemExit((folder / "stderr").read_text())


if __name__ == "__main__":
    main()
