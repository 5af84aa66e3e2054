"""Trees of configuration values: their paths, and how one is laid over another."""

import math
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from tradai.core._json import JsonValue

__all__ = ["Path", "dotted", "leaves", "merge", "nodes", "not_finite", "settles"]

Path: TypeAlias = tuple[str | int, ...]
_LISTS: Final = (list, tuple)


def merge(lower: Mapping[str, JsonValue], upper: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return `upper` laid over `lower`: mappings merge key by key, anything else replaces."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def nodes(value: JsonValue, path: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Yield every value below `value` with its path, outer ones first; lists are entered."""
    items: Iterator[tuple[str | int, JsonValue]] = iter(())
    if isinstance(value, Mapping):
        items = iter(value.items())
    elif isinstance(value, _LISTS):
        items = iter(enumerate(value))
    for step, item in items:
        yield (*path, step), item
        yield from nodes(item, (*path, step))


def leaves(values: Mapping[str, JsonValue]) -> list[Path]:
    """Return the path of each leaf; a list or an empty mapping is one leaf."""
    return [path for path, item in nodes(values) if _is_leaf(path, item)]


def not_finite(value: JsonValue) -> Iterator[Path]:
    """Yield the path of each NaN and each infinity below `value`."""
    for path, item in nodes(value):
        if isinstance(item, float) and not math.isfinite(item):
            yield path


def settles(values: JsonValue, path: Path) -> bool:
    """Tell whether `values`, laid over others, decide what is at `path`."""
    for step in path:
        if not isinstance(values, Mapping):
            return True
        if step not in values:
            return False
        values = values[str(step)]
    return True


def dotted(path: Path) -> str:
    """Spell `path` for people.

    >>> dotted(("pairs", 0))
    'pairs.0'
    """
    return ".".join(str(step) for step in path)


def _is_leaf(path: Path, item: JsonValue) -> bool:
    is_inside_list = any(isinstance(step, int) for step in path)
    return not is_inside_list and not (isinstance(item, Mapping) and item)
