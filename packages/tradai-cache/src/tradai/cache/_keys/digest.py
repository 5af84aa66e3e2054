"""Digests of values: equal exactly for equal values of equal types, in every process.

Each value is encoded as the tag of its type, its length and its content, so that no two values have
the same encoding; the encoding is hashed. A value without an exact encoding is rejected: a key made
from a `repr` would return the answer for one frame to a call with another.
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

from tradai.cache._keys.scalars import SCALARS, Write, class_name, not_keyable, write_tagged
from tradai.core import Timeframe

if TYPE_CHECKING:
    from pydantic import BaseModel

_SIZE: Final = 16
_ABSENT: Final = object()
_WITH_ARRAYS: Final = frozenset({"numpy", "pandas"})


def digest_of(*parts: object) -> bytes:
    """Return a digest of 16 bytes of `parts`, their types and their order.

    Raises:
        TypeError: A part is, or contains, a value of a type without an exact encoding.
    """
    return _digest(_SIZE, parts)


def can_be_keyed(cls: type) -> bool:
    """Tell whether values of exactly this class can have an exact encoding."""
    if cls in _WRITERS or issubclass(cls, type) or _library(cls) in _WITH_ARRAYS:
        return True
    try:
        _object_writer(cls)
    except TypeError:
        return False
    return True


def can_be_looked_up_by_equality(value: object) -> bool:
    """Tell whether every equal value of the same type has the same digest."""
    cls = type(value)
    if cls in _ALIAS_SAFE:
        return True
    if cls is float:
        return value == value and value != 0.0  # noqa: PLR0124 - neither NaN nor a signed zero
    return isinstance(value, Enum) and cls.__eq__ in {object.__eq__, str.__eq__, int.__eq__}


def _digest(size: int, parts: Iterable[object]) -> bytes:
    hasher = blake2b(digest_size=size)
    try:
        for part in parts:
            _value(hasher.update, part)
    except RecursionError:
        raise TypeError("a value that contains itself cannot be part of a key") from None
    return hasher.digest()


def _value(write: Write, value: object) -> None:
    writer = _WRITERS.get(type(value))
    if writer is not None:
        writer(write, value)
    else:
        _write_object(write, value)


def _sequence(write: Write, value: list[object] | tuple[object, ...]) -> None:
    write(b"%s%d:" % (b"l" if isinstance(value, list) else b"p", len(value)))
    for item in value:
        _value(write, item)


def _dict(write: Write, value: dict[object, object]) -> None:
    """Write the items in their order, which a function may read: columns, a query string."""
    write(b"m%d:" % len(value))
    for key, item in value.items():
        _value(write, key)
        _value(write, item)


def _unordered(write: Write, tag: bytes, items: Iterable[object]) -> None:
    """Write `items` sorted by digest, so that their own order does not matter."""
    write_tagged(write, tag, b"".join(sorted(_digest(2 * _SIZE, (item,)) for item in items)))


def _write_object(write: Write, value: object) -> None:
    """Write a value without a writer for its exact type, tagged with its class."""
    cls = type(value)
    if isinstance(value, type):
        write_tagged(write, b"c", class_name(value))
    elif _library(cls) in _WITH_ARRAYS:
        _array_writer(cls)(write, value, _value)
    else:
        write_tagged(write, b"C", class_name(cls))
        _object_writer(cls)(write, value)


def _library(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _array_writer(cls: type) -> Callable[..., None]:
    """Return the writer of arrays or frames; only a call with one pays for the import."""
    if _library(cls) == "numpy":
        from tradai.cache._keys.arrays import write_numpy

        return write_numpy
    from tradai.cache._keys.frames import write_frame

    return write_frame


def _object_writer(cls: type) -> Callable[..., None]:
    if issubclass(cls, Enum):
        return _enum
    if hasattr(cls, "__cache_key__"):
        return _custom_key
    if issubclass(cls, Timeframe | PurePath):
        return _text
    plain = next((base for base in cls.__mro__ if base in _WRITERS), None)
    if plain is not None:
        return _base_writer(cls, plain)
    if is_dataclass(cls):
        return _dataclass
    if hasattr(cls, "__pydantic_fields__"):
        return _model
    raise not_keyable(cls)


def _enum(write: Write, value: Enum) -> None:
    # A combination of flags may have no name.
    _value(write, value.value if isinstance(value, Flag) else value.name)


def _custom_key(write: Write, value: object) -> None:
    own_key: Callable[[], object] = getattr(value, "__cache_key__")  # noqa: B009 - not on `object`
    _value(write, own_key())


def _text(write: Write, value: object) -> None:
    """Write a value that its text describes completely."""
    _value(write, str.__str__(value) if isinstance(value, str) else str(value))


def _base_writer(cls: type, plain: type) -> Callable[..., None]:
    """Return the writer of the base class of `cls`, which must not add state of its own."""
    if cls.__basicsize__ != plain.__basicsize__ or cls.__dictoffset__ != plain.__dictoffset__:
        raise not_keyable(cls, f"it may hold more than a {plain.__name__}")
    return _WRITERS[plain]


def _dataclass(write: Write, value: object) -> None:
    # `_object_writer` has checked that it is a dataclass.
    names = [field.name for field in fields(value)]  # type: ignore[arg-type]
    _check_attributes(value, names)
    _attributes(write, value, names)


def _model(write: Write, value: "BaseModel") -> None:
    _attributes(write, value, type(value).__pydantic_fields__)
    _value(write, value.__pydantic_extra__)
    _value(write, value.__pydantic_private__)
    # A function may depend on it, as with `model_dump(exclude_unset=True)`.
    _value(write, value.__pydantic_fields_set__)


def _attributes(write: Write, value: object, names: Iterable[str]) -> None:
    for name in names:
        attribute = getattr(value, name, _ABSENT)
        write_tagged(write, b"A" if attribute is _ABSENT else b"k", name.encode())
        if attribute is not _ABSENT:
            _value(write, attribute)
    write(b".")


@lru_cache
def _slots(cls: type) -> frozenset[str]:
    """Return the slots of a class and its bases, without those of Python itself."""
    return frozenset(
        name
        for base in cls.__mro__
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType) and not name.startswith("__")
    )


def _check_attributes(value: object, names: Iterable[str]) -> None:
    """Reject attributes that are not fields, unless they are cached properties."""
    # A class is hashable, even when its instances are not.
    slots = _slots(type(value))  # type: ignore[arg-type]
    present = {*getattr(value, "__dict__", ()), *(name for name in slots if hasattr(value, name))}
    for name in present - set(names):
        if not isinstance(getattr_static(type(value), name, None), cached_property):
            raise not_keyable(type(value), f"{name!r} is not one of its fields")


_WRITERS: Final[dict[type, Callable[..., None]]] = {
    **SCALARS,
    tuple: _sequence,
    list: _sequence,
    dict: _dict,
    set: lambda write, value: _unordered(write, b"h", value),
    frozenset: lambda write, value: _unordered(write, b"H", value),
}
_ALIAS_SAFE: Final = frozenset({type(None), bool, int, str, bytes, Timeframe})
