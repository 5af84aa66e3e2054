"""`tradai-entrypoint sweep`: run the variants of a strategy, and compare them in one table."""

import argparse
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from tradai.core import JobRunner, StrategyConfig, TimeRange, backend_for, digest, utc_now
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.arguments import (
    command_line,
    job_settings,
    read_settings,
    start_logging,
)
from tradai.entrypoint._commands.console import (
    print_failure,
    print_json,
    print_table,
    print_text,
)
from tradai.entrypoint._commands.costs import SweepCost, cost_json, noted
from tradai.entrypoint._commands.jobs.elsewhere import JobElsewhere
from tradai.entrypoint._commands.jobs.run_job import LOCAL, JobExtras
from tradai.entrypoint._commands.sweep_plans import (
    PlansElsewhere,
    PlansHere,
    ShownRuns,
    base_facts,
    chosen_limit,
    readable_name,
)
from tradai.entrypoint._history.unfinished import drop_progress
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._runs.parameters import read_run_parameters
from tradai.entrypoint._runs.request import RunRequest, load_config, pin_configuration
from tradai.entrypoint._sweep.comparison import Comparison
from tradai.entrypoint._sweep.heat_map import map_json
from tradai.entrypoint._sweep.local_runs import LocalRuns
from tradai.entrypoint._sweep.outcomes import RunOutcome, check_figure
from tradai.entrypoint._sweep.page import sweep_page
from tradai.entrypoint._sweep.result import SweepResult, window_columns, window_rows
from tradai.entrypoint._sweep.run_place import PlannedJob, RunPlace
from tradai.entrypoint._sweep.stored_runs import StoredRuns
from tradai.entrypoint._sweep.sweep import Sweep, SweepRun
from tradai.entrypoint._sweep.tracking import track_sweep
from tradai.entrypoint._sweep.variants import Variant, listed, varied
from tradai.entrypoint._sweep.walk_forward import WalkForward, Window
from tradai.entrypoint.freqtrade import SharedStaging

_Place: TypeAlias = tuple[RunPlace, Callable[[SweepRun], PlannedJob]]


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Run the sweep, write and print its result, and return the exit code.

    The code is that of the first failed run, if any.
    """
    start_logging(args)
    settings, request = pin_configuration(*read_settings(args))
    started_at = utc_now()
    check_figure(args.by)
    variants = listed(Path(args.list)) if args.list else varied(args.vary)
    windows = _windows(args, settings, request, variants)
    folder = Path(args.sweeps) / _name(settings, request, variants, windows)
    staging = SharedStaging(folder / "staged")
    progress = Progress(enabled=not args.json)
    runner = backend_for("tradai.runners", args.on)
    place, plan = _place(
        args, (settings, request), runner, staging=staging, progress=progress, interrupts=interrupts
    )
    sweep = Sweep(
        runner,
        place,
        plan=plan,
        limit=chosen_limit(args, on_machine=args.on.startswith(LOCAL)),
        interrupts=interrupts,
    )
    shown = ShownRuns(progress, folder, text_of=RunOutcome.brief)
    comparison = Comparison(sweep, variants, windows, figure=args.by, on_outcome=shown.add)
    try:
        with progress:
            comparison.run()
    except RunInterruptedError as exc:
        _finish(args, comparison, folder, (settings, request), runner, label="ended:")
        print_failure(f"{exc}; {shown.sentence(folder.name)}")
        return ExitCode.of_error(exc)
    staging.remove()
    result = _finish(args, comparison, folder, (settings, request), runner)
    drop_progress(folder)
    _track(
        result,
        folder,
        _first_config(settings, request, variants).name,
        started_at,
        interrupts=interrupts,
    )
    return result.failed[0].exit_code if result.failed else int(ExitCode.DONE)


def _track(
    result: SweepResult,
    folder: Path,
    strategy: str,
    started_at: datetime,
    *,
    interrupts: Interrupts,
) -> None:
    notice = track_sweep(
        result,
        folder,
        os.environ,
        strategy=strategy,
        started_at=started_at,
        interrupts=interrupts,
    )
    if notice:
        print_text(f"note: {notice}", is_error=True)


def _place(
    args: argparse.Namespace,
    base: tuple[EntrypointSettings, RunRequest],
    runner: JobRunner,
    *,
    staging: SharedStaging,
    progress: Progress,
    interrupts: Interrupts,
) -> _Place:
    """Return where the runs of the sweep are, and what plans them."""
    name = staging.root.parent.name
    # The runs are parts of the sweep wherever they are tracked.
    base = base[0].model_copy(update={"trace_id": name, "part_of": "sweep"}), base[1]
    if args.on.startswith(LOCAL):
        return _place_here(args, base, name, staging=staging, interrupts=interrupts)
    return _place_elsewhere(
        args, base, name, runner=runner, progress=progress, interrupts=interrupts
    )


def _place_here(
    args: argparse.Namespace,
    base: tuple[EntrypointSettings, RunRequest],
    name: str,
    *,
    staging: SharedStaging,
    interrupts: Interrupts,
) -> _Place:
    extras = JobExtras.of(args)
    plans = PlansHere(name, base, extras, staging=staging, interrupts=interrupts)
    settings, _ = base
    return LocalRuns(settings.folder), plans.plan


def _place_elsewhere(
    args: argparse.Namespace,
    base: tuple[EntrypointSettings, RunRequest],
    name: str,
    *,
    runner: JobRunner,
    progress: Progress,
    interrupts: Interrupts,
) -> _Place:
    settings, request = base
    job = JobElsewhere(settings, request, job_settings(args), runner=args.on)
    job.check_stores(runner)
    plans = PlansElsewhere(
        # Without the digest: the same run has the same id in sweeps of other variants.
        name.rpartition("-")[0],
        job,
        request,
        JobExtras.of(args),
        interrupts=interrupts,
        say=progress.say,
    )
    return StoredRuns(job.store, timeout_s=settings.store_timeout_s), plans.plan


def _finish(
    args: argparse.Namespace,
    comparison: Comparison,
    folder: Path,
    base: tuple[EntrypointSettings, RunRequest],
    runner: JobRunner,
    *,
    label: str = "done: ",
) -> SweepResult:
    """Write the result into `folder`, and print it; `label` begins the last line."""
    result = comparison.result(folder.name, command_line(args))
    settings, request = base
    here = args.on.startswith(LOCAL)
    runs = os.path.relpath(settings.folder, folder) if here else str(settings.store)
    more = map_json(result)
    facts = base_facts(settings, comparison.first.request(request), result.keys)
    result.write(folder, sweep_page(result, runs, facts), more)
    jobs = [outcome.job for outcome in result.outcomes if outcome.job is not None]
    cost = noted(lambda: SweepCost.of(runner, jobs))
    if args.json:
        price = {} if cost is None else {"cost": cost_json(cost)}
        print_json({**result.to_json(), **more, **price, "folder": str(folder)})
        return result
    _print_tables(result)
    for notice in result.notices:
        print_text(f"note: {notice}")
    print_text(f"report: {folder / REPORT_NAME}")
    if cost is not None:
        print_text(f"cost:   {cost.sentence()}")
    print_text(f"{label}  {result.sentence()}")
    return result


def _print_tables(result: SweepResult) -> None:
    succeeded = [outcome for outcome in result.ranked if outcome.is_success]
    if succeeded:
        print_table(result.columns, map(result.row, succeeded))
    if result.windows:
        print_table(window_columns(result.figure), window_rows(result))
    for outcome in result.failed:
        print_text(f"failed: {outcome.sentence()}")


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
    return f"{readable_name(config.name, default='sweep')}-{identity[:8]}"


def _first_config(
    settings: EntrypointSettings, request: RunRequest, variants: Sequence[Variant]
) -> StrategyConfig:
    first = SweepRun(variant=variants[0]).request(request)
    return load_config(settings, first, environ=os.environ).config
