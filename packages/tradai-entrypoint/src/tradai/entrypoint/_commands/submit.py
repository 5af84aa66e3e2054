"""`tradai-entrypoint submit`: run a strategy as a job, and follow it unless detached."""

import argparse
from collections.abc import Callable, Iterator
from functools import partial

from tradai.core import (
    AttachedJob,
    JobInfo,
    JobLine,
    JobRunner,
    TradingMode,
    backend_for,
    utc_now,
)
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.arguments import job_settings, read_settings
from tradai.entrypoint._commands.console import print_failure, print_json, print_text
from tradai.entrypoint._commands.costs import cost_of, cost_text, estimate_of, noted
from tradai.entrypoint._commands.jobs.elsewhere import JobElsewhere
from tradai.entrypoint._commands.jobs.find import job_json
from tradai.entrypoint._commands.jobs.logs import LinePrinter, print_summary
from tradai.entrypoint._commands.jobs.result import JobResult
from tradai.entrypoint._commands.jobs.run_job import LOCAL, JobExtras, run_spec
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.folder import new_run_id
from tradai.entrypoint._runs.request import RunRequest, pin_configuration


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Submit the run; print its output and its result, and return its exit code."""
    settings, request = pin_configuration(*read_settings(args))
    job_id = args.job_id or new_run_id(settings.mode, now=utc_now())
    runner = backend_for("tradai.runners", args.on)
    submit = _submit_here if args.on.startswith(LOCAL) else _submit_elsewhere
    job, read_result = submit(args, runner, job_id, settings, request, interrupts=interrupts)
    if args.detach:
        return _print_handle(job, as_json=args.json)
    info = _follow(job, interrupts, is_quiet=args.json)
    return _print_end(job, info, read_result(), args)


def _submit_here(
    args: argparse.Namespace,
    runner: JobRunner,
    job_id: str,
    settings: EntrypointSettings,
    request: RunRequest,
    *,
    interrupts: Interrupts,
) -> tuple[AttachedJob, Callable[[], JobResult]]:
    interrupts.check()
    handle = runner.submit(run_spec(job_id, settings, request, JobExtras.of(args)))
    return AttachedJob(runner, handle), partial(JobResult.in_folder, settings, job_id)


def _submit_elsewhere(
    args: argparse.Namespace,
    runner: JobRunner,
    job_id: str,
    settings: EntrypointSettings,
    request: RunRequest,
    *,
    interrupts: Interrupts,
) -> tuple[AttachedJob, Callable[[], JobResult]]:
    """Send what the job needs to the run store, and submit the job."""
    _refuse_live(settings.mode, args.on)
    run = JobElsewhere(settings, request, job_settings(args), runner=args.on)
    run.check_stores(runner)
    with Progress(enabled=not args.json) as progress:
        with interrupts.raising():
            progress.say("reading inputs")
            spec = run.spec(job_id, JobExtras.of(args))
            run.bundle.send(progress.say)
        progress.say("launching the job")
        handle = runner.submit(spec)
    if not args.json and (estimate := noted(lambda: estimate_of(runner, spec))):
        print_text(f"cost:   at most {cost_text(estimate)} within its time limit")
    return AttachedJob(runner, handle), partial(
        JobResult.in_store, run.store, job_id, timeout_s=settings.store_timeout_s
    )


def _refuse_live(mode: TradingMode, runner: str) -> None:
    """Refuse a live session as a job of a container.

    Its inputs would be copies, for which no approval counts, and a job that has ended is never
    started again under its id.

    Raises:
        ConfigurationError: It is a live session.
    """
    if mode is TradingMode.LIVE:
        message = (
            f"a live session cannot be a job of {runner}, which runs copies of the inputs, once: "
            "start `tradai-entrypoint run --mode live` in its container, or as a service of ECS "
            "(docs/examples/ecs/live-service.yaml)"
        )
        raise ConfigurationError(message, key="--mode")


def _follow(job: AttachedJob, interrupts: Interrupts, *, is_quiet: bool) -> JobInfo:
    """Print the output of the job until it has ended; a signal stops it in good order."""
    lines = LinePrinter()
    try:
        with interrupts.raising():
            if not is_quiet:
                print_text(f"job:    {job.handle.job_id} on {job.handle.runner}")
                lines.print(_lines(job))
                print_summary(job)
            return job.wait()
    except RunInterruptedError as exc:
        print_failure(f"{exc}; stopping the job {job.handle.job_id}")
        info = job.stop(str(exc))
        if not is_quiet:
            lines.print(job.logs(after=lines.last))
            print_summary(job)
        return info


def _lines(job: AttachedJob) -> Iterator[JobLine]:
    """Yield the lines of the job; until the first one comes, the progress names the job."""
    lines = job.logs()
    with Progress() as progress:
        progress.say(f"waiting for the first line of {job.handle.job_id}")
        first = next(lines, None)
    if first is not None:
        yield first
        yield from lines


def _print_handle(job: AttachedJob, *, as_json: bool) -> int:
    info = job.status()
    if as_json:
        print_json(job_json(job, info))
    else:
        print_text(f"job:    {job.handle.job_id}, {info.status}")
        print_text(f"handle: {job.handle.to_json()}")
    return int(ExitCode.DONE)


def _print_end(job: AttachedJob, info: JobInfo, result: JobResult, args: argparse.Namespace) -> int:
    code = result.exit_code(info)
    if args.json:
        print_json({**job_json(job, info), "exit_code": code, "run": result.to_json()})
        return code
    print_text(f"job:    {job.handle.job_id}, {info.status}{info.reason and f', {info.reason}'}")
    # A job on this machine has just printed it.
    if not args.on.startswith(LOCAL):
        result.print()
    if cost := noted(lambda: cost_of(job.runner, job.handle)):
        print_text(f"cost:   {cost_text(cost)}")
    return code
