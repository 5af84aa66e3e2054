"""Copies of values that nobody else can reach, how to hand them out, and how big they are."""

import copy
import datetime as dt
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from types import BuiltinFunctionType, EllipsisType, FunctionType, NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from tradai.core import Secret

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["copier_for", "private_copy", "size_of"]

T = TypeVar("T")

_SIMPLE: Final = (str, bytes, int, float, complex, Decimal, dt.date, dt.time, dt.timedelta)
_FIXED: Final = (
    *(NoneType, EllipsisType, bool, range, UUID, dt.tzinfo, Enum, Secret, ZoneInfo, type),
    *(FunctionType, BuiltinFunctionType),
)
_ATOMS: Final = frozenset((*_SIMPLE, dt.datetime, dt.timezone, *_FIXED))
_BUFFERED: Final = 3  # from this version of pandas on a shallow copy is copied when written to


def private_copy(value: T) -> T:
    """Return a copy of `value` that nobody else can reach; `value` itself when it cannot change.

    Raises:
        TypeError: There is something inside that cannot be copied.
    """
    return value if _is_fixed(value) else cast("T", _copied(value))


def copier_for(value: object) -> Callable[[object], object] | None:
    """Return what makes a copy of `value` for each caller; None when all may have it as it is."""
    if _is_fixed(value):
        return None
    for kind in (dict, list, set):
        if type(value) is kind and all(map(_is_fixed, _items(value))):
            return cast("Callable[[object], object]", kind.copy)
    return _frame_copier() if _is_frame(value) else _copied


def size_of(value: object) -> int:
    """Return about how many bytes of memory `value` takes; what is in it twice counts once."""
    total, visited, waiting = 0, set[int](), [value]
    while waiting:
        item = waiting.pop()
        if id(item) in visited or isinstance(item, type):
            continue
        visited.add(id(item))
        total += _own_size(item)
        if type(item) not in _ATOMS and _vendor(item) is None:
            waiting.extend(_items(item))
    return total


def _own_size(value: object) -> int:
    if _is_frame(value):
        used: Any = cast("pd.DataFrame", value).memory_usage(deep=True)
        return int(used if isinstance(used, int) else used.sum())
    # An array that is a view does not count what it looks at.
    return max(sys.getsizeof(value), getattr(value, "nbytes", 0) if _vendor(value) else 0)


def _is_fixed(value: object) -> bool:
    """Tell whether `value` cannot change, all the way down."""
    kind = type(value)
    if kind in _ATOMS or isinstance(value, _FIXED):
        return True
    if isinstance(value, _SIMPLE):
        return not getattr(value, "__dict__", None)
    if isinstance(value, tuple | dict | AbstractSet):
        # What can be hashed has promised not to change; attributes of its own it might still set.
        is_hashable = getattr(kind, "__hash__", None) is not None
        is_frozen = is_hashable and not hasattr(value, "__dict__")
    else:
        is_frozen = _is_frozen_record(value)
    return is_frozen and all(map(_is_fixed, _items(value)))


def _is_frozen_record(value: object) -> bool:
    """Tell whether `value` is a dataclass or model whose fields cannot be set."""
    parameters = getattr(value, "__dataclass_params__", None)
    if parameters is not None:
        return bool(parameters.frozen)
    settings: object = getattr(type(value), "model_config", None)
    return isinstance(settings, dict) and settings.get("frozen") is True


def _items(value: object) -> Iterable[object]:
    """Return what is directly inside `value`.

    pydantic keeps extra and private things in dictionaries of their own, which can be changed.
    """
    if isinstance(value, Mapping):
        yield from (item for pair in value.items() for item in pair)
    elif isinstance(value, Sequence | AbstractSet) and not isinstance(value, _SIMPLE):
        yield from value
    if is_dataclass(value):
        yield from (getattr(value, field.name, None) for field in fields(value))
    yield from vars(value).values() if hasattr(value, "__dict__") else ()
    yield getattr(value, "__pydantic_extra__", None)
    yield getattr(value, "__pydantic_private__", None)


def _copied(value: object) -> object:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {key: _copied(item) for key, item in cast("dict[object, object]", value).items()}
    if kind in (list, tuple, set, frozenset):
        return kind(map(_copied, cast("Iterable[object]", value)))
    if _is_frame(value):
        return _frame_copier()(_with_fixed_cells(value))
    try:
        return copy.deepcopy(value)
    except TypeError as exc:
        message = (
            f"a value holds a {kind.__module__}.{kind.__qualname__}, which cannot be copied: "
            "cache plain data, models, dataclasses or frames"
        )
        raise TypeError(message) from exc


def _frame_copier() -> Callable[[object], object]:
    import pandas as pd

    is_deep = int(pd.__version__.partition(".")[0]) < _BUFFERED
    return lambda frame: cast("pd.DataFrame", frame).copy(deep=is_deep)


def _with_fixed_cells(frame: object) -> object:
    """Return `frame` itself; pandas copies a frame, but never what its cells refer to."""
    import pandas as pd

    parts = [frame] if isinstance(frame, pd.Series | pd.Index) else []
    if isinstance(frame, pd.DataFrame):
        parts = [frame.iloc[:, place] for place in range(frame.shape[1])]
    for part in parts:
        if part.dtype == object and not all(map(_is_fixed, part)):
            message = "a frame has cells that can change, such as lists: expected numbers and text"
            raise TypeError(message)
    return frame


def _is_frame(value: object) -> bool:
    """Tell whether `value` is a frame, a series or an index of pandas itself."""
    if _vendor(value) != "pandas":
        return False
    import pandas as pd

    return isinstance(value, pd.DataFrame | pd.Series | pd.Index)


def _vendor(value: object) -> str | None:
    """Return whose type it is, so that nothing is imported that is not in use."""
    name = type(value).__module__.partition(".")[0]
    return name if name in ("numpy", "pandas") else None
