"""How arrays of NumPy are written for a digest: shape, type, and every byte.

Imported with the first array or frame that is part of a key, and with it NumPy, which is there.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from tradai.cache._keys.scalars import Write, not_keyable, write_tagged

__all__ = ["WriteValue", "Writer", "write_array", "write_items", "write_number", "write_numpy"]

WriteValue: TypeAlias = Callable[[Write, object], None]
# Arrays and frames are written by their own type each; their libraries give them no common one.
Writer: TypeAlias = Callable[[Write, Any, WriteValue], None]


def write_numpy(write: Write, value: object, write_value: WriteValue) -> None:
    """Write an array or a number of NumPy.

    Raises:
        TypeError: Its type has no exact writing.
    """
    write_tagged(write, b"Y", type(value).__name__.encode())
    if type(value) is np.ndarray:
        write_array(write, value, write_value)
    elif isinstance(value, np.generic):
        write_number(write, value, write_value)
    else:
        raise not_keyable(type(value))


def write_array(write: Write, value: "np.ndarray[Any, Any]", write_value: WriteValue) -> None:
    """Write an array; its order in memory does not matter."""
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
    """Write a scalar as the array that it is."""
    write_array(write, np.asarray(value), write_value)
