"""`tradai-entrypoint jobs list`: list the jobs of a runner by id."""

import argparse

from tradai.core import backend_for
from tradai.entrypoint._commands.console import print_json, print_table
from tradai.entrypoint._commands.jobs.find import job_json
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per job."""
    del interrupts
    runner = backend_for("tradai.runners", args.on)
    jobs = [(handle, runner.status(handle)) for handle in runner.jobs()]
    if args.json:
        print_json([job_json(*job) for job in jobs])
    elif jobs:
        rows = [
            (
                handle.job_id,
                info.status.value,
                "-" if info.exit_code is None else str(info.exit_code),
                info.reason,
            )
            for handle, info in jobs
        ]
        print_table(("job", "status", "exit", "reason"), rows)
    else:
        print(f"no jobs in {args.on} yet")
    return 0
