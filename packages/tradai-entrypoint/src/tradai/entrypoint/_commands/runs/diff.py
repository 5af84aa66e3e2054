"""`tradai-entrypoint runs diff`: compare two runs."""

import argparse
import os

from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._history.local_runs import differences
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per fact that differs."""
    del interrupts
    source = RunSource.of(args.runs, args.store, os.environ)
    (left, _), (right, _) = (source.manifest(name) for name in (args.run, args.other))
    rows = list(differences(left, right))
    if args.json:
        print_json([dict(zip(("name", "run", "other"), row, strict=True)) for row in rows])
    elif rows:
        print_table(("name", left.run_id, right.run_id), rows)
    else:
        print_text("no difference except ids and times")
    return 0
