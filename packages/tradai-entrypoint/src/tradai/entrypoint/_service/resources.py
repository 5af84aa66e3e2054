"""What a service has acquired and has to give back.

`contextlib`'s exit stacks have this interface, and hold each resource here; but one stack for all
would lose every error but the last when several resources fail to close.
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

__all__ = ["AsyncResources", "Resources"]

P = ParamSpec("P")
T = TypeVar("T")
Stack = TypeVar("Stack", bound=ExitStack | AsyncExitStack)


class _Held(Generic[Stack]):
    """Resources, each on a stack of its own."""

    def __init__(self, kind: type[Stack]) -> None:
        """Hold nothing."""
        self._kind = kind
        self._held: list[Stack] = []

    def enter_context(self, manager: AbstractContextManager[T]) -> T:
        """Enter `manager`, to be left when the service ends, and return what it gives."""
        stack = self._kind()
        entered = stack.enter_context(manager)
        self._held.append(stack)
        return entered

    def callback(self, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Have `function` called with the arguments when the service ends."""
        stack = self._kind()
        stack.callback(function, *args, **kwargs)
        self._held.append(stack)


@final
class Resources(_Held[ExitStack]):
    """What a service holds; closed in reverse order, each one whatever the others do."""

    def __init__(self) -> None:
        """Hold nothing."""
        super().__init__(ExitStack)

    def close(self, failures: Failures) -> None:
        """Close all, the newest first; what fails is kept in `failures`."""
        while self._held:
            with failures.kept("close"):
                self._held.pop().close()


@final
class AsyncResources(_Held[AsyncExitStack]):
    """What a service on an event loop holds, as `Resources`."""

    def __init__(self) -> None:
        """Hold nothing."""
        super().__init__(AsyncExitStack)

    async def enter_async_context(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter `manager`, to be left when the service ends, and return what it gives."""
        stack = AsyncExitStack()
        entered = await stack.enter_async_context(manager)
        self._held.append(stack)
        return entered

    def push_async_callback(
        self, function: Callable[P, Awaitable[object]], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Have `function` awaited with the arguments when the service ends."""
        stack = AsyncExitStack()
        stack.push_async_callback(function, *args, **kwargs)
        self._held.append(stack)

    async def aclose(self, failures: Failures) -> None:
        """Close all, the newest first; what fails is kept in `failures`."""
        while self._held:
            with failures.kept("close"):
                await self._held.pop().aclose()
