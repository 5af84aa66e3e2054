"""A job of any runner, found by its handle."""

from collections.abc import Iterator
from typing import final

from tradai.core._ports.backends import backend_for
from tradai.core._ports.job_handle import JobHandle
from tradai.core._ports.job_runner import JobLine, JobRunner
from tradai.core._ports.job_status import JobInfo


@final
class AttachedJob:
    """One job and its runner; each method is that of `JobRunner`, without the handle.

    Attributes:
        handle: Handle of the job.
        runner: Its runner.
    """

    def __init__(self, runner: JobRunner, handle: JobHandle) -> None:
        """Hold both; nothing is asked yet."""
        self.runner = runner
        self.handle = handle

    def status(self) -> JobInfo:
        """Return the facts about the job as of now."""
        return self.runner.status(self.handle)

    def wait(self, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about the job once it has ended, or after `timeout_s` seconds."""
        return self.runner.wait(self.handle, timeout_s=timeout_s)

    def logs(self, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        """Yield the lines of the job's output that come after line `after`."""
        return self.runner.logs(self.handle, after=after, follow=follow)

    def stop(self, reason: str) -> JobInfo:
        """Stop the job and return the facts about it once it has ended."""
        return self.runner.stop(self.handle, reason)


def attach(handle: JobHandle, *, runner: JobRunner | None = None) -> AttachedJob:
    """Find the job of `handle`, in this process or after a restart.

    Args:
        handle: Handle that `JobRunner.submit` returned, here or in another process.
        runner: The runner of the job; by default the one that the handle's URI names.

    Raises:
        NotFoundError: The runner does not know the job.
        ValidationError: The handle is of another runner.
        ConfigurationError: No installed distribution serves the URI.
    """
    job = AttachedJob(runner or backend_for("tradai.runners", handle.runner), handle)
    job.status()
    return job
