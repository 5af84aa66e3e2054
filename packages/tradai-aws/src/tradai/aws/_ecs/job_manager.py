"""Awaitable face of the runner of ECS, under the name that the platform uses."""

from collections.abc import AsyncIterator
from typing import final

from tradai.aws._ecs.runner import EcsRunner
from tradai.core import AwaitableRunner, JobHandle, JobInfo, JobLine, JobSpec


@final
class ECSJobManager:
    """An `AsyncJobRunner` of ECS; requests run in the threads of the event loop.

    Attributes:
        runner: The runner that it uses, for code without an event loop.
    """

    def __init__(self, runner: EcsRunner | None = None) -> None:
        """Use `runner`, by default that of the environment's settings.

        Raises:
            ConfigurationError: Variables are missing or malformed; the message lists all of them.
        """
        self.runner = runner or EcsRunner()
        self._awaitable = AwaitableRunner(self.runner)

    async def submit(self, spec: JobSpec) -> JobHandle:
        """Launch a job, or adopt it; see `JobRunner.submit`."""
        return await self._awaitable.submit(spec)

    async def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now."""
        return await self._awaitable.status(handle)

    async def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended, or after `timeout_s` seconds."""
        return await self._awaitable.wait(handle, timeout_s=timeout_s)

    def logs(
        self, handle: JobHandle, *, after: int = 0, follow: bool = True
    ) -> AsyncIterator[JobLine]:
        """Yield the lines of a job's output in order; see `JobRunner.logs`."""
        return self._awaitable.logs(handle, after=after, follow=follow)

    async def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job, also when the caller is cancelled; see `JobRunner.stop`."""
        return await self._awaitable.stop(handle, reason)
