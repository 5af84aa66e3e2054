"""`tradai-entrypoint jobs logs`: print the output of a job, and follow it if asked to."""

import argparse
import json
import sys
from collections.abc import Iterable

from tradai.core import JobLine
from tradai.entrypoint._commands.jobs.find import find_job
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print line by line."""
    job = find_job(args.on, args.job)
    with interrupts.raising():
        print_lines(job.logs(after=args.after, follow=args.follow), as_json=args.json)
    return 0


def print_lines(lines: Iterable[JobLine], *, as_json: bool) -> None:
    """Print each line at once, as text or as a JSON object with its number."""
    for line in lines:
        text = json.dumps({"number": line.number, "text": line.text}) if as_json else line.text
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
