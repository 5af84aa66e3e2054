"""Cached functions: callables with the types of what they wrap, that bind like methods."""

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

from tradai.cache._calls.cached_spec import CachedSpec, CallRequest
from tradai.cache._calls.lookup import PeekResult, get_or_load, invalidate, peek
from tradai.cache._calls.signature import Values
from tradai.cache._calls.steps import run, run_async
from tradai.cache._decorator.fast_path import quick_call
from tradai.cache._memory.single_flight import Failed, Outcome

__all__ = ["AsyncCached", "Binding", "Cached"]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")

# To what a cached function in a class is bound.
Binding: TypeAlias = Literal["instance", "class", "nothing"]

if TYPE_CHECKING:

    class _Callable(Generic[P, R]):
        args: tuple[object, ...]
        func: Callable[..., object]

        def __new__(cls, call: Callable[..., object], /, *args: object) -> Self: ...
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

else:

    class _Callable(partial, Generic[P, R]):
        """A partial is called without a frame of its own, and is awaited like what is inside."""


class _Bindable(_Callable[P, R]):
    """A cached function, and the instance or class that it is bound to as its first argument."""

    _spec: CachedSpec
    _binding: Binding

    @classmethod
    def of(cls, spec: CachedSpec, call: Callable[..., object], *, binding: Binding) -> Self:
        """Return `call`, which answers for `spec`, dressed as the function itself."""
        cached = cls(call)
        cached._spec, cached._binding = spec, binding
        # It looks at names only, and takes any object.
        update_wrapper(cast("Any", cached), spec.signature.function)
        return cached

    def _bound(self, instance: object, owner: type | None) -> Self:
        """Return what ``instance.name`` or ``owner.name`` is."""
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
            # From 3.13 on, @classmethod does not bind what stands below it.
            if not isclass(first):
                name = signature.function.__qualname__
                message = (
                    f"{name} does not know its class: "
                    "write @classmethod below the cache's decorator"
                )
                raise TypeError(message)
        return self._spec.request(signature.values(given, kwargs))

    def __reduce__(self) -> str | tuple[object, ...]:
        """Pickle and copy by name, like a function."""
        if self.args:
            return getattr, (self.args[0], self._spec.signature.function.__name__)
        return self._spec.signature.function.__qualname__

    def __repr__(self) -> str:
        """Show which function it is; what it is bound to may hold anything."""
        return f"<cached {self._spec.signature.identity}>"


@final
class Cached(_Bindable[P, R]):
    """A cached function."""

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(
        self: "Cached[Concatenate[S, Q], R]", instance: S, owner: type | None = None
    ) -> "Cached[Q, R]": ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Self: ...
    def __get__(self, instance: object, owner: type | None = None) -> object:
        """Bind like a method."""
        return self._bound(instance, owner)

    def invalidate(self, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Remove the value for these arguments, here and in the whole fleet.

        A call that starts afterwards in this process never gets it, also when it was being loaded.
        Other processes are told by message; while the shared tier is away, when it is back.

        Raises:
            TypeError: An argument is missing, unknown or unkeyable.
        """
        run(invalidate(self._request(args, kwargs)))

    def peek(self, /, *args: P.args, **kwargs: P.kwargs) -> PeekResult[R] | None:
        """Return what is held for these arguments without loading; None when that is nothing.

        Raises:
            TypeError: An argument is missing, unknown or unkeyable.
        """
        return cast("PeekResult[R] | None", run(peek(self._request(args, kwargs))))


@final
class AsyncCached(_Bindable[P, Coroutine[Any, Any, R]], Generic[P, R]):
    """A cached coroutine function."""

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(
        self: "AsyncCached[Concatenate[S, Q], R]", instance: S, owner: type | None = None
    ) -> "AsyncCached[Q, R]": ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Self: ...
    def __get__(self, instance: object, owner: type | None = None) -> object:
        """Bind like a method."""
        return self._bound(instance, owner)

    async def invalidate(self, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Remove the value for these arguments, as `Cached.invalidate` does."""
        await run_async(invalidate(self._request(args, kwargs)))

    async def peek(self, /, *args: P.args, **kwargs: P.kwargs) -> PeekResult[R] | None:
        """Return what is held for these arguments, as `Cached.peek` does."""
        return cast("PeekResult[R] | None", await run_async(peek(self._request(args, kwargs))))


if TYPE_CHECKING:
    # What takes a class first is bound to one, also when it is reached by way of the class.
    class OfClass(Generic[S, P, R]):
        """A cached class method."""

        def __call__(self, kind: type[S], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
        def __get__(self, instance: object, owner: type[S]) -> Cached[P, R]: ...
        def invalidate(self, kind: type[S], /, *args: P.args, **kwargs: P.kwargs) -> None: ...
        def peek(
            self, kind: type[S], /, *args: P.args, **kwargs: P.kwargs
        ) -> PeekResult[R] | None: ...

    class AsyncOfClass(Generic[S, P, R]):
        """A cached class method that is a coroutine function."""

        async def __call__(self, kind: type[S], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
        def __get__(self, instance: object, owner: type[S]) -> AsyncCached[P, R]: ...
        async def invalidate(self, kind: type[S], /, *args: P.args, **kwargs: P.kwargs) -> None: ...
        async def peek(
            self, kind: type[S], /, *args: P.args, **kwargs: P.kwargs
        ) -> PeekResult[R] | None: ...


def cached(spec: CachedSpec, *, binding: Binding) -> Cached[..., object] | AsyncCached[..., object]:
    """Return `spec` as a function, in the way of the function that it caches."""

    def slow(values: Values) -> object:
        return _settled(run(get_or_load(spec.request(values))))

    async def slow_async(values: Values) -> object:
        return _settled(await run_async(get_or_load(spec.request(values))))

    call = quick_call(
        spec.signature,
        slow_async if spec.is_async else slow,
        entries=spec.aliases,
        counter=spec.counters,
        tier=spec.engine.generation_source,
        is_async=spec.is_async,
    )
    kind: type[Cached[..., object] | AsyncCached[..., object]]
    kind = AsyncCached if spec.is_async else Cached
    return kind.of(spec, call, binding=binding)


def _settled(outcome: Outcome) -> object:
    """Hand out the value or raise the error."""
    try:
        if isinstance(outcome, Failed):
            raise outcome.error
        # Never abandoned here: of those who wait for such a flight one leads the next.
        return outcome.get_value()  # type: ignore[union-attr]
    finally:
        del outcome  # it holds an error whose traceback holds this frame
