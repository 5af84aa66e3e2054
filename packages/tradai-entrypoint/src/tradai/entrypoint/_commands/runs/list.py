"""`tradai-entrypoint runs list`: list the runs of a folder, newest first."""

import argparse
import os

from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._runs.summaries import RunSummary, list_runs


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per run."""
    del interrupts
    folder = runs_folder(args.runs, os.environ)
    if args.json:
        # Only here: it imports pydantic, which takes longer than a list of many runs.
        from tradai.entrypoint._runs.history import read_manifests

        print_json([manifest.model_dump(mode="json") for manifest in read_manifests(folder)])
    elif runs := list_runs(folder):
        print_table(("run", "mode", "exit", "config", "verdict"), map(_row, runs))
    else:
        print_text(f"no runs in {folder} yet: start one with `tradai-entrypoint run`")
    return 0


def _row(run: RunSummary) -> tuple[str, ...]:
    exit_code = "-" if run.exit_code is None else str(run.exit_code)
    verdict = run.verdict or f"{run.state}, or its supervisor died"
    return run.run_id, run.mode or "-", exit_code, run.config_id or "-", verdict
