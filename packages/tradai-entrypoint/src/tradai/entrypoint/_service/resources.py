"""Resources that a service has acquired and must close.

The interface is that of `contextlib`'s exit stacks. Each resource has a stack of its own, because
one stack for all would lose every error but the last when several resources fail to close.
"""

from collections.abc import Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
)
from typing import Generic, ParamSpec, TypeVar, final

from tradai.entrypoint._service.failures import Failures

P = ParamSpec("P")
T = TypeVar("T")
Stack = TypeVar("Stack", bound=ExitStack | AsyncExitStack)


class _ResourceStacks(Generic[Stack]):
    """Resources, each on a stack of its own."""

    def __init__(self, stack_class: type[Stack]) -> None:
        """Start empty."""
        self._stack_class = stack_class
        self._stacks: list[Stack] = []

    def enter_context(self, manager: AbstractContextManager[T]) -> T:
        """Enter `manager` until the service ends, and return the value of its block."""
        stack = self._stack_class()
        entered = stack.enter_context(manager)
        self._stacks.append(stack)
        return entered

    def callback(self, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `function` with the arguments when the service ends."""
        stack = self._stack_class()
        stack.callback(function, *args, **kwargs)
        self._stacks.append(stack)


@final
class Resources(_ResourceStacks[ExitStack]):
    """Resources of a service, closed in reverse order, each one also when others fail."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(ExitStack)

    def close(self, failures: Failures) -> None:
        """Close all, the newest first; collect errors in `failures`."""
        while self._stacks:
            with failures.collected("close"):
                self._stacks.pop().close()


@final
class AsyncResources(_ResourceStacks[AsyncExitStack]):
    """Resources of a service on an event loop; see `Resources`."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(AsyncExitStack)

    async def enter_async_context(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter `manager` until the service ends, and return the value of its block."""
        stack = AsyncExitStack()
        entered = await stack.enter_async_context(manager)
        self._stacks.append(stack)
        return entered

    def push_async_callback(
        self, function: Callable[P, Awaitable[object]], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Await `function` with the arguments when the service ends."""
        stack = AsyncExitStack()
        stack.push_async_callback(function, *args, **kwargs)
        self._stacks.append(stack)

    async def aclose(self, failures: Failures) -> None:
        """Close all, the newest first; collect errors in `failures`."""
        while self._stacks:
            with failures.collected("close"):
                await self._stacks.pop().aclose()
