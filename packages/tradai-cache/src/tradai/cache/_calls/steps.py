"""Courses and who walks them: what a call does is written once, for threads and for tasks.

A course is a generator. It decides, and yields what takes time as a step; a driver does the step
in the way of its caller and sends back what came of it. Errors of a step are thrown into the
course, but those of a load are sent: they are an outcome like any other.
"""

import asyncio
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar, final

from tradai.cache._memory.engine import Engine
from tradai.cache._memory.single_flight import Failed, InFlightLoad
from tradai.cache._tier.shared_tier import CacheKey, Tier

__all__ = [
    "Blocking",
    "Fetch",
    "Load",
    "Step",
    "Steps",
    "Wait",
    "run",
    "run_async",
    "run_in_background",
]

T = TypeVar("T")

# How often a task looks whether the event loop of the leader it waits for still runs.
_LOOK_S: Final = 0.5


@final
@dataclass(slots=True, eq=False)
class Fetch:
    """Ask `tier` for what is kept at `key`."""

    tier: Tier
    key: CacheKey

    def done(self) -> bytes | None:
        """Do it in this thread; so below."""
        return self.tier.fetch(self.key)

    async def done_async(self) -> bytes | None:
        """Do it in this task; so below."""
        return await self.tier.fetch_async(self.key)


@final
@dataclass(slots=True, eq=False)
class Load:
    """Call the cached function; what it raises comes back as `Failed`."""

    call: Callable[[], object]

    def done(self) -> object:
        try:
            return self.call()
        # Whatever it is, it is for everybody who waits.
        except Exception as error:  # noqa: BLE001
            return Failed(error)

    async def done_async(self) -> object:
        try:
            awaitable: Any = self.call()
            return await awaitable
        # As above; being cancelled is no error of the load, and passes.
        except Exception as error:  # noqa: BLE001
            return Failed(error)


@final
@dataclass(slots=True, eq=False)
class Blocking:
    """Call something that waits for the shared tier.

    Attributes:
        undo: Called with the result when whoever wanted it is gone by then.
    """

    call: Callable[[], object]
    undo: Callable[[Any], object] = lambda _: None

    def done(self) -> object:
        return self.call()

    async def done_async(self) -> object:
        return await _in_thread(self.call, self.undo)


@final
@dataclass(slots=True, eq=False)
class Wait:
    """Wait until `load` ends."""

    engine: Engine
    load: InFlightLoad

    def done(self) -> object:
        over = threading.Event()
        self.engine.when_done(self.load, over.set)
        over.wait()
        return self.load.outcome

    async def done_async(self) -> object:
        """Do it, and give the flight up when the loop of its leader has stopped."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[object] = loop.create_future()
        settle = partial(over.set_result, None)
        self.engine.when_done(self.load, partial(_in_loop, loop, over, settle))
        while not over.done():
            if self.load.is_orphaned:
                run_in_background(partial(self.engine.abandon, self.load))
            await asyncio.wait({over}, timeout=_LOOK_S)
        return self.load.outcome


Step: TypeAlias = Fetch | Load | Blocking | Wait
# What is sent back depends on the step: no one type fits them all.
Steps: TypeAlias = Generator[Step, Any, T]


def run(steps: Steps[T]) -> T:
    """Walk `steps` to its end in this thread."""
    move: Callable[[], Step] = partial(next, steps)
    while True:
        try:
            step = move()
        except StopIteration as end:
            # Generators have no way to say of what type their end is.
            return end.value  # type: ignore[no-any-return]
        finally:
            del move  # it may hold an error, whose traceback holds this frame
        try:
            move = partial(steps.send, step.done())
        # The course must know of everything, even of an interrupt: it leads others.
        except BaseException as error:  # noqa: BLE001
            move = partial(steps.throw, error)


async def run_async(steps: Steps[T]) -> T:
    """Walk `steps` to its end in this task."""
    move: Callable[[], Step] = partial(next, steps)
    while True:
        try:
            step = move()
        except StopIteration as end:
            # As above.
            return end.value  # type: ignore[no-any-return]
        finally:
            del move  # it may hold an error, whose traceback holds this frame
        try:
            move = partial(steps.send, await step.done_async())
        # As above; here also of being cancelled.
        except BaseException as error:  # noqa: BLE001
            move = partial(steps.throw, error)


async def _in_thread(call: Callable[[], object], undo: Callable[[Any], object]) -> object:
    """Call in a thread of its own.

    Not in the loop's executor: who waits there for other processes would keep out who is to
    release what those wait for.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[object] = loop.create_future()

    def work() -> None:
        try:
            result = call()
        # It is raised where it is waited for.
        except BaseException as error:  # noqa: BLE001
            _in_loop(loop, over, partial(over.set_exception, error))
        else:
            _in_loop(loop, over, partial(over.set_result, result), or_else=partial(undo, result))

    run_in_background(work)
    return await over


def run_in_background(call: Callable[[], object]) -> None:
    """Call in a thread of its own, without waiting; not at all when the process is ending."""
    try:
        threading.Thread(target=call, name="tradai-cache", daemon=True).start()
    except RuntimeError:
        return


def _in_loop(
    loop: AbstractEventLoop,
    future: "asyncio.Future[object]",
    settle: Callable[[], object],
    or_else: Callable[[], object] | None = None,
) -> None:
    """Settle `future` in its loop, from any thread; call `or_else` when nobody waits for it."""

    def give() -> None:
        if not future.done():
            settle()
        elif or_else is not None:
            run_in_background(or_else)

    try:
        loop.call_soon_threadsafe(give)
    except RuntimeError:  # the loop is closed
        if or_else is not None:
            run_in_background(or_else)
