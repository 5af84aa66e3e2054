"""Digests of values: equal for equal values of equal types in every process, and for no others.

No two values are written alike, since each is written as the tag of its type, its length and its
content; then the writing is hashed. What has no exact writing is refused: a key made from a `repr`
gives one frame's answer for another's.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from enum import Enum, Flag
from functools import cached_property, lru_cache
from hashlib import blake2b
from inspect import getattr_static
from pathlib import PurePath
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Final

from tradai.cache._keys.scalars import SCALARS, Write, name_of, piece, refusal
from tradai.core import Timeframe

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["can_be_keyed", "digest_of", "is_alias_safe"]

_SIZE: Final = 16
_ABSENT: Final = object()
_WITH_ARRAYS: Final = frozenset({"numpy", "pandas"})


def digest_of(*parts: object) -> bytes:
    """Return 16 bytes that stand for `parts`, their types and their order.

    Raises:
        TypeError: A part is, or holds, a value of a type that has no exact writing.
    """
    return _digest(_SIZE, parts)


def can_be_keyed(kind: type) -> bool:
    """Tell whether values of exactly this class may have an exact writing."""
    if kind in _EXACTLY or issubclass(kind, type) or _library(kind) in _WITH_ARRAYS:
        return True
    try:
        _object(kind)
    except TypeError:
        return False
    return True


def is_alias_safe(value: object) -> bool:
    """Tell whether every value that equals this one and has its type has its digest too."""
    kind = type(value)
    if kind in _EXACT:
        return True
    if kind is float:
        return value == value and value != 0.0  # noqa: PLR0124 - neither NaN nor a signed zero
    return isinstance(value, Enum) and kind.__eq__ in {object.__eq__, str.__eq__, int.__eq__}


def _digest(size: int, parts: Iterable[object]) -> bytes:
    hasher = blake2b(digest_size=size)
    try:
        for part in parts:
            _value(hasher.update, part)
    except RecursionError:
        raise TypeError("a value that holds itself cannot be part of a key") from None
    return hasher.digest()


def _value(write: Write, value: object) -> None:
    writer = _EXACTLY.get(type(value))
    if writer is not None:
        writer(write, value)
    else:
        _other(write, value)


def _sequence(write: Write, value: list[object] | tuple[object, ...]) -> None:
    write(b"%s%d:" % (b"l" if isinstance(value, list) else b"p", len(value)))
    for item in value:
        _value(write, item)


def _unordered(write: Write, tag: bytes, items: Iterable[object]) -> None:
    """Write `items` in the order of their digests, which is the same whatever theirs was."""
    piece(write, tag, b"".join(sorted(_digest(2 * _SIZE, (item,)) for item in items)))


def _dict(write: Write, value: dict[object, object]) -> None:
    _unordered(write, b"m", value.items())


def _set(write: Write, value: set[object]) -> None:
    _unordered(write, b"h", value)


def _frozenset(write: Write, value: frozenset[object]) -> None:
    _unordered(write, b"H", value)


def _other(write: Write, value: object) -> None:
    """Write a value of a type that is nobody's exact business, tagged with its class."""
    kind = type(value)
    if isinstance(value, type):
        piece(write, b"c", name_of(value))
    elif _library(kind) in _WITH_ARRAYS:
        _array_writer(kind)(write, value, _value)
    else:
        piece(write, b"C", name_of(kind))
        _object(kind)(write, value)


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _array_writer(kind: type) -> Callable[..., None]:
    """Return what writes arrays or frames: nobody pays for the import who has none of them."""
    if _library(kind) == "numpy":
        from tradai.cache._keys.arrays import write_numpy

        return write_numpy
    from tradai.cache._keys.frames import write_frame

    return write_frame


def _object(kind: type) -> Callable[..., None]:
    if issubclass(kind, Enum):
        return _enum
    if hasattr(kind, "__cache_key__"):
        return _by_own_key
    if issubclass(kind, Timeframe | PurePath):
        return _text
    plain = next((base for base in kind.__mro__ if base in _EXACTLY), None)
    if plain is not None:
        return _like(kind, plain)
    if is_dataclass(kind):
        return _dataclass
    if hasattr(kind, "__pydantic_fields__"):
        return _model
    raise refusal(kind)


def _enum(write: Write, value: Enum) -> None:
    # What flags make together has no name of its own.
    _value(write, value.value if isinstance(value, Flag) else value.name)


def _by_own_key(write: Write, value: object) -> None:
    own_key: Callable[[], object] = getattr(value, "__cache_key__")  # noqa: B009 - not on `object`
    _value(write, own_key())


def _text(write: Write, value: object) -> None:
    """Write what its text tells all about."""
    _value(write, str.__str__(value) if isinstance(value, str) else str(value))


def _like(kind: type, plain: type) -> Callable[..., None]:
    """Return the writer of the base of `kind`, which must not add anything that could differ."""
    if kind.__basicsize__ != plain.__basicsize__ or kind.__dictoffset__ != plain.__dictoffset__:
        raise refusal(kind, f"it may hold more than the {plain.__name__} that it is")
    return _EXACTLY[plain]


def _dataclass(write: Write, value: object) -> None:
    # `is_dataclass` of its type has been asked.
    names = [field.name for field in fields(value)]  # type: ignore[arg-type]
    _no_more_than(value, names)
    _attributes(write, value, names)


def _model(write: Write, value: "BaseModel") -> None:
    _attributes(write, value, type(value).__pydantic_fields__)
    _value(write, value.__pydantic_extra__)
    _value(write, value.__pydantic_private__)
    # A function may look at it, as by `model_dump(exclude_unset=True)`.
    _value(write, value.__pydantic_fields_set__)


def _attributes(write: Write, value: object, names: Iterable[str]) -> None:
    for name in names:
        held = getattr(value, name, _ABSENT)
        piece(write, b"A" if held is _ABSENT else b"k", name.encode())
        if held is not _ABSENT:
            _value(write, held)
    write(b".")


@lru_cache
def _slots(kind: type) -> frozenset[str]:
    """Return the names of the slots of a class and its bases, but not of Python's own."""
    found = (item for base in kind.__mro__ for item in vars(base).items())
    return frozenset(
        name
        for name, what in found
        if isinstance(what, MemberDescriptorType) and not name.startswith("__")
    )


def _no_more_than(value: object, names: Iterable[str]) -> None:
    """Refuse attributes beside the fields, unless they are computed from them."""
    # Classes can be hashed, whatever their instances can.
    slots = _slots(type(value))  # type: ignore[arg-type]
    held = {*getattr(value, "__dict__", ()), *(name for name in slots if hasattr(value, name))}
    for name in held - set(names):
        if not isinstance(getattr_static(type(value), name, None), cached_property):
            raise refusal(type(value), f"{name!r} is none of its fields")


_EXACTLY: Final[dict[type, Callable[..., None]]] = {
    **SCALARS,
    tuple: _sequence,
    list: _sequence,
    dict: _dict,
    set: _set,
    frozenset: _frozenset,
}
_EXACT: Final = frozenset({type(None), bool, int, str, bytes, Timeframe})
