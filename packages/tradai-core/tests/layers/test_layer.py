"""Layers: what each source says, where it says so, and how one is laid over another."""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tradai.core import (
    EnvironmentLayer,
    JsonValue,
    MemoryStore,
    Origin,
    OverridesLayer,
    YamlLayer,
)

# A law of a private module, because associativity is what lets layers be stacked in steps.
from tradai.core._documents.tree import merge
from tradai.core.exceptions import ConfigurationError, NotFoundError

# What layers can say of one key: nothing, no mapping, or one of these mappings.
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


def test_what_replaced_a_block_keeps_replacing_it() -> None:
    environ = {
        "TRADAI_STRATEGY__EXECUTION": "null",
        "TRADAI_STRATEGY__EXECUTION__FEE": "0.001",
    }

    values = EnvironmentLayer(environ).load().values

    assert merge({"execution": {"stoploss": -0.1}}, values) == {"execution": {"fee": 0.001}}


def test_a_yaml_layer_knows_the_line_of_every_value(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text("name: trend\npairs:\n  - BTC/USDT\n  - ETH/USDT\n")

    data = YamlLayer(str(file)).load()

    assert data.values == {"name": "trend", "pairs": ["BTC/USDT", "ETH/USDT"]}
    assert {key: str(origin) for key, origin in data.origins.items()} == {
        "name": f"{file}:1",
        "pairs": f"{file}:2",
        "pairs.0": f"{file}:3",
        "pairs.1": f"{file}:4",
    }
    assert data.origins["pairs.0"].column == 5


def test_what_an_alias_repeats_comes_from_the_line_of_the_alias(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text("a: &x {b: [1]}\nc: *x\n")

    origins = YamlLayer(str(file)).load().origins

    assert {key: one.line for key, one in origins.items() if key.startswith("c")} == {
        "c": 2,
        "c.b": 2,
        "c.b.0": 2,
    }


def test_a_yaml_layer_reads_through_the_store_it_is_given() -> None:
    store = MemoryStore()
    store.write("memory:trend.yaml", b"name: trend")

    assert YamlLayer("memory:trend.yaml", store=store).load().values == {"name": "trend"}


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no such file"):
        YamlLayer(str(tmp_path / "none.yaml")).load()


def test_a_file_uri_and_its_path_are_the_same_layer(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text("name: trend")

    assert YamlLayer(file.as_uri()).load().values == YamlLayer(str(file)).load().values


def test_variables_are_nested_by_double_underscores() -> None:
    layer = EnvironmentLayer(
        {
            "TRADAI_STRATEGY__EXECUTION__STAKE_AMOUNT": "50",
            "TRADAI_STRATEGY__PAIRS": "[BTC/USDT, ETH/USDT]",
            "TRADAI_STRATEGY__NAME": "trend",
            "TRADAI_RUN_MODE": "backtest",
        }
    )

    data = layer.load()

    assert data.values == {
        "execution": {"stake_amount": 50},
        "pairs": ["BTC/USDT", "ETH/USDT"],
        "name": "trend",
    }
    assert data.origins["execution.stake_amount"] == Origin(
        source="TRADAI_STRATEGY__EXECUTION__STAKE_AMOUNT"
    )


def test_a_variable_for_a_block_is_refined_by_one_for_its_key() -> None:
    environ = {
        "TRADAI_STRATEGY__EXECUTION__FEE": "0.002",
        "TRADAI_STRATEGY__EXECUTION": "{fee: 0.001, stoploss: -0.1}",
    }

    assert EnvironmentLayer(environ).load().values == {
        "execution": {"fee": 0.002, "stoploss": -0.1}
    }


def test_the_environment_of_the_process_is_read_when_the_layer_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer = EnvironmentLayer(prefix="TRADAI_TEST__")

    monkeypatch.setenv("TRADAI_TEST__NAME", "trend")

    assert layer.load().values == {"name": "trend"}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("TRADAI_STRATEGY__NAME", "", "TRADAI_STRATEGY__NAME: set, but empty"),
        ("TRADAI_STRATEGY__NAME", "  ", "TRADAI_STRATEGY__NAME: set, but empty"),
        ("TRADAI_STRATEGY__", "x", "TRADAI_STRATEGY__: a step of the key is empty"),
        ("TRADAI_STRATEGY__A____B", "x", "TRADAI_STRATEGY__A____B: a step of the key is empty"),
        ("TRADAI_STRATEGY__PAIRS", "[BTC", "TRADAI_STRATEGY__PAIRS:2:1: not valid YAML"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(name: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EnvironmentLayer({name: text}).load()

    assert str(caught.value).startswith(problem)


def test_overrides_are_dotted_and_the_last_one_wins() -> None:
    layer = OverridesLayer(["execution.fee=0.001", "name=a=b", "execution.fee=0.002"])

    data = layer.load()

    assert data.values == {"execution": {"fee": 0.002}, "name": "a=b"}
    assert str(data.origins["execution.fee"]) == "command line"


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("name", "override 2 has no value or no key; write KEY=VALUE"),
        ("name=", "command line: name: set, but empty"),
        ("=x", "override 2 has no value or no key; write KEY=VALUE"),
        ("a..b=x", "override 2 has no value or no key; write KEY=VALUE"),
        ("a=[1", "command line: a:2:1: not valid YAML"),
    ],
)
def test_an_override_that_cannot_be_used_is_pointed_out(override: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OverridesLayer(["pairs=[]", override]).load()

    assert str(caught.value).startswith(problem)
