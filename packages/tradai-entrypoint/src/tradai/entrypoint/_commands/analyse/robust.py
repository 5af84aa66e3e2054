"""`tradai-entrypoint analyse --robust`: compare a backtest with slightly changed ones."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from tradai.core import StrategyConfig, backend_for, digest
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.arguments import read_settings, start_logging
from tradai.entrypoint._commands.console import print_failure, print_json, print_table, print_text
from tradai.entrypoint._commands.jobs.run_job import LOCAL, JobExtras
from tradai.entrypoint._commands.sweep_plans import (
    PlansHere,
    ShownRuns,
    base_facts,
    chosen_limit,
    own_staging,
    readable_name,
)
from tradai.entrypoint._history.unfinished import drop_progress
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._robust.page import robustness_page
from tradai.entrypoint._robust.result import Robustness
from tradai.entrypoint._robust.shake import shaken_groups, unshaken_parameters
from tradai.entrypoint._robust.study import Shaking, Study
from tradai.entrypoint._robust.walk_result import WINDOW_COLUMNS, window_rows
from tradai.entrypoint._robust.windows import WalkWish
from tradai.entrypoint._runs.parameters import read_run_parameters
from tradai.entrypoint._runs.request import RunRequest, load_config, pin_configuration
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint._sweep.local_runs import LocalRuns
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.sweep import Sweep
from tradai.entrypoint.freqtrade import SharedStaging, plan_run

_LARGEST_SHAKE: Final = 50


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Make the runs, write and print the result, and return the exit code."""
    start_logging(args)
    shaking = _shaking(args)
    settings, request = pin_configuration(*read_settings(args))
    loaded = load_config(settings, request, environ=os.environ)
    walk = WalkWish.parse(args.walk_forward, read_run_parameters(loaded).timerange)
    limit = chosen_limit(args, on_machine=True)
    progress = Progress(enabled=not args.json)
    staging = own_staging(args, Path(args.analyses))
    analysis = _Analysis(settings, request, loaded.config, staging=staging, interrupts=interrupts)
    folder = Path(args.analyses) / analysis.name
    shown = ShownRuns(progress, folder)
    study = analysis.study(shaking, walk=walk, limit=limit, on_outcome=shown.add)
    try:
        with progress:
            result = study.run()
    except RunInterruptedError as exc:
        print_failure(f"{exc}; {shown.sentence(analysis.name)}")
        return ExitCode.of_error(exc)
    staging.remove()
    runs = os.path.relpath(settings.folder, folder)
    facts = base_facts(settings, request)
    result.write(folder, robustness_page(result, analysis.name, runs, facts))
    drop_progress(folder)
    _print(result, folder, as_json=args.json)
    return int(result.exit_code)


@final
class _Analysis:
    """One configuration, planned as a backtest of this machine."""

    def __init__(
        self,
        settings: EntrypointSettings,
        request: RunRequest,
        config: StrategyConfig,
        *,
        staging: SharedStaging,
        interrupts: Interrupts,
    ) -> None:
        self._request = request
        self._staging = staging
        self._interrupts = interrupts
        entrypoint = StrategyEntrypoint(settings, request=request, interrupts=interrupts)
        self._planned = plan_run(entrypoint, staging)
        self._config = config
        readable = readable_name(config.name, default="strategy")
        self.name = (
            f"{readable}-{digest([self._planned.config_digest, self._planned.run_digest])[:8]}"
        )
        # The runs are parts of the analysis wherever they are tracked.
        parts = {"trace_id": self.name, "part_of": "analysis"}
        self._settings = settings.model_copy(update=parts)

    def study(
        self,
        shaking: Shaking,
        *,
        walk: WalkWish,
        limit: int,
        on_outcome: Callable[[RunOutcome, str], object],
    ) -> Study:
        """Return the study of the configuration, of which nothing is run yet."""
        declared = self._planned.declared
        plans = PlansHere(
            self.name,
            (self._settings, self._request),
            JobExtras(),
            staging=self._staging,
            interrupts=self._interrupts,
        )
        sweep = Sweep(
            backend_for("tradai.runners", LOCAL),
            LocalRuns(self._settings.folder),
            plan=plans.plan,
            limit=limit,
            interrupts=self._interrupts,
        )
        return Study(
            sweep=sweep,
            config=self._config,
            groups=shaken_groups(self._config, declared),
            unshaken=unshaken_parameters(self._config, declared),
            walk=walk,
            shaking=shaking,
            runs=self._settings.folder,
            on_outcome=on_outcome,
        )


def _shaking(args: argparse.Namespace) -> Shaking:
    if not 0 < args.shake <= _LARGEST_SHAKE:
        message = f"--shake takes a number above 0 and up to {_LARGEST_SHAKE}, in percent"
        raise ConfigurationError(message, key="--shake")
    return Shaking(share=args.shake / 100, sets=args.sets, seed=args.seed)


def _print(result: Robustness, folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({**result.to_json(), "folder": str(folder)})
        return
    print_table(result.columns, result.rows())
    if result.windows:
        print_text("")
        print_table(WINDOW_COLUMNS, window_rows(result.windows))
    print_text("")
    if result.problem:
        print_text(result.problem)
    for finding in result.findings:
        print_text(f"{finding.test}: {finding.sentence}")
    for note in (*result.notices, *result.notes):
        print_text(f"note: {note}")
    print_text(f"report: {folder / REPORT_NAME}")
