"""Values of nested objects by their dotted paths."""

from collections.abc import Mapping

from tradai.core import JsonValue


def has_path(document: JsonValue, path: str) -> bool:
    """Return whether there is a value at the dotted `path`."""
    for step in path.split("."):
        if not isinstance(document, Mapping) or step not in document:
            return False
        document = document[step]
    return True


def set_path(document: dict[str, JsonValue], path: str, value: JsonValue) -> None:
    """Set the value at the dotted `path`."""
    first, _, rest = path.partition(".")
    if not rest:
        document[first] = value
        return
    below = document.get(first)
    block = dict(below) if isinstance(below, Mapping) else {}
    set_path(block, rest, value)
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
