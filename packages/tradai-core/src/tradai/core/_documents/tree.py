"""Trees of configuration values: paths, leaves, and merging one over another."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, final

from tradai.core._documents.json_values import JsonValue

KeyPath: TypeAlias = tuple[str | int, ...]
_SCALARS: Final = (str, int, float, type(None))


@final
class Replacement(dict[str, JsonValue]):
    """A mapping that replaced a value which was not a mapping.

    Laid over another value, it replaces that as well. Without this mark, the result of merging
    three layers would depend on which two are merged first.
    """


def merge(lower: Mapping[str, JsonValue], upper: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return `upper` laid over `lower`: mappings merge key by key, anything else replaces.

    It is associative, so layers can be stacked in any grouping.
    """
    merged = Replacement(lower) if isinstance(lower, Replacement) else dict(lower)
    for key, value in upper.items():
        merged[key] = _merge_value(merged[key], value) if key in merged else value
    return merged


def _merge_value(below: JsonValue, value: JsonValue) -> JsonValue:
    if isinstance(value, Replacement) or not isinstance(value, Mapping):
        return value
    return merge(below, value) if isinstance(below, Mapping) else Replacement(value)


def nested(path: Sequence[str | int], value: JsonValue) -> dict[str, JsonValue]:
    """Return the mapping that has `value` at `path`, and nothing else.

    >>> nested(("execution", "fee"), 0.1)
    {'execution': {'fee': 0.1}}
    """
    first, *rest = path
    return {str(first): nested(rest, value) if rest else value}


def nodes(value: JsonValue, path: KeyPath = ()) -> Iterator[tuple[KeyPath, JsonValue]]:
    """Yield every value below `value` with its path, outer ones first; lists are entered."""
    items: Iterable[tuple[str | int, JsonValue]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for step, item in items:
        below = (*path, step)
        yield below, item
        # Most values are scalars, and a generator for each would cost more than the rest.
        if not isinstance(item, _SCALARS):
            yield from nodes(item, below)


def leaves(values: Mapping[str, JsonValue]) -> dict[KeyPath, JsonValue]:
    """Return the leaves by path; a list or an empty mapping is one leaf."""
    return {path: item for path, item in nodes(values) if _is_leaf(path, item)}


def not_finite(value: JsonValue) -> Iterator[KeyPath]:
    """Yield the path of each NaN and each infinity below `value`."""
    for path, item in nodes(value):
        if isinstance(item, float) and not math.isfinite(item):
            yield path


def defines_path(values: JsonValue, path: KeyPath) -> bool:
    """Tell whether `values`, laid over others, define what is at `path`."""
    for step in path:
        if not isinstance(values, Mapping):
            return True
        if step not in values:
            return isinstance(values, Replacement)
        values = values[str(step)]
    return True


def dotted(path: KeyPath) -> str:
    """Return `path` as text for people; a step that has a dot itself is quoted.

    >>> dotted(("pairs", 0))
    'pairs.0'
    """
    return ".".join(map(_step_text, path))


def _step_text(step: str | int) -> str:
    text = str(step)
    return json.dumps(text) if "." in text or '"' in text else text


def _is_leaf(path: KeyPath, item: JsonValue) -> bool:
    is_inside_list = any(isinstance(step, int) for step in path)
    return not is_inside_list and not (isinstance(item, Mapping) and item)
