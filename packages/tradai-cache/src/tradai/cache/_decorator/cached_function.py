"""Cached functions: callables with the types of the wrapped function that bind like methods."""

from collections.abc import Callable, Coroutine
from functools import partial, update_wrapper
from inspect import isclass
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Self,
    TypeAlias,
    TypeVar,
    cast,
    final,
    overload,
)

from tradai.cache._calls import lookup
from tradai.cache._calls.cached_spec import CachedSpec, CallRequest
from tradai.cache._calls.drivers import run, run_async
from tradai.cache._calls.lookup import PeekResult
from tradai.cache._memory.single_flight import Failed, Outcome

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")

# The object that a cached function in a class body is bound to.
Binding: TypeAlias = Literal["instance", "class", "nothing"]

if TYPE_CHECKING:

    class _Callable(Generic[P, R]):
        args: tuple[object, ...]
        func: Callable[..., object]

        def __new__(cls, call: Callable[..., object], /, *args: object) -> Self: ...
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

else:

    class _Callable(partial, Generic[P, R]):
        """A partial adds no Python frame to a call, and its result is awaited as it is."""


class _Bindable(_Callable[P, R]):
    """A cached function, with the instance or class it is bound to as its first argument."""

    _spec: CachedSpec
    _binding: Binding

    @classmethod
    def of(cls, spec: CachedSpec, call: Callable[..., object], *, binding: Binding) -> Self:
        """Return `call` as a cached function with the name and docs of the original."""
        # The inner call, too: pydantic and others look for annotations there, as in any partial.
        cached = cls(update_wrapper(call, spec.signature.function))
        cached._spec, cached._binding = spec, binding
        # `update_wrapper` only copies attributes, and takes any object.
        update_wrapper(cast("Any", cached), spec.signature.function)
        return cached

    def _bound(self, instance: object, owner: type | None) -> Self:
        """Return the value of ``instance.name`` or ``owner.name``."""
        first = (owner or type(instance)) if self._binding == "class" else instance
        if self._binding == "nothing" or first is None:
            return self
        bound = type(self)(self.func, first)
        vars(bound).update(vars(self))
        return bound

    def _request(self, args: tuple[object, ...], kwargs: dict[str, object]) -> CallRequest:
        signature, given = self._spec.signature, (*self.args, *args)
        if signature.parameters and signature.parameters[0].name == "cls":
            first = given[0] if given else kwargs.get("cls")
            # From Python 3.13, @classmethod does not bind a descriptor below it.
            if not isclass(first):
                name = signature.function.__qualname__
                message = (
                    f"{name} does not know its class: "
                    "write @classmethod below the cache's decorator"
                )
                raise TypeError(message)
        return self._spec.request(given, kwargs)

    def __reduce__(self) -> str | tuple[object, ...]:
        """Pickle and copy by name, like a function."""
        if self.args:
            return getattr, (self.args[0], self._spec.signature.function.__name__)
        return self._spec.signature.function.__qualname__

    def __repr__(self) -> str:
        """Show the function only: the bound object may hold secrets."""
        return f"<cached {self._spec.signature.identity}>"


@final
class Cached(_Bindable[P, R]):
    """A cached function."""

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(
        self: "Callable[Concatenate[S, Q], R]", instance: S, owner: type | None = None
    ) -> "Cached[Q, R]": ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Self: ...
    def __get__(self, instance: object, owner: type | None = None) -> object:
        """Bind like a method."""
        return self._bound(instance, owner)

    def invalidate(self, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Remove the value for these arguments, in this process and in the whole fleet.

        A call that starts afterwards in this process never gets it, even when it was being loaded.
        Other processes get a message; while the shared tier is away, when it is back.

        Raises:
            TypeError: An argument is missing, unknown or cannot be part of a key.
        """
        run(lookup.invalidate(self._request(args, kwargs)))

    def peek(self, /, *args: P.args, **kwargs: P.kwargs) -> PeekResult[R] | None:
        """Return the cached value for these arguments without loading; None when there is none.

        Raises:
            TypeError: An argument is missing, unknown or cannot be part of a key.
        """
        return cast("PeekResult[R] | None", run(lookup.peek(self._request(args, kwargs))))


@final
class AsyncCached(_Bindable[P, Coroutine[Any, Any, R]], Generic[P, R]):
    """A cached coroutine function."""

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(
        self: "Callable[Concatenate[S, Q], Coroutine[Any, Any, R]]",
        instance: S,
        owner: type | None = None,
    ) -> "AsyncCached[Q, R]": ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Self: ...
    def __get__(self, instance: object, owner: type | None = None) -> object:
        """Bind like a method."""
        return self._bound(instance, owner)

    async def invalidate(self, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Remove the value for these arguments, as `Cached.invalidate` does."""
        await run_async(lookup.invalidate(self._request(args, kwargs)))

    async def peek(self, /, *args: P.args, **kwargs: P.kwargs) -> PeekResult[R] | None:
        """Return the cached value for these arguments, as `Cached.peek` does."""
        return cast(
            "PeekResult[R] | None", await run_async(lookup.peek(self._request(args, kwargs)))
        )


if TYPE_CHECKING:
    # A function that takes a class first is bound to one, even when read from the class.
    class OfClass(Generic[S, P, R]):
        """A cached class method."""

        def __call__(self, owner: type[S], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
        def __get__(self, instance: object, owner: type[S]) -> Cached[P, R]: ...
        def invalidate(self, owner: type[S], /, *args: P.args, **kwargs: P.kwargs) -> None: ...
        def peek(
            self, owner: type[S], /, *args: P.args, **kwargs: P.kwargs
        ) -> PeekResult[R] | None: ...

    class AsyncOfClass(Generic[S, P, R]):
        """A cached class method that is a coroutine function."""

        async def __call__(self, owner: type[S], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
        def __get__(self, instance: object, owner: type[S]) -> AsyncCached[P, R]: ...
        async def invalidate(
            self, owner: type[S], /, *args: P.args, **kwargs: P.kwargs
        ) -> None: ...
        async def peek(
            self, owner: type[S], /, *args: P.args, **kwargs: P.kwargs
        ) -> PeekResult[R] | None: ...


def make_cached(
    spec: CachedSpec, *, binding: Binding
) -> Cached[..., object] | AsyncCached[..., object]:
    """Return the cached function of `spec`; a coroutine function stays one."""
    find = spec.finder()

    def call(*args: object, **kwargs: object) -> object:
        entry = find(args, kwargs)
        if entry is None:
            return _value_or_raise(run(lookup.get_or_load(spec.request(args, kwargs))))
        return entry.value if entry.copier is None else entry.copier(entry.value)

    async def call_async(*args: object, **kwargs: object) -> object:
        entry = find(args, kwargs)
        if entry is None:
            return _value_or_raise(await run_async(lookup.get_or_load(spec.request(args, kwargs))))
        return entry.value if entry.copier is None else entry.copier(entry.value)

    if spec.is_async:
        return AsyncCached.of(spec, call_async, binding=binding)
    return Cached.of(spec, call, binding=binding)


def _value_or_raise(outcome: Outcome) -> object:
    """Return the value or raise the error."""
    try:
        if isinstance(outcome, Failed):
            raise outcome.error
        # Never `Abandoned` here: one of its waiters leads the next load.
        return outcome.get_value()  # type: ignore[union-attr]
    finally:
        del outcome  # it holds an error whose traceback holds this frame
