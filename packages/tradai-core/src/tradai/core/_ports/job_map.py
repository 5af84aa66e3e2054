"""Fan-out: many jobs on one runner, a limited number at a time."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, final

from tradai.core._ports.job_handle import JobHandle
from tradai.core._ports.job_runner import JobRunner
from tradai.core._ports.job_spec import JobSpec
from tradai.core._ports.job_status import JobInfo, JobStatus
from tradai.core.exceptions import TradAIError, ValidationError

_LOOK_EVERY_S: Final = 0.2
_REASON: Final = "the fan-out that launched it was given up"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """The end of one job of a fan-out.

    Attributes:
        spec: The job's specification.
        handle: The job; None when it could not be submitted.
        info: Its end; None when that is not known.
        error: Error of the runner instead of an end.
    """

    spec: JobSpec
    handle: JobHandle | None = None
    info: JobInfo | None = None
    error: TradAIError | None = None

    @property
    def is_success(self) -> bool:
        """Whether the job has completed."""
        return self.info is not None and self.info.status is JobStatus.COMPLETED


def map_jobs(
    runner: JobRunner,
    specs: Iterable[JobSpec],
    *,
    limit: int,
    until: Callable[[], bool] = lambda: False,
) -> Generator[JobOutcome, None, None]:
    """Run every job of `specs`, at most `limit` at a time, and yield each outcome as it ends.

    A job that fails, or that the runner refuses, is an outcome like any other. `specs` is read as
    jobs are launched, so it may be long. When the iterator is closed, or the caller is
    interrupted, the jobs that it submitted and that have not ended are stopped; a job that was
    running before and was adopted is one of them.

    Args:
        runner: Runs the jobs.
        specs: Specifications of the jobs.
        limit: Number of jobs at a time.
        until: Asked several times a second; once it is true, the iterator ends as if it were
            closed. A flag that a signal handler sets can end a fan-out so.

    Raises:
        ValidationError: `limit` is below 1.
    """
    if limit < 1:
        expected = "a limit of 1 or more"
        raise ValidationError(f"map_jobs got {limit}: expected {expected}", field="limit")
    return _FanOut(runner, specs, limit).outcomes(until)


@final
class _FanOut:
    """The jobs of one call that have not ended, in the order of their submission."""

    def __init__(self, runner: JobRunner, specs: Iterable[JobSpec], limit: int) -> None:
        self._runner = runner
        self._specs = iter(specs)
        self._limit = limit
        self._active: dict[JobHandle, JobSpec] = {}
        self._ended: list[JobOutcome] = []
        self._is_exhausted = False

    def outcomes(self, until: Callable[[], bool]) -> Generator[JobOutcome, None, None]:
        try:
            while not until() and (self._refill() or self._active or self._ended):
                if not self._ended:
                    self._look()
                while self._ended:
                    yield self._ended.pop(0)
        finally:
            self._give_up()

    def _refill(self) -> bool:
        """Submit up to the limit; return whether there may be more to submit."""
        while not self._is_exhausted and len(self._active) + len(self._ended) < self._limit:
            spec = next(self._specs, None)
            if spec is None:
                self._is_exhausted = True
            else:
                self._submit(spec)
        return not self._is_exhausted

    def _submit(self, spec: JobSpec) -> None:
        try:
            handle = self._runner.submit(spec)
        except TradAIError as exc:
            self._ended.append(JobOutcome(spec=spec, error=exc))
            return
        if handle in self._active:
            # The same job twice has one end, which belongs to both.
            self._ended.append(self._wait(handle, spec, None))
        else:
            self._active[handle] = spec

    def _look(self) -> None:
        """Look at every job; when none has ended, wait for the oldest for a moment."""
        for handle, spec in list(self._active.items()):
            self._take(self._wait(handle, spec, 0), handle)
        if self._active and not self._ended:
            handle, spec = next(iter(self._active.items()))
            self._take(self._wait(handle, spec, _LOOK_EVERY_S), handle)

    def _wait(self, handle: JobHandle, spec: JobSpec, timeout_s: float | None) -> JobOutcome:
        try:
            info = self._runner.wait(handle, timeout_s=timeout_s)
        except TradAIError as exc:
            return JobOutcome(spec=spec, handle=handle, error=exc)
        return JobOutcome(spec=spec, handle=handle, info=info)

    def _take(self, outcome: JobOutcome, handle: JobHandle) -> None:
        if outcome.info is None or outcome.info.status.is_terminal:
            del self._active[handle]
            self._ended.append(outcome)

    def _give_up(self) -> None:
        """Stop all jobs at once: each may take the whole of its grace."""
        if self._active:
            with ThreadPoolExecutor(len(self._active)) as pool:
                list(pool.map(self._stop, self._active))

    def _stop(self, handle: JobHandle) -> None:
        # The others are stopped even where one cannot be.
        with suppress(TradAIError):
            self._runner.stop(handle, _REASON)
