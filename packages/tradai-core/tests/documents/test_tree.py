"""Merging trees of values: associative, so that layers can be stacked in any grouping."""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence

from hypothesis import given, strategies as st

from tradai.core import JsonValue

# A law of a private module, because associativity is what lets layers be stacked in steps.
from tradai.core._documents.tree import merge

# Values that layers can have for one key: nothing, no mapping, or one of these mappings.
VALUES: list[JsonValue] = [None, {}, {"x": 0}, {"y": 0}, {"x": {"y": 0}}, {"x": {"z": 0}}]
SAYINGS: list[dict[str, JsonValue]] = [{}, *({"a": value} for value in VALUES)]
TREES = st.dictionaries(
    st.sampled_from("ab"),
    st.recursive(
        st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
        lambda inner: st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        max_leaves=4,
    ),
)


def _stacked(layers: Iterable[Mapping[str, JsonValue]]) -> Mapping[str, JsonValue]:
    return functools.reduce(merge, layers)


def _is_grouped_at_will(layers: Sequence[Mapping[str, JsonValue]]) -> bool:
    """Tell whether the layers from below and those from above may be stacked first."""
    whole = _stacked(layers)
    cuts = range(1, len(layers))
    return all(merge(_stacked(layers[:cut]), _stacked(layers[cut:])) == whole for cut in cuts)


def test_layers_that_disagree_about_shapes_can_be_merged_in_any_grouping() -> None:
    stacks = itertools.product(SAYINGS, repeat=4)

    assert not [stack for stack in stacks if not _is_grouped_at_will(stack)]


@given(st.lists(TREES, min_size=3, max_size=5))
def test_layers_can_be_merged_in_any_grouping(layers: list[Mapping[str, JsonValue]]) -> None:
    assert _is_grouped_at_will(layers)


@given(TREES)
def test_an_empty_layer_changes_nothing(tree: Mapping[str, JsonValue]) -> None:
    assert merge(tree, {}) == merge({}, tree) == tree


def test_mappings_merge_and_everything_else_replaces() -> None:
    lower: dict[str, JsonValue] = {"a": {"x": 1, "y": 2}, "list": [1, 2], "gone": {"z": 1}}
    upper: dict[str, JsonValue] = {"a": {"y": 3}, "list": [3], "gone": None}

    assert merge(lower, upper) == {"a": {"x": 1, "y": 3}, "list": [3], "gone": None}
    assert lower["a"] == {"x": 1, "y": 2}
