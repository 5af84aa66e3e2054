"""`tradai-entrypoint jobs logs`: print the output of a job, and follow it if asked to."""

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Protocol, final, runtime_checkable

from tradai.core import AttachedJob, JobHandle, JobLine, LogSummary
from tradai.entrypoint._commands.console import print_text
from tradai.entrypoint._commands.jobs.find import find_job
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print line by line."""
    job = find_job(args.on, args.job)
    with interrupts.raising():
        printer = LinePrinter(as_json=args.json, after=args.after)
        printer.print(job.logs(after=args.after, follow=args.follow))
    print_summary(job)
    return 0


@runtime_checkable
class SummarizingRunner(Protocol):
    """A job runner that compares the lines it yielded with those that the job wrote."""

    def log_summary(self, handle: JobHandle) -> LogSummary | None:
        """Return how much of a job's log the last `logs` has read; None when there was none."""
        ...


def print_summary(job: AttachedJob) -> None:
    """Print whether the log that was just read is complete, where the runner knows."""
    runner = job.runner
    summary = runner.log_summary(job.handle) if isinstance(runner, SummarizingRunner) else None
    if summary is not None:
        print_text(f"note: {summary.sentence()}", is_error=True)


@final
class LinePrinter:
    """Prints lines of a job, each at once, and a note where numbers are missing between two.

    Attributes:
        last: Number of the last line that was printed.
    """

    def __init__(self, *, as_json: bool = False, after: int = 0) -> None:
        """Print the lines after number `after` as text, or as JSON objects with their numbers."""
        self.last = after
        self._as_json = as_json

    def print(self, lines: Iterable[JobLine]) -> None:
        """Print `lines` as they come."""
        for line in lines:
            if (missing := line.number - self.last - 1) > 0:
                note = f"note: lines missing from the log after line {self.last}: {missing}"
                print_text(note, is_error=True)
            sys.stdout.write(f"{self._text(line)}\n")
            sys.stdout.flush()
            self.last = line.number

    def _text(self, line: JobLine) -> str:
        if self._as_json:
            return json.dumps({"number": line.number, "text": line.text})
        return line.text
