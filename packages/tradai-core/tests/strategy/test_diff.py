"""Differences between two configurations, and what does not: round trips, digests, differences."""

import json
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st

from tradai.core import (
    ConfigDiff,
    ConfigLayer,
    MemoryStore,
    StrategyConfig,
    StrategyConfigLoader,
    YamlLayer,
    canonical_json,
    diff,
    digest,
    register_secret,
)

SEED: dict[str, Any] = {"name": "trend", "version": "1.0.0", "timeframe": "5m"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BLOCKS = st.dictionaries(TEXTS, JSON, max_size=3)
RATIOS = st.decimals(0, 1, allow_nan=False, places=12)
STAKES = st.decimals("0.00000001", 10**15, places=10)
CONFIGS = st.fixed_dictionaries(
    {
        "name": TEXTS.filter(bool),
        "version": st.sampled_from(["1.0.0", "10.20.30"]),
        "timeframe": st.sampled_from(["5m", "4h", "1d"]),
    },
    optional={
        "pairs": st.lists(st.sampled_from(["BTC/USDT", "ETH/USDT", "ETH/BTC"]), unique=True),
        "parameters": BLOCKS,
        "freqai": st.none() | BLOCKS,
        "an_extra": JSON,
        "execution": st.fixed_dictionaries(
            {},
            optional={
                "stake_amount": STAKES | st.just("unlimited"),
                "tradable_balance_ratio": RATIOS.filter(bool),
                "minimal_roi": st.dictionaries(st.sampled_from(["0", "30"]), RATIOS),
                "order_types": BLOCKS,
            },
        ),
    },
).map(StrategyConfig.model_validate)


class QuotingDumper(yaml.SafeDumper):
    """Quotes all text, because PyYAML does not know what plain text means in YAML 1.2."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def _config(**changes: object) -> StrategyConfig:
    return StrategyConfig.model_validate(SEED | changes)


def _digest(config: StrategyConfig) -> str:
    return digest(config.canonical())


def _loaded(text: str) -> StrategyConfig:
    store = MemoryStore()
    store.write("memory:f.yaml", text.encode())
    layers: list[ConfigLayer] = [YamlLayer("memory:f.yaml", store=store)]
    return StrategyConfigLoader(layers=layers, environ={}).load_config().config


@given(CONFIGS)
def test_a_configuration_survives_its_canonical_form(config: StrategyConfig) -> None:
    again = StrategyConfig.model_validate(config.canonical())

    assert again == config
    assert _digest(again) == _digest(config)


@given(CONFIGS)
def test_a_configuration_survives_the_bytes_that_are_digested(config: StrategyConfig) -> None:
    again = StrategyConfig.model_validate(json.loads(canonical_json(config.canonical())))

    assert again == config
    assert _digest(again) == _digest(config)


@given(CONFIGS)
def test_a_configuration_survives_a_yaml_file(config: StrategyConfig) -> None:
    text = yaml.dump(config.canonical(), Dumper=QuotingDumper)

    again = _loaded(text)

    assert again == config
    assert _digest(again) == _digest(config)
    assert yaml.dump(again.canonical(), Dumper=QuotingDumper) == text


@given(CONFIGS, CONFIGS)
def test_nothing_differs_just_when_the_digests_are_equal(
    one: StrategyConfig, other: StrategyConfig
) -> None:
    assert not diff(one, one)
    assert bool(diff(one, other)) is (_digest(one) != _digest(other))


@given(CONFIGS, CONFIGS)
def test_a_difference_has_two_sides(one: StrategyConfig, other: StrategyConfig) -> None:
    there, back = diff(one, other), diff(other, one)

    assert (there.added, there.removed) == (back.removed, back.added)
    assert there.changed == {key: (old, new) for key, (new, old) in back.changed.items()}


def test_leaves_are_added_removed_and_changed() -> None:
    one = _config(parameters={"fast": 12, "windows": [5, 10]}, execution={"stake_amount": 50})
    other = _config(
        version="1.1.0", parameters={"fast": 12, "windows": [5]}, execution={"fee": Decimal("0.10")}
    )

    found = diff(one, other)

    assert found.added == {"execution.fee": "0.1"}
    assert found.removed == {"execution.stake_amount": "50"}
    assert found.changed == {"parameters.windows": ((5, 10), (5,)), "version": ("1.0.0", "1.1.0")}
    assert str(found).splitlines() == [
        '+ execution.fee: "0.1"',
        '- execution.stake_amount: "50"',
        "~ parameters.windows: [5, 10] -> [5]",
        '~ version: "1.0.0" -> "1.1.0"',
    ]


def test_equal_configurations_have_no_difference_to_print() -> None:
    found = diff(_config(pairs=[]), _config(execution={"fee": None}))

    assert found == ConfigDiff(added={}, removed={}, changed={})
    assert str(found) == ""


def test_a_block_that_gets_its_first_key_is_shown_by_that_key() -> None:
    found = diff(_config(), _config(parameters={"a.b": 1}))

    assert str(found) == '+ parameters."a.b": 1'


@pytest.mark.parametrize(("one", "other"), [(True, 1), (0, False), ("1", 1), (None, False)])
def test_values_of_different_types_differ(one: object, other: object) -> None:
    assert diff(_config(parameters={"a": one}), _config(parameters={"a": other}))


def test_a_value_registered_later_as_a_secret_is_masked() -> None:
    fake = "obviously-fake-diffed-value"
    one, other = _config(note=fake, notes=[{"a": fake}]), _config(note="none")

    register_secret(fake)
    found = diff(one, other)

    assert found.changed == {"note": ("***", "none")}
    assert fake not in str(found) + repr(found)


def test_a_secret_that_was_smuggled_in_is_masked() -> None:
    fake = "obviously-fake-value-1"
    smuggled = _config().model_copy(update={"api_key": fake})

    found = diff(_config(), smuggled)

    assert found.added == {"api_key": "***"}
    assert fake not in str(found) + repr(found)
