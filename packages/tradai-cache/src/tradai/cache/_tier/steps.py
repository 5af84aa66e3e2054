"""Generators of steps, run by threads or by tasks: what takes time is described once for both."""

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")


def run(steps: Generator[S, Any, T], perform: Callable[[S], object]) -> T:
    """Perform each step in this thread, send its result back, and return that of all.

    An error of a step is thrown into the generator, which decides what follows.
    """
    advance: Callable[[], S] = partial(next, steps)
    while True:
        try:
            step = advance()
        except StopIteration as end:
            # `StopIteration` does not carry the type of the generator's result.
            return end.value  # type: ignore[no-any-return]
        finally:
            del advance  # it may hold an error whose traceback holds this frame
        try:
            advance = partial(steps.send, perform(step))
        # The generator must see every error, even an interrupt: other calls wait for it.
        except BaseException as error:  # noqa: BLE001
            advance = partial(steps.throw, error)


async def run_async(steps: Generator[S, Any, T], perform: Callable[[S], Awaitable[object]]) -> T:
    """Do the same as `run` in this task, whose cancellation is an error of the step."""
    advance: Callable[[], S] = partial(next, steps)
    while True:
        try:
            step = advance()
        except StopIteration as end:
            # `StopIteration` does not carry the type of the generator's result.
            return end.value  # type: ignore[no-any-return]
        finally:
            del advance  # it may hold an error whose traceback holds this frame
        try:
            advance = partial(steps.send, await perform(step))
        # The generator must see every error, even a cancellation: other calls wait for it.
        except BaseException as error:  # noqa: BLE001
            advance = partial(steps.throw, error)
