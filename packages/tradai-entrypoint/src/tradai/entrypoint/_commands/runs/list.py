"""`tradai-entrypoint runs list`: list the runs of a folder, newest first."""

import argparse
import os

from tradai.entrypoint._commands.console import print_json, print_table
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.settings import runs_folder
from tradai.entrypoint._runs.history import list_runs
from tradai.entrypoint._runs.record import RunManifest


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per run."""
    del interrupts
    folder = runs_folder(args.runs, os.environ)
    runs = list_runs(folder)
    if args.json:
        print_json([run.model_dump(mode="json") for run in runs])
    elif runs:
        print_table(("run", "mode", "exit", "config", "verdict"), [_row(run) for run in runs])
    else:
        print(f"no runs in {folder} yet: start one with `tradai-entrypoint run`")
    return 0


def _row(run: RunManifest) -> tuple[str, ...]:
    exit_code = "-" if run.exit_code is None else str(run.exit_code)
    mode = run.mode.value if run.mode else "-"
    verdict = run.verdict or f"{run.state}, or its supervisor died"
    return run.run_id, mode, exit_code, run.config_id or "-", verdict
