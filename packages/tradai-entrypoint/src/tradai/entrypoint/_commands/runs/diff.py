"""`tradai-entrypoint runs diff`: compare two runs."""

import argparse
import os

from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._runs.history import differences, find_run
from tradai.entrypoint._runs.record import RunManifest


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per fact that differs."""
    del interrupts
    folder = runs_folder(args.runs, os.environ)
    left, right = (RunManifest.read(find_run(folder, name)) for name in (args.run, args.other))
    rows = list(differences(left, right))
    if args.json:
        print_json([dict(zip(("name", "run", "other"), row, strict=True)) for row in rows])
    elif rows:
        print_table(("name", left.run_id, right.run_id), rows)
    else:
        print_text("no difference except ids and times")
    return 0
