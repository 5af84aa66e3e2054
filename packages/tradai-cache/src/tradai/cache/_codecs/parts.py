"""Parts of a value: its items, and its attributes in Python, dataclasses and pydantic."""

from collections.abc import Mapping, Sequence, Set as AbstractSet
from dataclasses import fields, is_dataclass


def parts_of(value: object) -> list[object]:
    """Return the items and attributes of `value`; a class has no parts."""
    items: list[object] = []
    if isinstance(value, type):
        return items
    if isinstance(value, Mapping):
        items = [*value.keys(), *value.values()]
    elif isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes):
        items = [*value]
    return items + attribute_values(value)


def attribute_values(value: object) -> list[object]:
    """Return the attributes of `value`.

    pydantic keeps extra and private ones in dictionaries of their own, which can change.
    """
    values = [*getattr(value, "__dict__", {}).values()]
    if is_dataclass(value):
        values += [getattr(value, field.name, None) for field in fields(value)]
    separate = ("__pydantic_extra__", "__pydantic_private__")
    return values + [getattr(value, name) for name in separate if hasattr(value, name)]
