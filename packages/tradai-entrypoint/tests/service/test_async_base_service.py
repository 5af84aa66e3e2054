"""A service on an event loop that runs already: of a web server, a notebook or a test."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import cached_property

import pytest

from tradai.core import BaseSettings
from tradai.core.exceptions import TradAIError, ValidationError
from tradai.entrypoint import AsyncService, Interrupts, ServiceState

LONG_S = 600.0
SHORT_S = 0.05


class Recorder(AsyncService[BaseSettings]):
    """Keeps a list of what happened."""

    @cached_property
    def events(self) -> list[str]:
        return []

    @cached_property
    def has_begun(self) -> asyncio.Event:
        return asyncio.Event()

    async def start(self) -> None:
        self.events.append("start")
        self.has_begun.set()
        self.resources.callback(self.events.append, "closed")

    async def serve(self) -> None:
        self.events.append("serve")
        await self.wait_for_stop()

    async def stop(self) -> None:
        self.events.append("stop")


class Stuck(Recorder):
    async def serve(self) -> None:
        await asyncio.Event().wait()


def on_a_loop(work: Callable[[], Coroutine[None, None, None]]) -> None:
    async def patient() -> None:
        async with asyncio.timeout(LONG_S):
            await work()

    asyncio.run(patient())


def test_a_service_runs_beside_a_block_of_the_loop_that_runs_already() -> None:
    service = Recorder()

    async def work() -> None:
        async with service.running() as entered:
            assert entered is service
            assert service.state is ServiceState.RUNNING
            service.events.append("block")

    on_a_loop(work)

    assert service.events == ["start", "serve", "block", "stop", "closed"]
    assert service.state is ServiceState.STOPPED


def test_run_async_serves_until_asked_to_stop() -> None:
    service = Recorder()
    codes: list[int] = []

    async def work() -> None:
        running = asyncio.create_task(service.run_async())
        await asyncio.to_thread(service.request_stop)
        codes.append(await running)

    on_a_loop(work)

    assert codes == [0]
    assert service.events[-2:] == ["stop", "closed"]


def test_run_is_refused_in_a_running_loop_and_the_service_can_still_run() -> None:
    service = Recorder()

    async def work() -> None:
        with pytest.raises(ValidationError, match="run_async"):
            service.run()
        async with service.running():
            pass

    on_a_loop(work)

    assert service.state is ServiceState.STOPPED


def test_an_error_of_start_is_raised_where_the_block_begins() -> None:
    class NoPort(Recorder):
        async def start(self) -> None:
            await super().start()
            raise OSError("no port")

    service = NoPort()

    async def work() -> None:
        with pytest.raises(OSError, match="no port"):
            async with service.running():
                service.events.append("block")

    on_a_loop(work)

    assert service.events == ["start", "stop", "closed"]
    assert service.state is ServiceState.FAILED


def test_an_error_of_serve_is_raised_where_the_block_ends() -> None:
    class NoFeed(Recorder):
        async def serve(self) -> None:
            await self.wait_for_stop()
            raise OSError("no feed")

    service = NoFeed()

    async def work() -> None:
        with pytest.raises(OSError, match="no feed"):
            async with service.running():
                service.events.append("block")

    on_a_loop(work)

    assert service.events == ["start", "block", "stop", "closed"]


def test_a_block_whose_own_work_fails_stops_the_service_and_raises_that() -> None:
    service = Recorder()

    async def work() -> None:
        with pytest.raises(ZeroDivisionError):
            async with service.running():
                _ = 1 / 0

    on_a_loop(work)

    assert service.state is ServiceState.STOPPED


def test_a_service_that_does_not_stop_in_time_is_cancelled_and_the_process_goes_on() -> None:
    service = Stuck(drain_s=SHORT_S)

    async def work() -> None:
        with pytest.raises(TradAIError, match=r"cancelled: not done 0\.05 s after"):
            async with service.running():
                pass

    on_a_loop(work)

    assert service.events == ["start", "stop", "closed"]
    assert service.state is ServiceState.FAILED


def test_a_service_that_its_host_cancels_closes_its_resources() -> None:
    service = Stuck()

    async def work() -> None:
        task = asyncio.create_task(service.run_async())
        await service.has_begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    on_a_loop(work)

    assert service.events == ["start", "stop", "closed"]


def test_a_host_that_is_cancelled_while_the_service_starts_leaves_nothing_behind() -> None:
    class Slow(Recorder):
        async def start(self) -> None:
            await super().start()
            await self.wait_for_stop()

    service = Slow()

    async def host() -> None:
        async with service.running():
            service.events.append("block")

    async def work() -> None:
        task = asyncio.create_task(host())
        await service.has_begun.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    on_a_loop(work)

    assert service.events == ["start", "stop", "closed"]


def test_on_a_loop_of_others_signals_are_left_to_them() -> None:
    former = signal.getsignal(signal.SIGTERM)

    async def work() -> None:
        async with Recorder().running():
            assert signal.getsignal(signal.SIGTERM) == former

    on_a_loop(work)


def test_signals_are_watched_where_they_were_given() -> None:
    service = Recorder(interrupts=Interrupts())

    async def work() -> None:
        async with service.running():
            os.kill(os.getpid(), signal.SIGTERM)
            assert await service.wait_for_stop()

    on_a_loop(work)

    assert service.health().state is ServiceState.STOPPED
