"""What a return annotation says about values: which codec takes them, and what shape they have."""

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

__all__ = ["fingerprint_of", "is_frame", "is_plain"]

_FORMAT: Final = b"1:"  # changes with what codecs write
_TIMES: Final = (dt.datetime, dt.date, dt.time, dt.timedelta)
_ANYTHING: Final = (None, Any, object, inspect.Signature.empty)
_SCALARS: Final = frozenset((*_TIMES, NoneType, bool, int, float, str, bytes, Decimal, UUID))
_ABSTRACT: Final = (
    *(abc.Mapping, abc.MutableMapping, abc.Sequence, abc.MutableSequence),
    *(abc.Set, abc.MutableSet, abc.Collection, abc.Iterable),
)
_COLLECTIONS: Final = frozenset((*_ABSTRACT, list, tuple, dict, set, frozenset))
_UNIONS: Final = (Union, UnionType)


def is_plain(annotation: object) -> bool:
    """Tell whether all such values are plain data."""
    annotation = _bare(annotation)
    if annotation in _ANYTHING or isinstance(annotation, TypeVar):
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
    """Tell whether all such values are frames, series or arrays, or None."""
    annotation = _bare(annotation)
    if get_origin(annotation) in _UNIONS:
        kinds = set(get_args(annotation)) - {NoneType}
        return bool(kinds) and all(map(is_frame, kinds))
    kind = get_origin(annotation) or annotation
    # Who has none of them imported cannot have named one.
    pandas, numpy = sys.modules.get("pandas"), sys.modules.get("numpy")
    known = (getattr(pandas, "DataFrame", None), getattr(pandas, "Series", None))
    return kind is not None and kind in (*known, getattr(numpy, "ndarray", None))


def fingerprint_of(annotation: object) -> bytes:
    """Return 16 bytes that change when the shape of such values does.

    Fields, their types and the members of Enums count; defaults and validators do not.

    Raises:
        TypeError: The annotation names a type that cannot be found.
    """
    return blake2b(_FORMAT + _shape(annotation, ()).encode(), digest_size=16).digest()


def _bare(annotation: object) -> object:
    """Return what an alias, a `NewType` or `Annotated` stands for."""
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


def _shape(annotation: object, around: tuple[object, ...]) -> str:
    annotation = _bare(annotation)
    if isinstance(annotation, str | ForwardRef):
        message = (
            f"the return annotation names {annotation!r}, which cannot be found where the "
            "function is: import it there"
        )
        raise TypeError(message)
    if annotation in _ANYTHING or isinstance(annotation, TypeVar):
        return "any"
    if get_origin(annotation) is Literal:
        return "|".join(map(_literal, get_args(annotation)))
    arguments = get_args(annotation)
    if arguments:
        return _name(get_origin(annotation)) + _listed(arguments, around)
    if annotation in around or not isinstance(annotation, type):
        return _name(annotation)
    return _name(annotation) + _fields(annotation, (*around, annotation))


def _listed(annotations: abc.Iterable[object], around: tuple[object, ...]) -> str:
    return f"[{','.join(_shape(annotation, around) for annotation in annotations)}]"


def _fields(kind: type, around: tuple[object, ...]) -> str:
    """Return the shape of what is inside a class."""
    if issubclass(kind, Enum):
        members = (f"{member.name}={_literal(member.value)}" for member in kind)
        return "{" + ",".join(members) + "}"
    hints = _hints(kind).items()
    return "{" + ",".join(f"{name}:{_shape(hint, around)}" for name, hint in hints) + "}"


def _hints(kind: type) -> dict[str, object]:
    """Return the fields of a class and their types; none when it is no record."""
    known = getattr(kind, "model_fields", None)  # pydantic sees more names than Python does
    if isinstance(known, dict):
        return {name: field.annotation for name, field in known.items()}
    if not (dataclasses.is_dataclass(kind) or is_typeddict(kind) or hasattr(kind, "_fields")):
        return {}
    try:
        return get_type_hints(kind)
    except NameError as exc:
        message = (
            f"a field of {_name(kind)} has a type that cannot be found ({exc.name}): import it "
            "where the class is"
        )
        raise TypeError(message) from exc


def _literal(value: object) -> str:
    """Return the text of a value; an object of another kind may show where it is in memory."""
    known = type(value) in _SCALARS or isinstance(value, Enum)
    return _name(type(value)) + (f"={value!r}" if known else "")


def _name(kind: object) -> str:
    module = getattr(kind, "__module__", "")
    return f"{module}.{getattr(kind, '__qualname__', repr(kind))}"
