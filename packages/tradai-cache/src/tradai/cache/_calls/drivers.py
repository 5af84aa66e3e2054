"""Drivers: run the steps of a cached call in the calling thread or in the running task."""

import asyncio
import contextlib
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from tradai.cache._calls.steps import AskTier, Blocking, Fetch, Load, Step, Steps, Wait
from tradai.cache._memory.cache_core import CacheCore
from tradai.cache._memory.single_flight import Failed, InFlightLoad, Outcome
from tradai.cache._tier import steps as tier_steps
from tradai.cache._tier.background import run_in_background

T = TypeVar("T")

# Interval at which a waiting task checks that the event loop of the leading task still runs.
_POLL_S: Final = 0.5


def run(steps: Steps[T]) -> T:
    """Run `steps` to the end in this thread."""
    return tier_steps.run(steps, _perform)


async def run_async(steps: Steps[T]) -> T:
    """Run `steps` to the end in this task."""
    return await tier_steps.run_async(steps, _perform_async)


def _perform(step: Step) -> object:
    """Run one step in this thread."""
    match step:
        case Fetch():
            return step.tier.fetch(step.key)
        case AskTier(call) | Blocking(call):
            return call()
        case Load(call):
            try:
                return call()
            # Any error is the outcome for every call that waits.
            except Exception as error:  # noqa: BLE001
                return Failed(error)
        case Wait(core, load):
            done = threading.Event()
            core.add_done_callback(load, done.set)
            done.wait()
            return load.outcome


async def _perform_async(step: Step) -> object:
    """Run one step in this task."""
    match step:
        case Fetch(tier, key):
            return await tier.fetch_async(key)
        case AskTier(_, call_async):
            return await call_async()
        case Blocking(call):
            return await _call_in_thread(call)
        case Load(call):
            try:
                awaitable: Any = call()
                return await awaitable
            # Any error is the outcome for every call that waits; a cancellation is not, and passes.
            except Exception as error:  # noqa: BLE001
                return Failed(error)
        case Wait(core, load):
            return await _wait_async(core, load)


async def _wait_async(core: CacheCore, load: InFlightLoad) -> Outcome | None:
    """Wait for the end of `load`; abandon it when the event loop of its leader has stopped."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[object] = loop.create_future()
    settle = partial(done.set_result, None)
    core.add_done_callback(load, partial(_settle_in_loop, loop, done, settle))
    while not done.done():
        if load.is_orphaned:
            run_in_background(partial(core.abandon, load))
        await asyncio.wait({done}, timeout=_POLL_S)
    return load.outcome


async def _call_in_thread(call: Callable[[], object]) -> object:
    """Call in a new thread.

    The loop's executor is bounded: calls that wait there for other processes would keep out the
    call that must release what those processes wait for.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[object] = loop.create_future()

    def work() -> None:
        try:
            result = call()
        # It is raised in the task that waits.
        except BaseException as error:  # noqa: BLE001
            _settle_in_loop(loop, done, partial(done.set_exception, error))
        else:
            _settle_in_loop(loop, done, partial(done.set_result, result))

    run_in_background(work)
    return await done


def _settle_in_loop(
    loop: AbstractEventLoop, future: "asyncio.Future[object]", settle: Callable[[], object]
) -> None:
    """Settle `future` in its loop, from any thread, unless the wait was given up."""

    def settle_if_awaited() -> None:
        if not future.done():
            settle()

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(settle_if_awaited)
