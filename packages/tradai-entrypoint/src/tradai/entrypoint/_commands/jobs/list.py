"""`tradai-entrypoint jobs list`: list the jobs of a runner by id."""

import argparse
from typing import Final

from tradai.core import AttachedJob, JobInfo, backend_for
from tradai.entrypoint._commands.console import print_json, print_table
from tradai.entrypoint._commands.costs import PricedRunner, cost_of, cost_text, noted
from tradai.entrypoint._commands.jobs.find import job_json
from tradai.entrypoint._process.interrupts import Interrupts

_COLUMNS: Final = ("job", "status", "exit", "reason")


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per job."""
    del interrupts
    runner = backend_for("tradai.runners", args.on)
    jobs = [(AttachedJob(runner, handle), runner.status(handle)) for handle in runner.jobs()]
    if args.json:
        print_json([job_json(*job) for job in jobs])
    elif jobs and isinstance(runner, PricedRunner):
        rows = [(*_row(*job), _cost(*job)) for job in jobs]
        print_table((*_COLUMNS, "cost"), rows)
    elif jobs:
        print_table(_COLUMNS, [_row(*job) for job in jobs])
    else:
        print(f"no jobs in {args.on} yet")
    return 0


def _row(job: AttachedJob, info: JobInfo) -> tuple[str, ...]:
    code = "-" if info.exit_code is None else str(info.exit_code)
    return job.handle.job_id, info.status.value, code, info.reason


def _cost(job: AttachedJob, _: JobInfo) -> str:
    cost = noted(lambda: cost_of(job.runner, job.handle))
    return "-" if cost is None else cost_text(cost)
