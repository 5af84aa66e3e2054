"""Cost of a sweep of 12 backtests, two at a time, against 12 bare engines started by ``xargs -P2``.

Needs the engine's environment (scripts/quickstart makes it). Both sides get the same candles, the
same strategy, the same values, and market rules from the same kind of loopback server; figures are
medians of alternating rounds. ``uv run --frozen python scripts/bench/sweep.py [--rounds 3]``
"""

import argparse
import ctypes
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from backtest import BIN, EXAMPLE, bare_command, plan_of

from tradai.entrypoint.freqtrade import MarketServer, MarketsSnapshot

FAST = (12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34)
TIMERANGE = "20250108-20250701"
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds")
    rounds = parser.parse_args().rounds
    adopt_orphans()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        subprocess.run([BIN / "python", EXAMPLE / "candles.py", "--out", data], check=True)
        with MarketServer(MarketsSnapshot.load(data / "markets.json")) as server:
            commands = [bare(fast, folder, data, server.base_url) for fast in FAST]
            pairs = [(run_bare(commands), run_sweep(folder / str(n), data)) for n in range(rounds)]
    bare_cpu, sweep_cpu = (
        statistics.median(side[0] for side in each) for each in zip(*pairs, strict=True)
    )
    wall = statistics.median(ours[1] / bare[1] for bare, ours in pairs)
    added = statistics.median((ours[0] - bare[0]) / bare[0] for bare, ours in pairs)
    print("| 12 backtests, 2 at a time | bare CPU s a run | sweep CPU s a run | added | wall |")
    print("|---|---:|---:|---:|---:|")
    print(
        f"| {TIMERANGE} | {bare_cpu / 12:.2f} | {sweep_cpu / 12:.2f} | {added:.2f}x | {wall:.2f}x |"
    )


def bare(fast: int, folder: Path, data: Path, url: str) -> list[str]:
    """Return the engine's command for one value, with a strategy folder of its own."""
    place = folder / f"bare-{fast}"
    strategies = place / "strategies"
    strategies.mkdir(parents=True)
    for file in (EXAMPLE / "strategies").glob("*.py"):
        (strategies / file.name).write_text(file.read_text())
    plan = plan_of(TIMERANGE, data)
    parameters: dict[str, Any] = plan["parameters"]
    parameters["params"]["buy"]["buy_fast"] = fast
    (strategies / "ema_pullback.json").write_text(json.dumps(parameters))
    words = bare_command(plan, place, data, url)
    places = {str(EXAMPLE / "strategies"): strategies, "user_data": place / "user_data"}
    return [str(places.get(word, word)) for word in words]


def run_bare(commands: list[list[str]]) -> tuple[float, float]:
    """Run the engines by xargs; return CPU seconds and seconds."""
    lines = "".join(f"{' '.join(words)}\0" for words in commands)
    xargs = ["xargs", "-0", "-P2", "-I{}", "sh", "-c", "{} >/dev/null 2>&1"]
    return measured(xargs, stdin=lines)


def run_sweep(folder: Path, data: Path) -> tuple[float, float]:
    """Run the sweep in a new folder; return CPU seconds and seconds."""
    folder.mkdir()
    values = ",".join(map(str, FAST))
    command = [BIN / "tradai-entrypoint", "sweep", EXAMPLE / "strategy.yaml", "--data", data]
    more = ["--timerange", TIMERANGE, "--vary", f"buy_params.buy_fast={values}", "--limit", "2"]
    places = ["--runs", folder / "runs", "--sweeps", folder / "sweeps"]
    places += ["--on", f"local:{folder / 'jobs'}", "--json"]
    return measured([str(word) for word in (*command, *more, *places)])


def measured(command: list[str], *, stdin: str = "") -> tuple[float, float]:
    """Return CPU seconds of all processes of `command`, those that it detached too, and seconds."""
    before, began = cpu_of_children(), time.monotonic()
    subprocess.run(command, input=stdin, text=True, check=True, stdout=subprocess.DEVNULL)
    wait_for_orphans()
    return cpu_of_children() - before, time.monotonic() - began


def wait_for_orphans() -> None:
    """Wait for all adopted processes to end."""
    with suppress(ChildProcessError):
        while True:
            os.wait()


def cpu_of_children() -> float:
    """Return the CPU seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def adopt_orphans() -> None:
    """Become the parent of detached processes, so that their CPU is counted here (Linux only)."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main()
