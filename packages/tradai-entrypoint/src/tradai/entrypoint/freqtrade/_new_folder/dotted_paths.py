"""Values of nested objects by their dotted paths, and the depth that objects may have."""

from collections.abc import Mapping, Sequence
from typing import Final

from tradai.core import JsonValue

# A strategy configuration is read down to 32 levels, of which the place of a key takes some.
DEEPEST: Final = 25


def is_too_deep(value: JsonValue) -> bool:
    """Return whether objects and lists in `value` are nested deeper than `DEEPEST`."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [each for outer in level for each in _inner(outer)]
    return bool(level)


def has_path(document: JsonValue, path: str) -> bool:
    """Return whether there is a value at the dotted `path`."""
    for step in path.split("."):
        if not isinstance(document, Mapping) or step not in document:
            return False
        document = document[step]
    return True


def set_path(document: dict[str, JsonValue], path: str, value: JsonValue) -> None:
    """Set the value at the dotted `path`."""
    set_steps(document, path.split("."), value)


def set_steps(document: dict[str, JsonValue], steps: Sequence[str], value: JsonValue) -> None:
    """Set the value at the path of the keys `steps`, which may have dots."""
    first, *rest = steps
    if not rest:
        document[first] = value
        return
    below = document.get(first)
    block = dict(below) if isinstance(below, Mapping) else {}
    set_steps(block, rest, value)
    document[first] = block


def take_path(document: dict[str, JsonValue], path: str) -> JsonValue:
    """Remove the value at the dotted `path` and each block that it leaves empty, and return it.

    It is None where there is no such value.
    """
    first, _, rest = path.partition(".")
    below = document.get(first)
    if not rest:
        return document.pop(first, None)
    if not isinstance(below, dict):
        return None
    value = take_path(below, rest)
    if not below:
        del document[first]
    return value


def _inner(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
