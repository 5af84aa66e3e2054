"""Run the variants of a sweep as jobs, each once, a limited number at a time."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from typing import final

from tradai.core import JobHandle, JobOutcome, JobRunner, JobSpec, JobStatus, map_jobs
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.request import RunRequest
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.run_place import PlannedJob, RunPlace
from tradai.entrypoint._sweep.variants import Variant


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRun:
    """A run to make: a variant, over the time range of a window or over that of the sweep."""

    variant: Variant
    timerange: str = ""

    @property
    def overrides(self) -> tuple[str, ...]:
        """Its overrides of the configuration."""
        window = (f"run.timerange={self.timerange}",) if self.timerange else ()
        return (*self.variant.overrides, *window)

    def request(self, base: RunRequest) -> RunRequest:
        """Return `base` with the overrides of this run."""
        return replace(base, overrides=(*base.overrides, *self.overrides))


@final
class Sweep:
    """Runs of one strategy that share candles, a runner and a place of their runs."""

    def __init__(
        self,
        runner: JobRunner,
        place: RunPlace,
        *,
        plan: Callable[[SweepRun], PlannedJob],
        limit: int,
        interrupts: Interrupts,
    ) -> None:
        """Prepare a sweep; nothing is run yet.

        Args:
            runner: Runs the jobs.
            place: Place of the runs, those of earlier commands too.
            plan: Plans a run, or raises an error of ours for one that is refused.
            limit: Number of jobs at a time.
            interrupts: Signals that stop the jobs and end the sweep.
        """
        self._runner = runner
        self._place = place
        self._plan = plan
        self._limit = limit
        self._interrupts = interrupts
        self._launched: dict[str, list[tuple[SweepRun, PlannedJob]]] = {}
        self._specs: dict[str, JobSpec] = {}
        self._settled: list[RunOutcome] = []

    @property
    def unfinished(self) -> int:
        """Number of runs whose jobs were submitted and have no outcome."""
        return sum(map(len, self._launched.values()))

    def outcomes(self, runs: Iterable[SweepRun]) -> Generator[RunOutcome, None, None]:
        """Run each of `runs` and yield its outcome as it is known.

        A run whose digests an earlier successful one has is not made again. When the iterator is
        closed, or a signal comes, the jobs that have not ended are stopped.

        Raises:
            RunInterruptedError: A signal came.
        """
        jobs = map_jobs(
            self._runner, self.specs(runs), limit=self._limit, until=self._is_interrupted
        )
        with closing(jobs):
            for job in jobs:
                yield from self._take_settled()
                yield replace(self._outcome(job), job=job.handle)
        yield from self._take_settled()
        self._interrupts.check()

    def _is_interrupted(self) -> bool:
        return self._interrupts.received is not None

    def _take_settled(self) -> Iterator[RunOutcome]:
        while self._settled:
            yield self._settled.pop(0)

    def specs(self, runs: Iterable[SweepRun]) -> Iterator[JobSpec]:
        """Yield the jobs of the runs that have to be made; the others are settled at once."""
        known = {handle.job_id: handle for handle in self._runner.jobs()}
        for run in runs:
            try:
                spec = self._spec(run, known)
            except RunInterruptedError:
                raise
            except TradAIError as exc:
                self._settled.append(_refused(run, exc))
                continue
            if spec is not None:
                yield spec

    def _spec(self, run: SweepRun, known: Mapping[str, JobHandle]) -> JobSpec | None:
        """Return the job of a run; None when an earlier run stands for it."""
        planned = self._plan(run)
        earlier = self._place.find(planned)
        if earlier is not None:
            self._settled.append(_recorded(run, earlier, is_reused=True))
            return None
        job_id = self._job_id(planned.job_id, known)
        # One job stands for runs with the same digests, also where their commands differ.
        if job_id not in self._specs:
            self._specs[job_id] = planned.make_spec(job_id)
        self._launched.setdefault(job_id, []).append((run, planned))
        return self._specs[job_id]

    def _job_id(self, first_id: str, known: Mapping[str, JobHandle]) -> str:
        """Return the id of the job: of one that runs already, or else one that is free."""
        for attempt in count(1):
            job_id = first_id + (f".{attempt}" if attempt > 1 else "")
            if job_id in self._launched or self._is_usable(job_id, known.get(job_id)):
                return job_id
        raise AssertionError

    def _is_usable(self, job_id: str, handle: JobHandle | None) -> bool:
        """Tell whether a job of this id is still to be made, or runs since another sweep."""
        if handle is None and self._place.has_run(job_id):
            # A sweep at the same time may have launched it since the look.
            handle = next((one for one in self._runner.jobs() if one.job_id == job_id), None)
            if handle is None:
                return False
        return handle is None or not self._runner.status(handle).status.is_terminal

    def _outcome(self, job: JobOutcome) -> RunOutcome:
        run, planned = self._launched[job.spec.job_id].pop(0)
        if job.error is not None:
            return _refused(run, job.error)
        try:
            manifest = self._place.manifest(job.spec.job_id)
        except TradAIError as exc:
            return _without_manifest(run, job, exc)
        if manifest.exit_code is None:
            reason = job.info.reason if job.info else "its end is not known"
            manifest.exit_code, manifest.verdict = int(ExitCode.CRASHED), f"the run died: {reason}"
        elif not planned.digests.items() <= {**planned.digests, **manifest.digests}.items():
            changed = "candles, market rules or engine changed while the sweep ran"
            manifest.exit_code, manifest.verdict = int(ExitCode.MISMATCH), changed
        return _recorded(run, manifest)


def _recorded(run: SweepRun, manifest: RunManifest, *, is_reused: bool = False) -> RunOutcome:
    return RunOutcome(
        variant=run.variant,
        timerange=run.timerange,
        run_id=manifest.run_id,
        exit_code=int(manifest.exit_code or 0),
        verdict=manifest.verdict or "",
        figures=manifest.results,
        currency=str(manifest.config.get("stake_currency") or ""),
        notices=tuple(manifest.notices),
        is_reused=is_reused,
    )


def _without_manifest(run: SweepRun, job: JobOutcome, error: TradAIError) -> RunOutcome:
    """Return the outcome of a run that left nothing: the job's end says more than its absence."""
    refused = _refused(run, error)
    if job.info is None or job.info.status is JobStatus.COMPLETED:
        return refused
    code = job.info.exit_code or int(ExitCode.CRASHED)
    return replace(refused, exit_code=code, verdict=f"the job has no run: {job.info.reason}")


def _refused(run: SweepRun, error: TradAIError) -> RunOutcome:
    return RunOutcome(
        variant=run.variant,
        timerange=run.timerange,
        exit_code=int(ExitCode.of_error(error)),
        verdict=str(error),
        figures={},
    )
