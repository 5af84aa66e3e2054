"""The awaitable twin of any job runner, made of the runner and threads."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import islice
from typing import Final, final

from tradai.core._ports.job_handle import JobHandle
from tradai.core._ports.job_runner import JobLine, JobRunner
from tradai.core._ports.job_spec import JobSpec
from tradai.core._ports.job_status import JobInfo

# A cancelled call leaves a thread that ends after this time at the latest.
_SLICE_S: Final = 0.5
_FIRST_PAUSE_S: Final = 0.02
_BATCH: Final = 1000


@final
class AwaitableRunner:
    """An `AsyncJobRunner` whose calls run in the threads of the event loop.

    No call blocks a thread for longer than half a second, except `submit` and `stop`.
    """

    def __init__(self, runner: JobRunner) -> None:
        """Wrap `runner`."""
        self._runner = runner

    async def submit(self, spec: JobSpec) -> JobHandle:
        """Launch a job; once called it is launched, also when the caller is cancelled."""
        return await asyncio.shield(asyncio.to_thread(self._runner.submit, spec))

    async def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now."""
        return await asyncio.to_thread(self._runner.status, handle)

    async def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended, or after `timeout_s` seconds."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = _SLICE_S if deadline is None else max(0.0, deadline - time.monotonic())
            info = await asyncio.to_thread(self._runner.wait, handle, timeout_s=min(left, _SLICE_S))
            if info.status.is_terminal or left < _SLICE_S:
                return info

    async def logs(
        self, handle: JobHandle, *, after: int = 0, follow: bool = True
    ) -> AsyncIterator[JobLine]:
        """Yield the lines of a job's output that come after line `after`.

        New lines are looked for up to twice a second, and at once when the job has ended.
        """
        # In this order: all lines of a job that has ended are there.
        info = await self.status(handle)
        pause_s = _FIRST_PAUSE_S
        while True:
            lines = await asyncio.to_thread(self._batch, handle, after)
            for line in lines:
                yield line
                after = line.number
            if len(lines) == _BATCH:
                continue
            if info.status.is_terminal or not follow:
                return
            pause_s = _FIRST_PAUSE_S if lines else min(2 * pause_s, _SLICE_S)
            info = await self.wait(handle, timeout_s=pause_s)

    async def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job; once called it is stopped, also when the caller is cancelled."""
        return await asyncio.shield(asyncio.to_thread(self._runner.stop, handle, reason))

    def _batch(self, handle: JobHandle, after: int) -> list[JobLine]:
        return list(islice(self._runner.logs(handle, after=after, follow=False), _BATCH))
