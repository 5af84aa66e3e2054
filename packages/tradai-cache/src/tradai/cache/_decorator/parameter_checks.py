"""Checks of annotations at decoration: parameters that can be keyed, a codec for the result."""

import inspect
from collections import abc
from collections.abc import Callable
from functools import cached_property
from types import NoneType, SimpleNamespace, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    NewType,
    Protocol,
    Union,
    cast,
    final,
    get_args,
    get_origin,
    get_type_hints,
)

from tradai.cache._codecs.codec import Codec, codec_for
from tradai.cache._codecs.envelope import Payload
from tradai.cache._keys.digest import can_be_keyed

# Code, and objects that are consumed by reading.
_NOT_DATA: Final = (cast("type", abc.Callable), abc.Iterator, abc.AsyncIterable)


def annotations_of(function: Callable[..., object]) -> dict[str, object]:
    """Return the annotations of `function`; one that cannot be resolved yet stays text."""
    original = inspect.unwrap(function)
    scope: dict[str, object] = getattr(original, "__globals__", {})
    annotations: dict[str, object] = getattr(original, "__annotations__", {})
    return {name: _resolved(hint, scope) for name, hint in annotations.items()}


def check_parameters(function: Callable[..., object], hints: dict[str, object]) -> None:
    """Reject a function with a parameter whose values can never be part of a key.

    Raises:
        TypeError: There is such a parameter; the message names it.
    """
    for name, hint in hints.items():
        if name != "return" and _is_unkeyable(hint):
            message = (
                f"parameter {name!r} of {function.__qualname__} cannot be part of a key: expected "
                f"data, not {_shown(hint)}; give its class __cache_key__(), or leave it out by "
                "caching a function that does not take it"
            )
            raise TypeError(message)


@final
class LazyCodec:
    """Codec of a return annotation that can only be resolved at the first call.

    For example, a method that returns its own class, which does not exist at decoration.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        """Resolve the return annotation of `function` later."""
        self._function = function

    @cached_property
    def _codec(self) -> Codec:
        return codec_for(annotations_of(self._function)["return"])

    @property
    def fingerprint(self) -> bytes:
        """Bytes that change with the shape of the return type."""
        return self._codec.fingerprint

    def encode(self, value: object) -> Payload:
        """Return `value` as bytes."""
        return self._codec.encode(value)

    def decode(self, payload: Payload) -> object:
        """Return the value that was encoded."""
        return self._codec.decode(payload)


def _resolved(hint: object, scope: dict[str, object]) -> object:
    holder = SimpleNamespace(__annotations__={"hint": hint})
    try:
        return get_type_hints(holder, scope, include_extras=True)["hint"]
    # An annotation may be any expression, and raise anything.
    except Exception:  # noqa: BLE001
        return hint


def _is_unkeyable(hint: object) -> bool:
    if isinstance(hint, NewType):
        return _is_unkeyable(hint.__supertype__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _is_unkeyable(arguments[0])
    if origin in {Union, UnionType}:  # no useful parameter can only be None
        return all(map(_is_unkeyable, set(arguments) - {NoneType}))
    if isinstance(origin, type) and origin is not type:
        return _is_unkeyable(origin) or any(map(_is_unkeyable, arguments))
    return isinstance(hint, type) and _is_unkeyable_class(hint)


def _is_unkeyable_class(cls: type) -> bool:
    if issubclass(cls, _NOT_DATA):
        return True
    is_open = cls in {object, Any} or inspect.isabstract(cls) or Protocol in cls.__mro__
    return not is_open and not can_be_keyed(cls)


def _shown(hint: object) -> str:
    return hint.__qualname__ if isinstance(hint, type) else str(hint)
