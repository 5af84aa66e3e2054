"""`tradai-entrypoint sweep`: run the variants of a strategy, and compare them in one table."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tradai.core import JobSpec, StrategyConfig, TimeRange, backend_for, digest, utc_now
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.arguments import command_line, read_settings, start_logging
from tradai.entrypoint._commands.console import (
    print_failure,
    print_json,
    print_table,
    print_text,
)
from tradai.entrypoint._commands.jobs.run_job import JobExtras, run_spec
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.parameters import read_run_parameters
from tradai.entrypoint._runs.request import RunRequest, load_config
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint._sweep.comparison import Comparison
from tradai.entrypoint._sweep.outcomes import RunOutcome, check_figure
from tradai.entrypoint._sweep.page import sweep_page
from tradai.entrypoint._sweep.result import SweepResult, window_columns, window_rows
from tradai.entrypoint._sweep.sweep import Sweep, SweepRun
from tradai.entrypoint._sweep.tracking import track_sweep
from tradai.entrypoint._sweep.variants import Variant, listed, varied
from tradai.entrypoint._sweep.walk_forward import WalkForward, Window
from tradai.entrypoint.freqtrade import PlannedRun, SharedStaging, plan_run

_RUNNER: Final = "local:"


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Run the sweep, write and print its result, and return the exit code.

    The code is that of the first failed run, if any.
    """
    start_logging(args)
    settings, request = read_settings(args)
    started_at = utc_now()
    check_figure(args.by)
    variants = listed(Path(args.list)) if args.list else varied(args.vary)
    windows = _windows(args, settings, request, variants)
    folder = Path(args.sweeps) / _name(settings, request, variants, windows)
    staging = SharedStaging(folder / "staged")
    sweep = _sweep(args, settings, request, name=folder.name, staging=staging, signals=interrupts)
    progress = Progress(enabled=not args.json)
    show = _display(progress, is_quiet=args.json)
    comparison = Comparison(sweep, variants, windows, figure=args.by, on_outcome=show)
    try:
        with progress:
            comparison.run()
    except RunInterruptedError as exc:
        _finish(args, comparison, folder, settings)
        print_failure(f"{exc}; the same command goes on where this one ended")
        return ExitCode.of_error(exc)
    staging.remove()
    result = _finish(args, comparison, folder, settings)
    strategy = _first_config(settings, request, variants).name
    notice = track_sweep(result, folder, os.environ, strategy=strategy, started_at=started_at)
    if notice:
        print_text(f"note: {notice}", is_error=True)
    return result.failed[0].exit_code if result.failed else int(ExitCode.DONE)


def _sweep(
    args: argparse.Namespace,
    settings: EntrypointSettings,
    request: RunRequest,
    *,
    name: str,
    staging: SharedStaging,
    signals: Interrupts,
) -> Sweep:
    # The runs are parts of the sweep wherever they are tracked.
    traced = settings.model_copy(update={"trace_id": name})

    def plan(run: SweepRun) -> PlannedRun:
        entrypoint = StrategyEntrypoint(settings, request=run.request(request), interrupts=signals)
        return plan_run(entrypoint, staging)

    def make_spec(job_id: str, run: SweepRun, planned: PlannedRun) -> JobSpec:
        staged = {"TRADAI_RUN_STAGED": str(planned.staged.absolute())}
        return run_spec(job_id, traced, run.request(request), JobExtras(environment=staged))

    return Sweep(
        name,
        runs=settings.folder,
        runner=backend_for("tradai.runners", _runner(args.on)),
        plan=plan,
        make_spec=make_spec,
        limit=(os.cpu_count() or 1) if args.limit is None else args.limit,
        interrupts=signals,
    )


def _display(progress: Progress, *, is_quiet: bool) -> Callable[[RunOutcome, str], None]:
    """Return what shows each outcome: on a terminal in the progress, elsewhere in a line."""
    has_lines = not is_quiet and not sys.stderr.isatty()

    def show(outcome: RunOutcome, done: str) -> None:
        progress.say(done)
        if has_lines:
            print_text(f"{done}: {outcome.sentence()}", is_error=True)

    return show


def _finish(
    args: argparse.Namespace, comparison: Comparison, folder: Path, settings: EntrypointSettings
) -> SweepResult:
    """Write the result into `folder`, and print it."""
    result = comparison.result(folder.name, command_line(args))
    result.write(folder, sweep_page(result, folder, settings.folder))
    if args.json:
        print_json({**result.to_json(), "folder": str(folder)})
        return result
    succeeded = [outcome for outcome in result.ranked if outcome.is_success]
    if succeeded:
        print_table(result.columns, map(result.row, succeeded))
    if result.windows:
        print_table(window_columns(result.figure), window_rows(result))
    for outcome in result.failed:
        print_text(f"failed: {outcome.sentence()}")
    print_text(f"report: {folder / 'report.html'}")
    print_text(f"done:   {result.sentence()}")
    return result


def _runner(uri: str) -> str:
    if uri.startswith(_RUNNER):
        return uri
    message = f"--on {uri}: a sweep runs on {_RUNNER} in this version"
    raise ConfigurationError(message, key="--on")


def _windows(
    args: argparse.Namespace,
    settings: EntrypointSettings,
    request: RunRequest,
    variants: Sequence[Variant],
) -> tuple[Window, ...]:
    if args.walk_forward is None:
        return ()
    walk = WalkForward.parse(args.walk_forward)
    if any("run.timerange" in variant.values for variant in variants):
        message = "--walk-forward chooses the time ranges: do not vary run.timerange"
        raise ConfigurationError(message, key="--vary")
    timerange = read_run_parameters(load_config(settings, request, environ=os.environ)).timerange
    if not isinstance(timerange, TimeRange):
        message = "--walk-forward needs a time range with both ends: give --timerange"
        raise ConfigurationError(message, key="run.timerange")
    return walk.windows(timerange)


def _name(
    settings: EntrypointSettings,
    request: RunRequest,
    variants: Sequence[Variant],
    windows: Sequence[Window],
) -> str:
    """Return the name of the sweep, the same for the same command."""
    config = _first_config(settings, request, variants)
    identity = digest(
        {
            "overrides": list(request.overrides),
            "variants": [dict(variant.values) for variant in variants],
            "windows": [f"{window.training} {window.test}" for window in windows],
        }
    )
    # It begins the names of folders and jobs, and a strategy may have any name.
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", config.name).strip("-_")
    return f"{readable[:40] or 'sweep'}-{identity[:8]}"


def _first_config(
    settings: EntrypointSettings, request: RunRequest, variants: Sequence[Variant]
) -> StrategyConfig:
    first = SweepRun(variant=variants[0]).request(request)
    return load_config(settings, first, environ=os.environ).config
