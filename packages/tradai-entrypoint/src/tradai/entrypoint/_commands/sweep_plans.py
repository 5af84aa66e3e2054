"""Plans of the runs of a sweep: on this machine with the engine, elsewhere with their inputs."""

import argparse
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from tradai.core import JobSpec, digest, redact
from tradai.entrypoint._commands.arguments import command_line
from tradai.entrypoint._commands.console import print_text
from tradai.entrypoint._commands.jobs.elsewhere import JobElsewhere
from tradai.entrypoint._commands.jobs.run_job import JobExtras, run_spec
from tradai.entrypoint._history.unfinished import note_progress
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._report.formatting import time_range_text
from tradai.entrypoint._report.model import Figure
from tradai.entrypoint._runs.parameters import read_run_parameters
from tradai.entrypoint._runs.request import RunRequest, load_config
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.run_limit import RunLimit
from tradai.entrypoint._sweep.run_place import PlannedJob
from tradai.entrypoint._sweep.sweep import SweepRun
from tradai.entrypoint.freqtrade import SharedStaging, plan_run


def chosen_limit(args: argparse.Namespace, *, on_machine: bool) -> int:
    """Return the number of runs at a time; say the default, which follows from this machine."""
    if args.limit is not None:
        return int(args.limit)
    if not on_machine:
        return os.cpu_count() or 1
    limit = RunLimit.of_machine()
    if not args.json:
        print_text(f"runs: {limit.sentence()}", is_error=True)
    return limit.runs


@final
class ShownRuns:
    """Shows each run that is done, and keeps their number in the folder of the result."""

    def __init__(
        self,
        progress: Progress,
        folder: Path | None = None,
        *,
        text_of: Callable[[RunOutcome], str] = RunOutcome.sentence,
    ) -> None:
        """Begin without a run.

        Args:
            progress: Shows the runs.
            folder: Folder of the result; without one nothing is kept.
            text_of: Text of a run; a command that names failures at its end takes the brief one.
        """
        self._progress = progress
        self._folder = folder
        self._text_of = text_of
        self._note("no run yet")

    def add(self, outcome: RunOutcome, done: str) -> None:
        """Show that so many runs are `done`, such as ``4 of 27 runs``, `outcome` the last one."""
        self._note(done)
        self._progress.milestone(done, detail=self._text_of(outcome))

    def sentence(self, name: str) -> str:
        """Return what an interrupted command says of its runs."""
        return f"{name} is unfinished: {self._done}; the same command goes on where this one ended"

    def _note(self, done: str) -> None:
        self._done = done
        if self._folder:
            note_progress(self._folder, done)


def readable_name(name: str, *, default: str) -> str:
    """Return the `name` of a strategy, which may be any text, as the start of folders and jobs."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-_")[:40] or default


def own_staging(args: argparse.Namespace, folder: Path) -> SharedStaging:
    """Return the staging of this command in `folder`: the same command finds it, others do not."""
    return SharedStaging(folder / f"staged-{digest(list(command_line(args)))[:8]}")


def base_facts(
    settings: EntrypointSettings, request: RunRequest, varied: Sequence[str] = ()
) -> tuple[Figure, ...]:
    """Return what the runs have in common: configuration, strategy, pairs, time range.

    Args:
        settings: Settings of the runs.
        request: Request of one of them.
        varied: Dotted keys in which the runs differ.

    Raises:
        TradAIError: The configuration cannot be read.
    """
    loaded = load_config(settings, request, environ=os.environ)
    config, timerange = loaded.config, read_run_parameters(loaded).timerange
    facts = {
        "run.timerange": ("Time range", time_range_text(str(timerange or "")) or "all candles"),
        "timeframe": ("Timeframe", str(config.timeframe)),
        "pairs": ("Pairs", ", ".join(config.pairs)),
    }
    named = redact(" ".join((settings.config or "none", *request.patches)))
    common = (
        Figure(label, "varied" if key in varied else text) for key, (label, text) in facts.items()
    )
    strategy = Figure("Strategy", f"{config.name} {config.version}")
    return Figure("Configuration", named), strategy, *common


@final
class PlansHere:
    """Plans runs of this machine, whose digests are known before they start."""

    def __init__(
        self,
        name: str,
        base: tuple[EntrypointSettings, RunRequest],
        extras: JobExtras,
        *,
        staging: SharedStaging,
        interrupts: Interrupts,
    ) -> None:
        """Plan variants of the run `base`; ids begin with `name`, candles are staged once."""
        self._name = name
        self._settings, self._request = base
        self._extras = extras
        self._staging = staging
        self._interrupts = interrupts

    def plan(self, run: SweepRun) -> PlannedJob:
        """Return the plan of a run; raise as the run would that is refused."""
        request = run.request(self._request)
        entrypoint = StrategyEntrypoint(
            self._settings, request=request, interrupts=self._interrupts
        )
        planned = plan_run(entrypoint, self._staging)
        extras = self._extras.with_environment(TRADAI_RUN_STAGED=str(planned.staged.absolute()))
        identity = digest([planned.config_digest, planned.run_digest])
        return PlannedJob(
            job_id=f"{self._name}-{identity[:10]}",
            make_spec=lambda job_id: run_spec(job_id, self._settings, request, extras),
            digests={"config": planned.config_digest, "run": planned.run_digest},
            config_id=planned.config_id,
        )


@final
class PlansElsewhere:
    """Plans runs in containers, which have the engine of their image."""

    def __init__(
        self,
        name: str,
        job: JobElsewhere,
        base: RunRequest,
        extras: JobExtras,
        *,
        interrupts: Interrupts,
        say: Callable[[str], object],
    ) -> None:
        """Plan variants of the run `base`; ids begin with `name`, `say` hears the progress."""
        self._name = name
        self._job = job
        self._base = base
        self._extras = extras
        self._interrupts = interrupts
        self._say = say

    def plan(self, run: SweepRun) -> PlannedJob:
        """Return the plan of a run; its inputs are sent with its job.

        Raises:
            TradAIError: As `JobElsewhere.identity`.
        """
        job = self._job.with_request(run.request(self._base))

        def make_spec(job_id: str) -> JobSpec:
            with self._interrupts.raising():
                spec = job.spec(job_id, self._extras)
                job.bundle.send(self._say)
            return spec

        with self._interrupts.raising():
            identity = job.identity(self._extras)
        return PlannedJob(job_id=f"{self._name}-{identity[:16]}", make_spec=make_spec)
