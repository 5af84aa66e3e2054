"""Return annotations: the codec for their values, and a fingerprint of their shape."""

import dataclasses
import datetime as dt
import inspect
import sys
from collections import abc
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    ForwardRef,
    Literal,
    NewType,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from uuid import UUID

_FORMAT: Final = b"1:"  # change it together with the format of a codec
_TIMES: Final = (dt.datetime, dt.date, dt.time, dt.timedelta)
_UNTYPED: Final = (None, Any, object, inspect.Signature.empty)
_SCALARS: Final = frozenset((*_TIMES, NoneType, bool, int, float, str, bytes, Decimal, UUID))
_ABSTRACT: Final = (
    *(abc.Mapping, abc.MutableMapping, abc.Sequence, abc.MutableSequence),
    *(abc.Set, abc.MutableSet, abc.Collection, abc.Iterable),
)
_COLLECTIONS: Final = frozenset((*_ABSTRACT, list, tuple, dict, set, frozenset))
_UNIONS: Final = (Union, UnionType)


def is_plain(annotation: object) -> bool:
    """Tell whether all values of `annotation` are plain data."""
    annotation = _unwrapped(annotation)
    if annotation in _UNTYPED or isinstance(annotation, TypeVar):
        return True
    if is_typeddict(annotation):
        return all(map(is_plain, _hints(cast("type", annotation)).values()))
    origin = get_origin(annotation)
    if origin is Literal:
        return all(type(value) in _SCALARS for value in get_args(annotation))
    if origin in _UNIONS or origin in _COLLECTIONS:
        return all(argument is ... or is_plain(argument) for argument in get_args(annotation))
    return annotation in _SCALARS or annotation in _COLLECTIONS


def is_frame(annotation: object) -> bool:
    """Tell whether all values of `annotation` are frames, series, arrays or None."""
    annotation = _unwrapped(annotation)
    if get_origin(annotation) in _UNIONS:
        members = set(get_args(annotation)) - {NoneType}
        return bool(members) and all(map(is_frame, members))
    cls = get_origin(annotation) or annotation
    # An annotation can only name a class of a library that is imported.
    pandas, numpy = sys.modules.get("pandas"), sys.modules.get("numpy")
    known = (getattr(pandas, "DataFrame", None), getattr(pandas, "Series", None))
    return cls is not None and cls in (*known, getattr(numpy, "ndarray", None))


def fingerprint_of(annotation: object) -> bytes:
    """Return 16 bytes that change with the shape of the values of `annotation`.

    Fields, their types and the members of Enums count; defaults and validators do not.

    Raises:
        TypeError: The annotation names a type that cannot be resolved.
    """
    return blake2b(_FORMAT + _shape(annotation, ()).encode(), digest_size=16).digest()


def _unwrapped(annotation: object) -> object:
    """Return the type behind an alias, a `NewType` or `Annotated`."""
    while True:
        alias = getattr(annotation, "__value__", None)
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif alias is None:
            return annotation
        else:
            annotation = alias


def _shape(annotation: object, enclosing: tuple[object, ...]) -> str:
    annotation = _unwrapped(annotation)
    if isinstance(annotation, str | ForwardRef):
        message = (
            f"the return annotation names {annotation!r}, which cannot be found where the "
            "function is: import it there"
        )
        raise TypeError(message)
    if annotation in _UNTYPED or isinstance(annotation, TypeVar):
        return "any"
    if get_origin(annotation) is Literal:
        return "|".join(map(_literal, get_args(annotation)))
    arguments = get_args(annotation)
    if arguments:
        return _name(get_origin(annotation)) + _listed(arguments, enclosing)
    if annotation in enclosing or not isinstance(annotation, type):
        return _name(annotation)
    return _name(annotation) + _fields(annotation, (*enclosing, annotation))


def _listed(annotations: abc.Iterable[object], enclosing: tuple[object, ...]) -> str:
    return f"[{','.join(_shape(annotation, enclosing) for annotation in annotations)}]"


def _fields(cls: type, enclosing: tuple[object, ...]) -> str:
    """Return the shape of the fields or members of a class."""
    if issubclass(cls, Enum):
        members = (f"{member.name}={_literal(member.value)}" for member in cls)
        return "{" + ",".join(members) + "}"
    hints = _hints(cls).items()
    return "{" + ",".join(f"{name}:{_shape(hint, enclosing)}" for name, hint in hints) + "}"


def _hints(cls: type) -> dict[str, object]:
    """Return the fields of a class and their types; empty when it has no fields."""
    known = getattr(cls, "model_fields", None)  # pydantic resolves more names than Python does
    if isinstance(known, dict):
        return {name: field.annotation for name, field in known.items()}
    if not (dataclasses.is_dataclass(cls) or is_typeddict(cls) or hasattr(cls, "_fields")):
        return {}
    try:
        return get_type_hints(cls)
    except NameError as exc:
        message = (
            f"a field of {_name(cls)} has a type that cannot be found ({exc.name}): import it "
            "where the class is"
        )
        raise TypeError(message) from exc


def _literal(value: object) -> str:
    """Return the text of a value; only its type when the text may show a memory address."""
    known = type(value) in _SCALARS or isinstance(value, Enum)
    return _name(type(value)) + (f"={value!r}" if known else "")


def _name(cls: object) -> str:
    module = getattr(cls, "__module__", "")
    return f"{module}.{getattr(cls, '__qualname__', repr(cls))}"
