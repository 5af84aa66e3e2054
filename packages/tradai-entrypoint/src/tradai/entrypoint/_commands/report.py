"""`tradai-entrypoint report`: print the path of the report of a run."""

import argparse
import os

from tradai.core.exceptions import NotFoundError
from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._runs.report_file import REPORT_NAME


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the path of the report, of a run on this machine or in the run store."""
    with interrupts.raising():
        report = RunSource.of(args.runs, args.store, os.environ).folder(args.run) / REPORT_NAME
    if not report.is_file():
        raise NotFoundError(
            f"run {args.run!r} has no report: it did not end, or {report} was deleted",
            kind="report",
            key=str(report),
        )
    if args.json:
        print_json({"report": str(report)})
    else:
        print_text(str(report))
    return 0
