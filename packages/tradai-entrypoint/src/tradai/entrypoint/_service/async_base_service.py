"""A long-lived service whose hooks are coroutines."""

import asyncio
from functools import cached_property

from tradai.entrypoint._service.failures import Failures
from tradai.entrypoint._service.resources import AsyncResources
from tradai.entrypoint._service.service_loop import S, ServiceCore

__all__ = ["AsyncService"]


class AsyncService(ServiceCore[S]):
    """Base of a service on an event loop; as `BaseService`, with ``async def`` for every hook.

    `run` makes the loop and closes it. Nothing is cancelled when the service is asked to stop:
    `serve` looks (``await wait_for_stop()``) and returns.

    Attributes:
        settings_class: The settings of this service, checked when the subclass is made.
        settings: The settings, read when the service is made.
        config: The configuration: a read-only OmegaConf tree.
    """

    @cached_property
    def resources(self) -> AsyncResources:
        """What `start` acquires: entered here, it is closed after `stop`, the newest first."""
        return AsyncResources()

    async def start(self) -> None:
        """Acquire what the service needs; called once by `run`."""

    async def serve(self) -> None:
        """Do the service's work until asked to stop; by default just wait for that."""
        await self.wait_for_stop()

    async def stop(self) -> None:
        """Wind up while `resources` are still open; called once, also when `start` failed."""

    async def wait_for_stop(self, timeout_s: float | None = None) -> bool:
        """Sleep until asked to stop, at most `timeout_s`; return whether it was; hooks only."""
        await asyncio.wait({self._asked}, timeout=timeout_s)
        return self._asked.done()

    def run(self) -> int:
        """Start, serve until asked to stop, stop; return 0 after an orderly stop.

        Outside of the main thread no signals are watched, only `request_stop`. What a hook raises
        is raised here, once everything is given back; later errors are notes on the first one.

        Raises:
            ValidationError: The service ran before.
        """
        return self._run(lambda: asyncio.run(self._live()))

    async def _live(self) -> None:
        self._asked = asyncio.wrap_future(self._stop.made)
        failures = Failures(logger=self.logger)
        with failures.kept("start"):
            await self.start()
        if self._may_serve(failures):
            with failures.kept("serve"):
                await self.serve()
        self._begin_stop(failures.summary or "its work is done")
        with failures.kept("stop"):
            await self.stop()
        await self.resources.aclose(failures)
        self._end(failures)
