"""`tradai-entrypoint jobs show`: print the facts about one job."""

import argparse

from tradai.entrypoint._commands.console import print_json, print_table
from tradai.entrypoint._commands.costs import cost_of, cost_text, noted
from tradai.entrypoint._commands.jobs.find import find_job, job_facts, job_json
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print status, end and handle of the job."""
    del interrupts
    job = find_job(args.on, args.job)
    if args.json:
        print_json(job_json(job, job.status()))
    else:
        facts = job_facts(job, job.status())
        cost = noted(lambda: cost_of(job.runner, job.handle))
        facts |= {} if cost is None else {"cost": cost_text(cost)}
        rows = [(name, str(value)) for name, value in facts.items() if value not in {None, ""}]
        print_table(("fact", "value"), rows)
    return 0
