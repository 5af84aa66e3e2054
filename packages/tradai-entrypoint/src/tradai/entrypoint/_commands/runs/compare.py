"""`tradai-entrypoint compare`: run a backtest of each configuration, and compare the results."""

import argparse
import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from shlex import quote
from typing import Final, TypeAlias

from tradai.core import backend_for, digest
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._commands.arguments import read_settings, start_logging
from tradai.entrypoint._commands.console import print_failure, print_text
from tradai.entrypoint._commands.jobs.run_job import LOCAL, JobExtras
from tradai.entrypoint._commands.report import compare_runs
from tradai.entrypoint._commands.sweep_plans import (
    PlansHere,
    ShownRuns,
    chosen_limit,
    own_staging,
    readable_name,
)
from tradai.entrypoint._history.unfinished import drop_progress
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.request import RunRequest, load_config, pin_configuration
from tradai.entrypoint._store.names import MANIFEST_NAME
from tradai.entrypoint._sweep.local_runs import LocalRuns
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.run_place import PlannedJob
from tradai.entrypoint._sweep.sweep import Sweep, SweepRun
from tradai.entrypoint._sweep.variants import Variant
from tradai.entrypoint.freqtrade import SharedStaging

_Base: TypeAlias = tuple[EntrypointSettings, RunRequest]

# Names of a comparison's first strategies; the others are counted.
_SHOWN_NAMES: Final = 3


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Run what was not run before, compare the results, and return the exit code.

    The code is that of the first failed run, if any.
    """
    start_logging(args)
    bases = _bases(args)
    staging = own_staging(args, Path(args.comparisons))
    progress = Progress(enabled=not args.json)
    # The runs have the name as their trace id.
    folder = Path(args.comparisons) / str(bases[0][0].trace_id)
    shown = ShownRuns(progress, folder, text_of=RunOutcome.brief)
    try:
        with progress:
            outcomes = _run(bases, args, shown, staging=staging, interrupts=interrupts)
    except RunInterruptedError as exc:
        _print_failed(shown.outcomes)
        print_failure(f"{exc}; {shown.sentence('the comparison')}")
        return ExitCode.of_error(exc)
    staging.remove()
    runs = bases[0][0].folder
    names = run_names(runs, [each for each in outcomes if each.is_success])
    if names:
        compare_runs(list(names), Path(args.comparisons), as_json=args.json, names=names)
    drop_progress(folder)
    _print_failed(outcomes)
    return next((each.exit_code for each in outcomes if not each.is_success), int(ExitCode.DONE))


def _print_failed(outcomes: Iterable[RunOutcome]) -> None:
    for each in outcomes:
        if not each.is_success:
            print_text(f"failed: {each.sentence()}", is_error=True)


def run_names(runs: Path, outcomes: Sequence[RunOutcome]) -> dict[Path, str]:
    """Return the folder of each run with the configuration files that it is the result of."""
    names: dict[Path, str] = {}
    for each in outcomes:
        folder, config = runs / each.run_id, str(each.variant.values["config"])
        names[folder] = f"{names[folder]}, {config}" if folder in names else config
    return names


def _bases(args: argparse.Namespace) -> list[_Base]:
    """Return settings and request of each configuration; overrides are for all of them."""
    overrides = [word for word in args.configs if "=" in word]
    configs = list(dict.fromkeys(word for word in args.configs if "=" not in word))
    if not configs[1:]:
        got = f"{configs[0]} alone" if configs else "none"
        message = f"compare needs two or more configurations, and got {got}: name their YAML files"
        raise ConfigurationError(message, key="CONFIG")
    each = (
        argparse.Namespace(**{**vars(args), "config": config, "overrides": overrides})
        for config in configs
    )
    pinned = [pin_configuration(*read_settings(words)) for words in each]
    _refuse_runs(pinned[0][0].folder, configs)
    parts = {"trace_id": comparison_name(pinned), "part_of": "comparison"}
    return [(settings.model_copy(update=parts), request) for settings, request in pinned]


def _refuse_runs(runs: Path, configs: Sequence[str]) -> None:
    """Refuse ids of runs, which `report` compares."""
    for name in configs:
        if not Path(name).exists() and (runs / name / MANIFEST_NAME).is_file():
            fix = f"`tradai-entrypoint report {' '.join(map(quote, configs))}` compares runs"
            message = f"compare takes configurations, and {name} is a run: {fix}"
            raise ConfigurationError(message, key="CONFIG")


def comparison_name(bases: Sequence[_Base]) -> str:
    """Return the name of a comparison, the same for the same command.

    It begins with the strategies, or with the files of configurations of one strategy.
    """
    files = [str(settings.config) for settings, _ in bases]
    names = [_label(base) for base in bases]
    if len(set(names)) < len(names):
        names = [readable_name(Path(file).stem, default="compare") for file in files]
    shown, more = "-vs-".join(names[:_SHOWN_NAMES]), len(names) - _SHOWN_NAMES
    identity = digest({"configs": files, "overrides": list(bases[0][1].overrides)})
    return f"{shown}{f'-and-{more}-more' if more > 0 else ''}-{identity[:8]}"


def _label(base: _Base) -> str:
    try:
        return _name(base)
    except TradAIError:
        # Its run is refused with the reason.
        return readable_name(Path(str(base[0].config)).stem, default="compare")


def _run(
    bases: Sequence[_Base],
    args: argparse.Namespace,
    shown: ShownRuns,
    *,
    staging: SharedStaging,
    interrupts: Interrupts,
) -> list[RunOutcome]:
    """Return the outcome of each configuration, in their order.

    Raises:
        RunInterruptedError: A signal came; the jobs are stopped.
    """

    def plan(run: SweepRun) -> PlannedJob:
        base = bases[run.variant.number - 1]
        plans = PlansHere(_name(base), base, JobExtras(), staging=staging, interrupts=interrupts)
        return plans.plan(SweepRun(variant=Variant(number=run.variant.number, values={})))

    limit = chosen_limit(args, on_machine=True)
    sweep = Sweep(
        backend_for("tradai.runners", LOCAL),
        LocalRuns(bases[0][0].folder),
        plan=plan,
        limit=limit,
        interrupts=interrupts,
    )
    runs = (
        SweepRun(variant=Variant(number=number, values={"config": str(settings.config)}))
        for number, (settings, _) in enumerate(bases, 1)
    )
    with closing(sweep.outcomes(runs)) as made:
        for done, outcome in enumerate(made, 1):
            shown.add(outcome, f"{done} of {len(bases)} runs")
    return sorted(shown.outcomes, key=lambda outcome: outcome.variant.number)


def _name(base: _Base) -> str:
    """Return the beginning of the run's id: the name of its strategy."""
    settings, request = base
    name = load_config(settings, request, environ=os.environ).config.name
    return readable_name(name, default="compare")
