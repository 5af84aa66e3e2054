"""Cost of tracking: a point on the hot path, and a tracked backtest against an untracked one.

``uv run --frozen python scripts/bench/tracking.py [--rounds 21] [--runs 5] [--uri URL]``

A point is compared with the same JSON line, appended to an open file and flushed, and with a row in
SQLite (WAL). The backtest is the quickstart's, which must have been run once; `--uri` is a running
MLflow server. CPU is that of whole process trees; all sides alternate; medians.
"""

import argparse
import contextlib
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tradai.core import MetricPoint
from tradai.entrypoint import RunManifest
from tradai.mlflow import start_run

POINTS = 2_000
BOUND_POINT = 3.0
BOUND_CPU = 0.06
BOUND_EXIT_S = 2.0
ENGINE = Path(".venv-freqtrade/bin/tradai-entrypoint")
STRATEGY = "docs/examples/quickstart/strategy.yaml"
CANDLES = ".tradai/quickstart"
EXIT = """
import sys, time
from tradai.mlflow import start_run
with start_run("bench", folder=sys.argv[1]) as run:
    for step in range(500):
        run.log_metrics({"loss": step / 7}, step=step)
    began = time.monotonic()
print(time.monotonic() - began, run.delivery.waiting)
"""

Work = Callable[[int], None]


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--uri")
    given = parser.parse_args()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    print_points(given.rounds)
    print_exit()
    if given.uri and ENGINE.exists():
        print_backtests(given.runs, given.uri)


def print_points(rounds: int) -> None:
    """Print the cost of a point."""
    with writers() as works:
        costs: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                costs[name].append(median_us(work))
    medians = {name: statistics.median(each) for name, each in costs.items()}
    line = medians["JSON line"]
    print("| one point | us | x JSON line | bound |\n|---|---:|---:|---:|")
    for name, cost in medians.items():
        bound = f"<= {BOUND_POINT:g}" if name == "tradai" else ""
        print(f"| {name} | {cost:.1f} | {cost / line:.2f} | {bound} |")


@contextlib.contextmanager
def writers() -> Iterator[dict[str, Work]]:
    """Lend what writes one point, by its name."""
    with (
        tempfile.TemporaryDirectory(prefix="tradai-bench-") as name,
        (Path(name) / "lines").open("a") as file,
        contextlib.closing(sqlite3.connect(Path(name) / "rows", isolation_level=None)) as rows,
        start_run("bench", folder=name) as run,
    ):
        rows.execute("pragma journal_mode = wal")
        rows.execute("pragma synchronous = normal")
        rows.execute("create table facts (number integer primary key, body text)")

        def body(step: int) -> str:
            return json.dumps({"n": step, "run": 0, "points": [["loss", 0.5, step, 1735689600000]]})

        def line(step: int) -> None:
            file.write(body(step) + "\n")
            file.flush()

        def row(step: int) -> None:
            rows.execute("insert into facts (body) values (?)", (body(step),))

        yield {
            "JSON line": line,
            "tradai": lambda step: run.log_points([MetricPoint("loss", 0.5, step)]),
            "tradai, log_metrics": lambda step: run.log_metrics({"loss": 0.5}, step=step),
            "SQLite, WAL": row,
        }


def median_us(work: Work) -> float:
    """Return the median time of one call."""
    times: list[int] = []
    for step in range(POINTS):
        began = time.perf_counter_ns()
        work(step)
        times.append(time.perf_counter_ns() - began)
    return statistics.median(times) / 1_000


def print_exit() -> None:
    """Print how long the end of a run takes without its server."""
    with socket.socket() as taken, tempfile.TemporaryDirectory(prefix="tradai-bench-") as folder:
        taken.bind(("127.0.0.1", 0))
        environ = os.environ | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        command = [sys.executable, "-c", EXIT, folder]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    seconds, waiting = done.stdout.split()
    print("\n| end of a run without its server | s | bound | waiting |\n|---|---:|---:|---:|")
    print(f"| 500 points | {float(seconds):.2f} | <= {BOUND_EXIT_S:g} | {waiting} |")


def print_backtests(runs: int, uri: str) -> None:
    """Print the CPU that tracking adds to a backtest."""
    servers = {"untracked": "", "server up": uri, "server down": "http://127.0.0.1:9"}
    costs: dict[str, list[float]] = {name: [] for name in servers}
    digests: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="tradai-bench-") as folder:
        for _ in range(runs):
            for name, server in servers.items():
                cost, digest = backtest(server, folder)
                costs[name].append(cost)
                digests.add(digest)
    medians = {name: statistics.median(each) for name, each in costs.items()}
    plain = medians["untracked"]
    print("\n| quickstart's backtest | CPU s | added | bound |\n|---|---:|---:|---:|")
    for name, cost in medians.items():
        bound = "" if name == "untracked" else f"<= {BOUND_CPU:g}"
        print(f"| {name} | {cost:.2f} | {cost / plain - 1:+.3f} | {bound} |")
    print(f"\ndigests of the trades: {', '.join(digest[:12] for digest in sorted(digests))}")


def backtest(server: str, folder: str) -> tuple[float, str]:
    """Run the backtest; return CPU seconds of its processes, and the digest of its trades."""
    environ = os.environ | ({"MLFLOW_TRACKING_URI": server} if server else {})
    words = ["run", STRATEGY, "--mode", "backtest", "--data", CANDLES, "--runs", folder, "--json"]
    before = os.times()
    done = subprocess.run([ENGINE, *words], env=environ, capture_output=True, text=True, check=True)
    after = os.times()
    cost = after.children_user + after.children_system
    cost -= before.children_user + before.children_system
    manifest = RunManifest.read(Path(json.loads(done.stdout)["folder"]))
    return cost, manifest.digests["trades"]


if __name__ == "__main__":
    main()
