"""`tradai-entrypoint submit`: run a strategy as a job, and follow it unless detached."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tradai.core import (
    AttachedJob,
    JobInfo,
    JobSpec,
    JobStatus,
    SecretReference,
    backend_for,
    utc_now,
)
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.arguments import read_settings
from tradai.entrypoint._commands.console import print_json
from tradai.entrypoint._commands.jobs.find import job_json
from tradai.entrypoint._commands.jobs.logs import print_lines
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.folder import new_run_id
from tradai.entrypoint._runs.request import RunRequest

_PROGRAM: Final = ("-m", "tradai.entrypoint")
# Settings of the run itself are flags of its command.
_PASSED: Final = "TRADAI_"
_NOT_PASSED: Final = "TRADAI_RUN_"


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Submit the run; print its output, and return its exit code."""
    settings, request = read_settings(args)
    job_id = args.job_id or new_run_id(settings.mode, now=utc_now())
    spec = _spec(args, job_id, settings, request)
    runner = backend_for("tradai.runners", args.on)
    job = AttachedJob(runner, runner.submit(spec))
    info = job.status() if args.detach else _follow(job, interrupts, is_quiet=args.json)
    if args.json:
        print_json(job_json(job.handle, info))
    else:
        print(f"job:    {job_id}, {info.status}{info.reason and f', {info.reason}'}")
    return int(ExitCode.DONE) if args.detach else _exit_code(info)


def _follow(job: AttachedJob, interrupts: Interrupts, *, is_quiet: bool) -> JobInfo:
    """Print the output of the job until it has ended; a signal stops it."""
    try:
        with interrupts.raising():
            if not is_quiet:
                print_lines(job.logs(), as_json=False)
            return job.wait()
    except RunInterruptedError as exc:
        job.stop(str(exc))
        raise


def _exit_code(info: JobInfo) -> int:
    """Return the run's own exit code; an end that is not known is never a success."""
    is_unknown = info.exit_code is None
    is_contradiction = info.exit_code == 0 and info.status is JobStatus.FAILED
    return int(ExitCode.CRASHED) if is_unknown or is_contradiction else info.exit_code or 0


def _spec(
    args: argparse.Namespace, job_id: str, settings: EntrypointSettings, request: RunRequest
) -> JobSpec:
    passed = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_PASSED) and not name.startswith(_NOT_PASSED)
    }
    return JobSpec(
        job_id=job_id,
        trace_id=settings.trace_id or job_id,
        command=(sys.executable, *_PROGRAM, *_words(job_id, settings, request)),
        environment={**passed, **dict(map(_pair, args.env))},
        secrets={name: SecretReference(text) for name, text in map(_pair, args.secret)},
        time_limit_s=args.time_limit,
    )


def _words(job_id: str, settings: EntrypointSettings, request: RunRequest) -> Iterator[str]:
    """Yield the command line of the run, with absolute paths: a job has a folder of its own."""
    yield "run"
    if settings.config:
        yield _absolute(settings.config)
    yield from request.overrides
    yield from ("--mode", settings.mode.value, "--run-id", job_id)
    yield from ("--runs", _absolute(str(settings.folder)))
    if settings.store:
        yield from ("--store", _absolute(settings.store))
    if settings.data:
        yield from ("--data", _absolute(settings.data))
    if settings.markets:
        yield from ("--markets", _absolute(settings.markets))
    for patch in request.patches:
        yield from ("--patch", _absolute(patch))


def _absolute(path: str) -> str:
    return path if ":" in path else str(Path(path).absolute())


def _pair(text: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not is_pair:
        # The text is not shown: it may be the value of a secret.
        raise ConfigurationError("--env and --secret take NAME=VALUE and NAME=REFERENCE")
    return name, value
