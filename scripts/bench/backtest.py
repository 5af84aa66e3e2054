"""Cost of a tradai backtest against the bare engine: CPU seconds, and the supervisor's memory.

Needs the engine's environment (scripts/quickstart makes it). Both sides get the same candles, the
same strategy and market rules from the same kind of loopback server; runs alternate, figures are
medians. ``uv run --frozen python scripts/bench/backtest.py [--pairs 9]``
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tradai.entrypoint.freqtrade import MarketServer, MarketsSnapshot

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv-freqtrade" / "bin"
EXAMPLE = ROOT / "docs" / "examples" / "quickstart"
SIZES = {"1 month": "20250108-20250208", "6 months": "20250108-20250701"}


def main() -> None:
    """Measure each size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9, help="alternating pairs of runs")
    count = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        subprocess.run([BIN / "python", EXAMPLE / "candles.py", "--out", data], check=True)
        print("| range | bare CPU s | tradai CPU s | added CPU s | supervisor RSS MB |")
        print("|---|---:|---:|---:|---:|")
        for label, timerange in SIZES.items():
            measure(label, timerange, folder, data, count)


def measure(label: str, timerange: str, folder: Path, data: Path, count: int) -> None:
    """Alternate both commands and print their medians."""
    plan = plan_of(timerange, data)
    memory: list[float] = []
    with MarketServer(MarketsSnapshot.load(data / "markets.json")) as server:
        bare = bare_command(plan, folder, data, server.base_url)
        ours = our_command(timerange, folder, data)
        run(bare, folder), run(ours, folder)  # warm-up
        pairs = [(run(bare, folder), run(ours, folder, memory)) for _ in range(count)]
    added = statistics.median(ours_s - bare_s for bare_s, ours_s in pairs)
    bare_s, ours_s = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"| {label} | {bare_s:.2f} | {ours_s:.2f} | {added:.2f} | {max(memory):.0f} |")


def plan_of(timerange: str, data: Path) -> dict[str, Any]:
    """Return the plan that `tradai-entrypoint check` makes."""
    command = [BIN / "tradai-entrypoint", "check", EXAMPLE / "strategy.yaml", "--mode", "backtest"]
    more = ["--data", data, "--timerange", timerange, "--plan", "--json"]
    done = subprocess.run([*command, *more], check=True, capture_output=True)
    plan: dict[str, Any] = json.loads(done.stdout)["plan"]
    return plan


def bare_command(plan: dict[str, Any], folder: Path, data: Path, url: str) -> list[str]:
    """Return the engine's command with the same configuration, sent to the server."""
    text = json.dumps(plan["config"]).replace("http://127.0.0.1:0", url)
    config = folder / "bare.json"
    config.write_text(text)
    (folder / "user_data").mkdir(exist_ok=True)
    arguments = [str(argument) for argument in plan["command"]]
    places = {"-": config, "data": data, "strategies": EXAMPLE / "strategies"}
    resolved = (str(places.get(argument, argument)) for argument in arguments)
    return [str(BIN / "freqtrade"), *resolved]


def our_command(timerange: str, folder: Path, data: Path) -> list[str]:
    """Return the command of tradai."""
    command = [BIN / "tradai-entrypoint", "run", EXAMPLE / "strategy.yaml", "--mode", "backtest"]
    more = ["--data", data, "--timerange", timerange, "--runs", folder / "runs"]
    return [str(argument) for argument in (*command, *more)]


def run(command: Sequence[str], folder: Path, memory: list[float] | None = None) -> float:
    """Run `command` and return its CPU seconds, descendants included."""
    # Without compiled modules, each process would compile its own source again.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet)
    if memory is not None:
        watch(
            child.pid,
            memory,
            lambda: os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None,
        )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def watch(pid: int, memory: list[float], is_alive: Callable[[], bool]) -> None:
    """Record the resident memory of `pid` while the engine is its child."""
    while is_alive():
        if has_engine(pid):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            memory += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
        time.sleep(0.05)


def has_engine(pid: int) -> bool:
    """Return whether a child of `pid` is the engine."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            if b"backtesting" in Path(f"/proc/{child}/cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    main()
