"""Copies of cached values that callers cannot share, and the estimated size of a value."""

import copy
import datetime as dt
import sys
from collections.abc import Callable, Iterable, Iterator, Set as AbstractSet
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache
from types import (
    BuiltinFunctionType,
    EllipsisType,
    FunctionType,
    MethodType,
    ModuleType,
    NoneType,
)
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from tradai.cache._codecs.parts import parts_of
from tradai.core import Secret

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_SIMPLE: Final = (str, bytes, int, float, complex, Decimal, dt.date, dt.time, dt.timedelta)
_IMMUTABLE: Final = (
    *(NoneType, EllipsisType, bool, range, UUID, dt.tzinfo, Enum, Secret, ZoneInfo, type),
)
_FUNCTIONS: Final = (FunctionType, BuiltinFunctionType, MethodType)
_UNBOUND: Final = (NoneType, ModuleType)  # a built-in function is bound to its module
_ATOMS: Final = frozenset((*_SIMPLE, dt.datetime, dt.timezone, *_IMMUTABLE))
_COPY_ON_WRITE: Final = 3  # from this version of pandas, a shallow copy is copied when written to


def private_copy(value: T) -> T:
    """Return a copy of `value` that no other code can reach; `value` itself when immutable.

    Raises:
        TypeError: A part of it cannot be copied.
    """
    if _is_immutable(value):
        return value
    for part in _walk(value):
        if isinstance(part, _FUNCTIONS) and not _is_immutable(part):
            raise _not_copyable(type(part))
    return cast("T", _deep_copy(value))


def copier_for(value: object) -> Callable[[object], object] | None:
    """Return a function that copies `value` for each caller; None when callers may share it."""
    if _is_immutable(value):
        return None
    for cls in (dict, list, set):
        if type(value) is cls and all(map(_is_immutable, parts_of(value))):
            return cast("Callable[[object], object]", cls.copy)
    return _frame_copier() if _is_frame(value) else _deep_copy


def size_of(value: object) -> int:
    """Return about how many bytes of memory `value` takes; shared parts count once."""
    return sum(map(_own_size, _walk(value)))


def _walk(value: object) -> Iterator[object]:
    """Yield `value` and all its parts, shared ones once; no classes, and no cells of frames."""
    visited, pending = set[int](), [value]
    while pending:
        item = pending.pop()
        if id(item) in visited or isinstance(item, type):
            continue
        visited.add(id(item))
        yield item
        if type(item) not in _ATOMS and _library(item) is None:
            pending.extend(parts_of(item))


def _own_size(value: object) -> int:
    if _is_frame(value):
        used: Any = cast("pd.DataFrame", value).memory_usage(deep=True)
        return int(used if isinstance(used, int) else used.sum())
    # `sys.getsizeof` does not count the memory behind an array that is a view.
    return max(sys.getsizeof(value), getattr(value, "nbytes", 0) if _library(value) else 0)


def _is_immutable(value: object) -> bool:
    """Tell whether `value` and all its parts are immutable."""
    cls = type(value)
    if cls in _ATOMS or isinstance(value, _IMMUTABLE):
        return True
    if isinstance(value, _FUNCTIONS):
        # All that have the function share what it closes over, or is bound to.
        bound_to = getattr(value, "__self__", None)
        return not getattr(value, "__closure__", None) and isinstance(bound_to, _UNBOUND)
    if isinstance(value, _SIMPLE):
        return not hasattr(value, "__dict__")
    if isinstance(value, tuple | dict | AbstractSet):
        # A hashable container promises not to change, but its own attributes could still be set.
        is_hashable = getattr(cls, "__hash__", None) is not None
        is_frozen = is_hashable and not hasattr(value, "__dict__")
    else:
        is_frozen = _is_frozen_record(value)
    return is_frozen and all(map(_is_immutable, parts_of(value)))


def _is_frozen_record(value: object) -> bool:
    """Tell whether `value` is a dataclass or model that keeps nothing but its set fields."""
    cls = type(value)
    parameters = getattr(value, "__dataclass_params__", None)
    config: object = getattr(cls, "model_config", None)
    if parameters is not None:
        is_frozen = bool(parameters.frozen)
    else:
        is_frozen = isinstance(config, dict) and config.get("frozen") is True
    # A class is hashable, even when its instances are not.
    return is_frozen and not _has_own_state(cls)  # type: ignore[arg-type]


@lru_cache
def _has_own_state(cls: type) -> bool:
    """Tell whether instances keep private attributes or the results of cached properties."""
    members = (member for base in cls.__mro__ for member in vars(base).values())
    has_cached = any(isinstance(member, cached_property) for member in members)
    return has_cached or bool(getattr(cls, "__private_attributes__", None))


def _deep_copy(value: object) -> object:
    cls = type(value)
    if cls in _ATOMS:
        return value
    if cls is dict:
        return {key: _deep_copy(item) for key, item in cast("dict[object, object]", value).items()}
    if cls in (list, tuple, set, frozenset):
        return cls(map(_deep_copy, cast("Iterable[object]", value)))
    if _is_frame(value):
        _check_cells(value)
        return _frame_copier()(value)
    try:
        return copy.deepcopy(value)
    except TypeError as exc:
        raise _not_copyable(cls) from exc


def _not_copyable(cls: type) -> TypeError:
    message = (
        f"a value holds a {cls.__module__}.{cls.__qualname__}, which cannot be copied: "
        "cache plain data, models, dataclasses or frames"
    )
    return TypeError(message)


def _frame_copier() -> Callable[[object], object]:
    import pandas as pd

    is_deep = int(pd.__version__.partition(".")[0]) < _COPY_ON_WRITE
    return lambda frame: cast("pd.DataFrame", frame).copy(deep=is_deep)


def _check_cells(frame: object) -> None:
    """Reject mutable cells: pandas copies a frame, but never the objects in its cells."""
    import pandas as pd

    columns = [frame] if isinstance(frame, pd.Series | pd.Index) else []
    if isinstance(frame, pd.DataFrame):
        columns = [frame.iloc[:, position] for position in range(frame.shape[1])]
    for column in columns:
        if column.dtype == object and not all(map(_is_immutable, column)):
            message = "a frame has cells that can change, such as lists: expected numbers and text"
            raise TypeError(message)


def _is_frame(value: object) -> bool:
    """Tell whether `value` is a frame, a series or an index of pandas itself."""
    if _library(value) != "pandas":
        return False
    import pandas as pd

    return isinstance(value, pd.DataFrame | pd.Series | pd.Index)


def _library(value: object) -> str | None:
    """Return ``numpy`` or ``pandas`` for their types, by name: neither is imported unless used."""
    name = type(value).__module__.partition(".")[0]
    return name if name in ("numpy", "pandas") else None
