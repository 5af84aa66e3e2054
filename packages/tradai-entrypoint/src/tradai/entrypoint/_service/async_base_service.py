"""Long-lived service with coroutines as hooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import cached_property
from typing import Self

from tradai.core.exceptions import TradAIError, ValidationError
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._service.failures import Failures
from tradai.entrypoint._service.resources import AsyncResources
from tradai.entrypoint._service.service_loop import S, ServiceLoop


class AsyncService(ServiceLoop[S]):
    """Base of a service on an event loop: `BaseService` with ``async def`` for every hook.

    `run` creates the loop and closes it; `run_async` and `running` use one that runs already, that
    of a web server, a notebook or a test. Nothing is cancelled when the service is asked to stop:
    `serve` checks for that (``await wait_for_stop()``) and returns.

    Attributes:
        settings_class: Settings class of this service, checked when the subclass is defined.
        settings: Settings, read when the service is created.
        config: Configuration, a read-only OmegaConf tree.
    """

    # The task on a loop of others, and the reason for which it is cancelled.
    _work: asyncio.Task[None] | None = None
    _overdue: str = ""

    @cached_property
    def resources(self) -> AsyncResources:
        """Resources that `start` acquires; they are closed after `stop`, the newest first."""
        return AsyncResources()

    @cached_property
    def _serving(self) -> asyncio.Event:
        return asyncio.Event()

    async def start(self) -> None:
        """Acquire what the service needs; called once by `run`."""

    async def serve(self) -> None:
        """Do the service's work until asked to stop; by default only wait for that."""
        await self.wait_for_stop()

    async def stop(self) -> None:
        """Finish work while `resources` are still open; called once, also when `start` failed."""

    async def wait_for_stop(self, timeout_s: float | None = None) -> bool:
        """Wait until asked to stop, at most `timeout_s`; return whether it was; for hooks only."""
        await asyncio.wait({self._stop_asked}, timeout=timeout_s)
        return self._stop_asked.done()

    def run(self) -> int:
        """Start, serve until asked to stop, and stop; return 0 after an orderly stop.

        Outside of the main thread signals are not watched, only `request_stop`. An error of a hook
        is raised here once all resources are closed; later errors are notes on the first one.

        Raises:
            ValidationError: The service has run already, or an event loop runs in this thread.
        """
        # Asyncio would refuse too, but when the service has begun and cannot begin again.
        if _is_loop_running():
            raise ValidationError(
                "an event loop runs in this thread: await run_async(), or use running()",
                field="run",
            )
        with self._watching(self._signals()):
            asyncio.run(self._call_hooks())
        return int(ExitCode.DONE)

    async def run_async(self) -> int:
        """Do as `run` does, on the event loop that runs already.

        The process belongs to others there. Signals are watched only when `interrupts` were given
        to the constructor. A service that has not stopped after `drain_s` seconds, or at a second
        signal, is cancelled, and the process goes on.

        Raises:
            TradAIError: The service was cancelled.
            ValidationError: The service has run already.
        """
        signals = self._signals() if self._has_own_interrupts else nullcontext()
        with self._watching(signals):
            self._work = asyncio.create_task(self._call_hooks())
            try:
                await self._work
            except asyncio.CancelledError:
                if self._overdue:
                    raise TradAIError(f"the service was cancelled: {self._overdue}") from None
                raise
        return int(ExitCode.DONE)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Run the service beside the block, which begins once `start` is done; see `run_async`.

        The end of the block asks the service to stop and waits for that. An error of `start` is
        raised where the block begins, any other where it ends.
        """
        work = asyncio.create_task(self.run_async())
        work.add_done_callback(lambda _: self._serving.set())
        try:
            await self._serving.wait()
            if work.done():
                await work
            yield self
        finally:
            self.request_stop("its block has ended")
            await work

    async def _call_hooks(self) -> None:
        self._stop_asked = asyncio.wrap_future(self._stop.requested)
        failures = Failures(logger=self.logger)
        with failures.collected("start"):
            await self.start()
        if self._may_serve(failures):
            self._serving.set()
            with failures.collected("serve"):
                await self.serve()
        self._begin_stop(failures.summary or "its work is done")
        with failures.collected("stop"):
            await self.stop()
        await self.resources.aclose(failures)
        self._end(failures)

    def _stop_hard(self, reason: str) -> None:
        """End the process, or only the task where the process belongs to others."""
        if self._work is None:
            super()._stop_hard(reason)
            return
        self._overdue = reason
        # The loop may have been closed in the meantime.
        with suppress(RuntimeError):
            self._work.get_loop().call_soon_threadsafe(self._work.cancel)


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
