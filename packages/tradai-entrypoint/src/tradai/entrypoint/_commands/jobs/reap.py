"""`tradai-entrypoint jobs reap`: stop what was left behind when its time had expired."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from tradai.core import backend_for
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._process.interrupts import Interrupts


class ExpiredJob(Protocol):
    """A job that still runs after its time has expired, such as `tradai.aws.ExpiredTask`."""

    @property
    def job_id(self) -> str:
        """Id of the job."""
        ...

    @property
    def task_arn(self) -> str:
        """Name that the runner's service gave it."""
        ...

    @property
    def expired_at(self) -> datetime:
        """When its time expired."""
        ...

    @property
    def is_stopped(self) -> bool:
        """Whether it was asked to stop."""
        ...


@runtime_checkable
class ReapingRunner(Protocol):
    """A job runner whose jobs may be left behind by the process that watched them."""

    def reap(self, *, dry_run: bool = True) -> Iterator[ExpiredJob]:
        """Yield the expired jobs; stop each of them unless it is a dry run."""
        ...


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per expired job; stop them only with ``--yes``."""
    runner = backend_for("tradai.runners", args.on)
    if not isinstance(runner, ReapingRunner):
        message = f"jobs on {args.on} leave nothing to reap: name a runner such as ecs: with --on"
        raise ConfigurationError(message, key="--on")
    expired: list[ExpiredJob] = []
    failure = None
    try:
        with interrupts.raising():
            expired.extend(runner.reap(dry_run=not args.yes))
    except TradAIError as exc:
        failure = exc
    if expired or failure is None:
        # Also when one of them could not be stopped: the others were.
        _print(expired, args)
    if failure is not None:
        raise failure
    return 0


def _print(expired: Sequence[ExpiredJob], args: argparse.Namespace) -> None:
    if args.json:
        print_json([_facts(job) for job in expired])
    elif expired:
        rows = [(job.job_id, f"{job.expired_at:%Y-%m-%d %H:%M:%SZ}", _done(job)) for job in expired]
        print_table(("job", "expired", "stop"), rows)
        if not args.yes:
            print_text("nothing was stopped: --yes stops them")
    else:
        print_text(f"no job on {args.on} has expired")


def _facts(job: ExpiredJob) -> dict[str, str | bool]:
    return {
        "job_id": job.job_id,
        "native_id": job.task_arn,
        "expired_at": job.expired_at.isoformat(),
        "is_stopped": job.is_stopped,
    }


def _done(job: ExpiredJob) -> str:
    return "requested" if job.is_stopped else "-"
