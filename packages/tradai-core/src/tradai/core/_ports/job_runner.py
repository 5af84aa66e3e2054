"""Port of job runners, and its awaitable twin."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol, final

from tradai.core._ports.job_handle import JobHandle
from tradai.core._ports.job_spec import JobSpec
from tradai.core._ports.job_status import JobInfo
from tradai.core.exceptions import ValidationError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A line of a job's output; `number` counts from 1, both streams together."""

    number: int
    text: str


def check_stop_reason(reason: str) -> None:
    """Check the reason of a stop, as every `JobRunner` does.

    Raises:
        ValidationError: It is empty.
    """
    if not reason.strip():
        expected = "some words"
        message = f"the reason of a stop is empty: expected {expected}"
        raise ValidationError(message, field="reason", expected=expected)


class JobRunner(Protocol):
    """Runs jobs, each launched once, and finds them again.

    Every method that takes a handle raises `ValidationError` for a handle of another runner,
    `JobConflictError` when the job of this id has another specification, and `NotFoundError` for
    a job that the runner does not know. `ExternalServiceError` (a `StorageError`, on a disk) means
    that the runner's service failed. Threads may share a runner.
    """

    def submit(self, spec: JobSpec) -> JobHandle:
        """Launch the job of `spec`, unless its id was launched before.

        A job of the same id and specification is adopted, also after it has ended: its handle is
        returned and nothing is launched. When this raises, the same call may be repeated, and the
        job runs once.

        Raises:
            JobConflictError: The id was used with another specification.
            NotFoundError, ConfigurationError: A secret cannot be resolved; nothing was launched.
            ValidationError: The runner cannot run such a job.
        """
        ...

    def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now."""
        ...

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended, or as of `timeout_s` seconds from now."""
        ...

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        """Yield the lines of a job's output in order.

        Args:
            handle: The job.
            after: Number of the last line that is already known; the next one comes first.
            follow: Whether to go on until the job has ended and all of its lines were yielded. If
                not, the lines that are there now are yielded.
        """
        ...

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job and return the facts about it once it has ended.

        The job is asked to end, and killed when its `stop_grace_s` have passed. An ended job stays
        as it is. The first reason counts.

        Args:
            handle: The job.
            reason: Some words, kept with the job; secrets are masked.

        Raises:
            ValidationError: The reason is empty.
        """
        ...

    def jobs(self) -> Iterator[JobHandle]:
        """Yield the jobs that the runner knows, sorted by id."""
        ...


class AsyncJobRunner(Protocol):
    """Awaitable twin of `JobRunner`, with the same methods and promises.

    Cancelling a call gives up watching a job and never stops it; a `stop` that was called goes on.
    """

    async def submit(self, spec: JobSpec) -> JobHandle:
        """Launch a job; see `JobRunner.submit`."""
        ...

    async def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now."""
        ...

    async def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended; see `JobRunner.wait`."""
        ...

    def logs(
        self, handle: JobHandle, *, after: int = 0, follow: bool = True
    ) -> AsyncIterator[JobLine]:
        """Yield the lines of a job's output in order; see `JobRunner.logs`."""
        ...

    async def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job; see `JobRunner.stop`."""
        ...
