"""What annotations of a function say before it is ever called."""

import inspect
from collections import abc
from collections.abc import Callable
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

__all__ = ["LazyCodec", "check_parameters", "hints_of"]

# Code, and what is used up by reading.
_NO_DATA: Final[tuple[type, ...]] = (
    cast("type", abc.Callable),
    abc.Iterator,
    abc.AsyncIterable,
)


def hints_of(function: Callable[..., object]) -> dict[str, object]:
    """Return the annotations of `function`; one that cannot be found yet stays text."""
    found = inspect.unwrap(function)
    scope: dict[str, object] = getattr(found, "__globals__", {})
    annotations: dict[str, object] = getattr(found, "__annotations__", {})
    return {name: _resolved(hint, scope) for name, hint in annotations.items()}


def check_parameters(function: Callable[..., object], hints: dict[str, object]) -> None:
    """Refuse a function that has a parameter no value of which can be part of a key.

    Raises:
        TypeError: The parameter is named.
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
    """The codec of a return annotation that cannot be found before the first call.

    So it is with a method that returns what its class will be.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        """Look at `function` when asked."""
        self._function = function
        self._codec: Codec | None = None

    @property
    def fingerprint(self) -> bytes:
        """What changes with the type."""
        return self._found().fingerprint

    def encode(self, value: object) -> Payload:
        """Return `value` as bytes."""
        return self._found().encode(value)

    def decode(self, payload: Payload) -> object:
        """Return what was encoded."""
        return self._found().decode(payload)

    def _found(self) -> Codec:
        if self._codec is None:
            self._codec = codec_for(hints_of(self._function)["return"])
        return self._codec


def _resolved(hint: object, scope: dict[str, object]) -> object:
    holder = SimpleNamespace(__annotations__={"hint": hint})
    try:
        return get_type_hints(holder, scope, include_extras=True)["hint"]
    # Any expression may stand there, and raise anything.
    except Exception:  # noqa: BLE001
        return hint


def _is_unkeyable(hint: object) -> bool:
    if isinstance(hint, NewType):
        return _is_unkeyable(hint.__supertype__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _is_unkeyable(arguments[0])
    if origin in {Union, UnionType}:  # nobody takes an argument that can only be None
        return all(map(_is_unkeyable, set(arguments) - {NoneType}))
    if isinstance(origin, type) and origin is not type:
        return _is_unkeyable(origin) or any(map(_is_unkeyable, arguments))
    return isinstance(hint, type) and _is_unkeyable_class(hint)


def _is_unkeyable_class(kind: type) -> bool:
    if issubclass(kind, _NO_DATA):
        return True
    is_open = kind in {object, Any} or inspect.isabstract(kind) or Protocol in kind.__mro__
    return not is_open and not can_be_keyed(kind)


def _shown(hint: object) -> str:
    return hint.__qualname__ if isinstance(hint, type) else str(hint)
