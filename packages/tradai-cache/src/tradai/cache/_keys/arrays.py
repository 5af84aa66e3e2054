"""NumPy arrays in a digest: shape, type and every byte.

Imported with the first array or frame that is part of a key, when NumPy is loaded anyway.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from tradai.cache._keys.scalars import Write, not_keyable, write_tagged

WriteValue: TypeAlias = Callable[[Write, object], None]
# Each type of array and frame has its own writer; their libraries have no common base class.
Writer: TypeAlias = Callable[[Write, Any, WriteValue], None]


def write_numpy(write: Write, value: object, write_value: WriteValue) -> None:
    """Write an array or a scalar of NumPy.

    Raises:
        TypeError: Its type has no exact encoding.
    """
    write_tagged(write, b"Y", type(value).__name__.encode())
    if type(value) is np.ndarray:
        write_array(write, value, write_value)
    elif isinstance(value, np.generic):
        write_number(write, value, write_value)
    else:
        raise not_keyable(type(value))


def write_array(write: Write, value: "np.ndarray[Any, Any]", write_value: WriteValue) -> None:
    """Write an array, independent of its order in memory."""
    if value.dtype.hasobject:
        write_items(write, value.shape, value.ravel().tolist(), write_value)
        return
    if value.dtype.kind == "V":
        raise not_keyable(type(value), "records may have bytes between their fields")
    write_tagged(write, b"x", value.dtype.str.encode())
    write_value(write, value.shape)
    write_tagged(write, b"B", np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)


def write_items(
    write: Write, shape: tuple[int, ...], items: Iterable[object], write_value: WriteValue
) -> None:
    """Write objects one by one."""
    write_value(write, shape)
    for item in items:
        write_value(write, item)


def write_number(write: Write, value: np.generic, write_value: WriteValue) -> None:
    """Write a scalar as an array without dimensions."""
    write_array(write, np.asarray(value), write_value)
