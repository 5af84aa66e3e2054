"""`Namespace`: cached functions under one name, version and policy."""

import inspect
import marshal
from collections.abc import Callable, Coroutine
from dataclasses import replace
from hashlib import blake2b
from types import CellType, CodeType, MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    final,
    overload,
)

from tradai.cache._calls.cached_spec import CachedSpec
from tradai.cache._calls.signature import Signature
from tradai.cache._codecs.codec import codec_for
from tradai.cache._decorator.cached_function import AsyncCached, Binding, Cached, make_cached
from tradai.cache._decorator.parameter_checks import LazyCodec, annotations_of, check_parameters
from tradai.cache._memory.cache_core import CacheCore
from tradai.cache._options.freshness import Candle, Freshness, freshness_of
from tradai.cache._options.policy import Policy
from tradai.cache._stats import CacheStats
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from tradai.cache._decorator.cached_function import AsyncOfClass, OfClass

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

_Method: TypeAlias = "classmethod[Any, ..., object] | staticmethod[..., object]"


class Decorator(Protocol):
    """Decorator that keeps the types of the function it caches."""

    # Type checkers take the first match, so the overlaps are harmless: a function of any object
    # also takes a class; one that takes a class first is a class method; a coroutine function is
    # a function.
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[object, P], Coroutine[Any, Any, R]], /
    ) -> AsyncCached[Concatenate[object, P], R]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[object, P], R], /
    ) -> Cached[Concatenate[object, P], R]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[type[S], P], Coroutine[Any, Any, R]], /
    ) -> "AsyncOfClass[S, P, R]": ...
    @overload
    def __call__(self, function: Callable[Concatenate[type[S], P], R], /) -> "OfClass[S, P, R]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> AsyncCached[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Cached[P, R]: ...


@final
class Namespace:
    """Cached values under one name and version; made by `Cache.namespace`."""

    def __init__(self, core: CacheCore, policy: Policy) -> None:
        """Create the namespace of `policy`."""
        self._core = core
        self._policy = policy
        self._functions: dict[str, Callable[..., object]] = {}

    def cached(
        self, *, ttl: float | Candle, jitter: float = 0.0, stale_for: float = 0.0
    ) -> Decorator:
        """Return a decorator that caches the results of a function by its arguments.

        It takes functions, coroutine functions, methods, class methods and static methods; put it
        above `classmethod` and `staticmethod`. The key holds the type and content of every
        argument, ``self`` included. Globals, the environment and other data that the function
        reads are not part of the key.

        Args:
            ttl: Seconds for which a value is fresh, or ``candle("1h")``: until that candle closes.
            jitter: Share of the ttl that may be cut off at random, from 0 up to but not 1, so that
                values loaded together do not all expire together.
            stale_for: Seconds after the ttl in which the old value is still served while a new one
                is loaded in the background.

        Raises:
            ValidationError: A number is out of its range, or another function of this name is
                cached in this namespace.
            TypeError: A parameter has a type that cannot be part of a key, no codec takes the
                return type, or the function is a generator.
        """
        freshness = freshness_of(ttl, jitter=jitter, stale_for=stale_for)

        def decorate(function: Any) -> Any:  # noqa: ANN401 - typed by `Decorator`
            return self._decorated(function, freshness)

        return decorate

    def clear(self) -> None:
        """Remove every value of this namespace, in this process and in the whole fleet.

        As with the ``invalidate`` of a function, a call that starts afterwards in this process
        never gets one of them.
        """
        name, tier = self._policy.namespace, self._core.tier
        self._core.drop_all(name)
        try:
            if tier is not None:
                tier.clear(name)
        finally:
            self._core.drop_all(name)

    def stats(self) -> CacheStats:
        """Return the counts of this process so far."""
        return self._core.stats(self._policy.namespace, self._policy.counters)

    def _decorated(
        self, function: "Callable[..., object] | _Method", freshness: Freshness
    ) -> Cached[..., object] | AsyncCached[..., object]:
        binding: Binding = "instance"
        if isinstance(function, classmethod | staticmethod):
            binding = "class" if isinstance(function, classmethod) else "nothing"
            function = function.__func__
        _check_callable(function)
        hints = annotations_of(function)
        check_parameters(function, hints)
        result = hints.get("return")
        signature = self._with_own_identity(Signature.of(function))
        spec = CachedSpec(
            core=self._core,
            policy=self._policy,
            signature=signature,
            freshness=freshness,
            codec=LazyCodec(function) if isinstance(result, str) else codec_for(result),
            is_async=inspect.iscoroutinefunction(function),
        )
        return make_cached(spec, binding=binding)

    def _with_own_identity(self, signature: Signature) -> Signature:
        """Return `signature` with an identity that no function of other code has in this process.

        A function that is defined again with other code, in a notebook or by a reload, gets its
        code into its identity, so that it is not served what the old code returned.

        Raises:
            ValidationError: A function of the same name closes over other values, or is another
                lambda: their values would be mixed up.
        """
        function = signature.function
        known = self._functions.setdefault(signature.identity, function)
        if known is function:
            return signature
        has_same_code = _code(known) == _code(function)
        differs = None
        if _closure_ids(known) != _closure_ids(function):
            differs = "closes over other values"
        elif "<" in function.__qualname__ and not has_same_code:
            differs = "has other code"
        if differs:
            message = (
                f"another {signature.identity} is cached in namespace {self._policy.namespace}, "
                f"and it {differs}: expected a namespace for each, or the difference as an argument"
            )
            raise ValidationError(message, field="function", expected="one function of a name")
        if has_same_code:
            return signature
        digest = blake2b(marshal.dumps(_code(function)), digest_size=8).hexdigest()
        return replace(signature, identity=f"{signature.identity} of code {digest}")


def _check_callable(function: Callable[..., object]) -> None:
    if not hasattr(function, "__qualname__"):
        message = (
            f"a {type(function).__qualname__} cannot be cached: expected a function, a method "
            "or a coroutine function"
        )
        raise TypeError(message)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        message = f"{function.__qualname__} yields: expected a function that returns its value"
        raise TypeError(message)


def _closure_ids(function: Callable[..., object]) -> dict[str, int]:
    """Return the ids of the objects that `function` closes over, by name.

    An id is not reused, because a cached function keeps its objects alive. A bound method closes
    over its instance.
    """
    if isinstance(function, MethodType):
        return {"self": id(function.__self__)}
    cells = getattr(function, "__closure__", None) or ()
    names: tuple[str, ...] = function.__code__.co_freevars if cells else ()
    # The function when it calls itself, and its class when it calls `super`.
    own = {"__class__", function.__name__}
    return {
        name: _cell_id(cell) for name, cell in zip(names, cells, strict=True) if name not in own
    }


def _code(function: object) -> CodeType | None:
    return getattr(function, "__code__", None)


def _cell_id(cell: CellType) -> int:
    try:
        return id(cell.cell_contents)
    except ValueError:  # the cell is still empty
        return id(cell)
