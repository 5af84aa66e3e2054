"""Long-lived service with coroutines as hooks."""

import asyncio
from functools import cached_property

from tradai.entrypoint._service.failures import Failures
from tradai.entrypoint._service.resources import AsyncResources
from tradai.entrypoint._service.service_loop import S, ServiceLoop


class AsyncService(ServiceLoop[S]):
    """Base of a service on an event loop: `BaseService` with ``async def`` for every hook.

    `run` creates the loop and closes it. Nothing is cancelled when the service is asked to stop:
    `serve` checks for that (``await wait_for_stop()``) and returns.

    Attributes:
        settings_class: Settings class of this service, checked when the subclass is defined.
        settings: Settings, read when the service is created.
        config: Configuration, a read-only OmegaConf tree.
    """

    @cached_property
    def resources(self) -> AsyncResources:
        """Resources that `start` acquires; they are closed after `stop`, the newest first."""
        return AsyncResources()

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
            ValidationError: The service has run already.
        """
        return self._run(lambda: asyncio.run(self._call_hooks()))

    async def _call_hooks(self) -> None:
        self._stop_asked = asyncio.wrap_future(self._stop.requested)
        failures = Failures(logger=self.logger)
        with failures.collected("start"):
            await self.start()
        if self._may_serve(failures):
            with failures.collected("serve"):
                await self.serve()
        self._begin_stop(failures.summary or "its work is done")
        with failures.collected("stop"):
            await self.stop()
        await self.resources.aclose(failures)
        self._end(failures)
