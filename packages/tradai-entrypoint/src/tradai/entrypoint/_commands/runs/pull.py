"""`tradai-entrypoint runs pull`: copy a run from the run store into the folder of runs."""

import argparse
import os

from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Copy the run unless it is there, and print its folder."""
    with interrupts.raising():
        folder = RunSource.of(args.runs, args.store, os.environ).folder(args.run)
    if args.json:
        print_json({"folder": str(folder)})
    else:
        print_text(str(folder))
    return 0
