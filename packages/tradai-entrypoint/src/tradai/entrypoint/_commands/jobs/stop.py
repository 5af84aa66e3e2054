"""`tradai-entrypoint jobs stop`: stop a job, and wait until it has ended."""

import argparse

from tradai.entrypoint._commands.console import print_json
from tradai.entrypoint._commands.jobs.find import find_job, job_json
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Stop the job and print how it ended; Ctrl-C ends only the waiting."""
    job = find_job(args.on, args.job)
    with interrupts.raising():
        info = job.stop(args.reason)
    if args.json:
        print_json(job_json(job, info))
    else:
        print(f"{job.handle.job_id}: {info.status}, {info.reason}")
    return 0
