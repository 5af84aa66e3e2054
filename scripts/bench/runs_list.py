"""`runs list` of many runs against a program that reads and parses the same manifests.

``uv run --frozen python scripts/bench/runs_list.py [--runs 10000] [--rounds 5]``

The manifests are made from one of about the size that the quickstart's backtest leaves. CPU of
whole processes; both sides alternate; medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

BOUND = 2.0
START = datetime(2025, 1, 1, tzinfo=UTC)
PARSE = (
    "import json, os, sys\n"
    "for entry in os.scandir(sys.argv[1]):\n"
    "    with open(entry.path + '/manifest.json', 'rb') as file:\n"
    "        json.loads(file.read())\n"
)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tradai-bench-") as name:
        write_runs(Path(name), given.runs)
        parse = [sys.executable, "-c", PARSE, name]
        ours = [str(Path(sys.executable).parent / "tradai-entrypoint"), "runs", "list", "--runs"]
        pairs = [(cost(parse), cost([*ours, name])) for _ in range(given.rounds)]
    print("| runs | parse CPU s | `runs list` CPU s | x CPU | parse s | `runs list` s | x |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    figures = []
    for kind in (0, 1):
        bare, mine = (statistics.median(pair[side][kind] for pair in pairs) for side in (0, 1))
        figures += [f"{bare:.2f}", f"{mine:.2f}", f"{mine / bare:.2f}"]
    print(f"| {given.runs:,} | {' | '.join(figures)} |")
    print(f"\nbound: {BOUND}")


def write_runs(root: Path, count: int) -> None:
    """Write `count` run folders, each with a manifest."""
    for number in range(count):
        at = START + timedelta(minutes=number)
        folder = root / f"{at:%Y%m%dT%H%M%SZ}-backtest-{number:08x}"
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps(manifest(folder.name, at), indent=2))


def manifest(run_id: str, at: datetime) -> dict[str, object]:
    """Return a manifest such as a backtest leaves."""
    keys = [f"execution.setting_{number}" for number in range(24)]
    return {
        "schema_version": 1,
        "run_id": run_id,
        "trace_id": run_id,
        "mode": "backtest",
        "state": "ended",
        "started_at": at.isoformat(),
        "ended_at": (at + timedelta(seconds=4)).isoformat(),
        "exit_code": 0,
        "verdict": "backtest done: 297 trades, +3.56 % profit",
        "command": ["tradai-entrypoint", "run", "strategy.yaml", "--mode", "backtest"],
        "config_uri": "strategy.yaml",
        "config_id": "v1-0aac973a",
        "config": {"pairs": ["BTC/USDT", "ETH/USDT"], "execution": dict.fromkeys(keys, "0.25")},
        "provenance": dict.fromkeys(keys, "docs/examples/quickstart/strategy.yaml:12"),
        "run_parameters": {"timerange": "20250101-20250701"},
        "data": {"uri": "candles", "timerange": "20250101-20250701"},
        "digests": dict.fromkeys(
            ("config", "data", "markets", "run", "source", "trades"), "a" * 64
        ),
        "versions": dict.fromkeys(("python", "freqtrade", "tradai-core"), "2026.9"),
        "engine": {"name": "freqtrade", "config": {key: {"value": [1, 2.5]} for key in keys}},
        "notices": ["the candles are synthetic, not a market's: a random walk"],
        "results": {f"figure_{number}": number / 7 for number in range(20)},
        "artifacts": ["trades.parquet", "backtest.zip", "report.html"],
        "replay_of": None,
    }


def cost(command: list[str]) -> tuple[float, float]:
    """Run `command` and return its CPU and wall seconds."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(child.returncode)
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - began


if __name__ == "__main__":
    main()
