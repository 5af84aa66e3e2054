"""The strategy configuration: what is valid, and how deeply it is frozen."""

import copy
import json
import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pydantic
import pytest

from tradai.core import (
    Execution,
    Pricing,
    Strategy,
    StrategyConfig,
    StrategySource,
    Timeframe,
    digest,
)

SEED: dict[str, Any] = {"name": "trend", "version": "1.0.0", "timeframe": "5m"}
FULL: dict[str, Any] = SEED | {
    "pairs": ["BTC/USDT", "ETH/USDT"],
    "parameters": {"windows": [5, 10, {"deep": [1]}], "none": None},
    "buy_params": {"rsi": 30},
    "sell_params": {"rsi": 70.5},
    "freqai": {"enabled": True},
    "strategy": {"class": "Trend", "source": "trend.py"},
    "execution": {
        "stake_amount": 0.10,
        "minimal_roi": {"0": 0.1, "30": "0.05"},
        "stoploss": -0.1,
        "entry_pricing": {"price_side": "other"},
        "order_types": {"entry": "limit"},
    },
    "notes": {"author": ["someone"]},
}


def _config(**changes: object) -> StrategyConfig:
    return StrategyConfig.model_validate(SEED | changes)


def _refused(model: type[pydantic.BaseModel], values: dict[str, Any]) -> list[str]:
    with pytest.raises(pydantic.ValidationError) as caught:
        model.model_validate(values)
    return [".".join(map(str, error["loc"])) for error in caught.value.errors()]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"timeframe": "15m"},
        {"timeframe": "4h"},
        {"timeframe": "1d"},
        {"version": "10.20.30"},
        {"pairs": []},
        {"pairs": ["BTC/USDT"]},
        {"pairs": ("ETH/BTC",), "stake_currency": "BTC"},
        {"exchange": "kraken"},
        {"parameters": {"any": [1, {"thing": None}]}},
        {"buy_params": {"rsi": 30}, "sell_params": {"rsi": 70.5}},
        {"freqai": {"enabled": True}},
        {"anything": "else", "model_version": 3},
    ],
)
def test_configurations_of_the_old_platform_are_accepted(changes: dict[str, Any]) -> None:
    config = _config(**changes)

    assert config.name == "trend"


def test_the_defaults_are_those_of_the_old_platform() -> None:
    config = _config()

    assert config.pairs == ()
    assert (config.stake_currency, config.exchange) == ("USDT", "binance")
    assert config.parameters == config.buy_params == config.sell_params == {}
    assert config.freqai is None


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"name": ""}, "name"),
        ({"version": "1.0"}, "version"),
        ({"version": "01.0.0"}, "version"),
        ({"timeframe": "0m"}, "timeframe"),
        ({"timeframe": "007d"}, "timeframe"),
        ({"timeframe": "\u0663m"}, "timeframe"),
        ({"pairs": ["BTC_USDT"]}, "pairs.0"),
        ({"pairs": ["BTC/USDT", "ETH/USDT", "BTC/USDT"]}, "pairs"),
        ({"pairs": "BTC/USDT"}, "pairs"),
        ({"stake_currency": "usdt"}, "stake_currency"),
        ({"exchange": ""}, "exchange"),
        ({"parameters": {"x": float("nan")}}, "parameters"),
        ({"buy_params": [1]}, "buy_params"),
        ({"strategy": {"class": "Trend"}}, "strategy.source"),
        ({"strategy": {"class": "Tr-end", "source": "x"}}, "strategy.class"),
        ({"strategy": {"class": "Trend", "source": "x", "clas": 1}}, "strategy.clas"),
        ({"execution": {"stake_amout": 1}}, "execution.stake_amout"),
        ({"extra": float("inf")}, "extra"),
    ],
)
def test_an_invalid_value_is_refused_at_its_place(changes: dict[str, Any], at: str) -> None:
    assert _refused(StrategyConfig, SEED | changes) == [at]


def test_a_key_that_names_a_parameter_space_holds_its_values() -> None:
    config = _config(
        buy_params={"rsi": 30}, exit_params={"leave": 1.0}, own_params={}, _params={"x": 1}
    )

    assert config.params_by_space == {"buy": {"rsi": 30}, "exit": {"leave": 1.0}}
    assert config.extra_keys == ("_params",)


def test_the_values_of_a_parameter_space_must_be_a_mapping() -> None:
    with pytest.raises(pydantic.ValidationError, match="exit_params must be a mapping"):
        _config(exit_params=[1])


def test_a_repeated_pair_is_named_by_its_places() -> None:
    with pytest.raises(pydantic.ValidationError, match="entry 3 repeats entry 1"):
        _config(pairs=["BTC/USDT", "ETH/USDT", "BTC/USDT"])


@pytest.mark.parametrize(
    "values",
    [
        {"stake_amount": "unlimited"},
        {"stake_amount": "0.00000001"},
        {"max_open_trades": 0},
        {"max_open_trades": -1},
        {"fee": 0},
        {"fee": 0.1},
        {"minimal_roi": {}},
        {"minimal_roi": {"0": 0.1, "60": -1}},
        {"stoploss": -1},
        {"stoploss": -0.000001},
        {"entry_pricing": {"price_last_balance": 1}},
        {"tradable_balance_ratio": 0.99},
        {"max_entry_position_adjustment": -1},
        {"max_open_trades": 10**9},
    ],
)
def test_execution_rules_inside_their_bounds_are_accepted(values: dict[str, Any]) -> None:
    assert Execution.model_validate(values).model_fields_set == set(values)


@pytest.mark.parametrize(
    "values",
    [
        {"stake_amount": 0},
        {"stake_amount": -1},
        {"stake_amount": float("nan")},
        {"stake_amount": float("inf")},
        {"stake_amount": "Infinity"},
        {"stake_amount": "all"},
        {"stake_amount": True},
        {"stake_amount": "1_000"},
        {"stake_amount": "\u0661"},
        {"stake_amount": "1e999999999"},
        {"max_open_trades": -2},
        {"max_open_trades": 10**9 + 1},
        {"max_entry_position_adjustment": 10**30},
        {"process_throttle_s": 10**30},
        {"entry_pricing": {"order_book_top": 10**30}},
        {"max_open_trades": True},
        {"max_open_trades": 1.5},
        {"starting_balance": 0},
        {"starting_balance": None},
        {"fee": -0.001},
        {"fee": 0.1000001},
        {"minimal_roi": {"soon": 0.1}},
        {"minimal_roi": {"030": 0.1}},
        {"minimal_roi": {"0": float("nan")}},
        {"stoploss": 0},
        {"stoploss": -1.01},
        {"trailing_stop": "yes"},
        {"trailing_stop_positive": -0.1},
        {"entry_pricing": {"price_side": "best"}},
        {"entry_pricing": {"order_book_top": 0}},
        {"tradable_balance_ratio": 0},
        {"process_throttle_s": 0},
    ],
)
def test_execution_rules_outside_their_bounds_are_refused(values: dict[str, Any]) -> None:
    assert _refused(Execution, values)


def test_an_amount_is_the_decimal_that_was_written() -> None:
    execution = Execution.model_validate({"stake_amount": 0.1, "fee": "0.0010", "stoploss": -1e-05})

    assert execution.stake_amount == Decimal("0.1")
    assert str(execution.fee) == "0.001"
    assert json.loads(execution.model_dump_json())["stoploss"] == "-0.00001"


def test_pricing_starts_at_the_same_side_of_the_book() -> None:
    assert Pricing() == Pricing(price_side="same", use_order_book=True, order_book_top=1)


@pytest.mark.parametrize("key", ["class", "class_name"])
def test_the_class_of_a_strategy_goes_by_both_names(key: str) -> None:
    source = StrategySource.model_validate({key: "Trend", "source": "trend.py"})

    dumped = source.model_dump(by_alias=True, exclude_none=True)
    assert dumped == {"class": "Trend", "source": "trend.py"}


def test_keys_of_the_strategy_count_in_the_digest_once_there_are_any() -> None:
    strategy = {"class": "Trend", "source": "trend.py"}
    with_keys = _config(strategy={**strategy, "config": {"grinding": True}})

    assert _config(strategy=strategy).canonical()["strategy"] == strategy
    assert with_keys.canonical()["strategy"] == {**strategy, "config": {"grinding": True}}
    assert digest(with_keys.canonical()) != digest(_config(strategy=strategy).canonical())


def test_a_secret_among_the_keys_of_the_strategy_is_refused() -> None:
    strategy = {"class": "Trend", "source": "trend.py", "config": {"api_key": FAKE}}

    with pytest.raises(pydantic.ValidationError, match=r"strategy\.config\.api_key looks like"):
        _config(strategy=strategy)


def test_a_strategy_is_a_frozen_name_and_version() -> None:
    strategy = Strategy(name="trend", version="1.0.0")

    with pytest.raises(pydantic.ValidationError, match="frozen"):
        strategy.name = "other"


@pytest.mark.parametrize("value", [[1], 5, {1: 2}])
def test_a_value_in_the_place_of_a_block_is_refused_with_what_must_be_there(value: object) -> None:
    with pytest.raises(pydantic.ValidationError, match="expected a mapping with text keys"):
        _config(engine=value)


@pytest.mark.parametrize("field", ["name", "pairs", "execution", "notes"])
def test_no_field_can_be_set(field: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        setattr(_config(**FULL), field, None)


@pytest.mark.parametrize(
    "path",
    [
        "pairs",
        "parameters",
        "parameters.windows",
        "parameters.windows.2.deep",
        "freqai",
        "execution.minimal_roi",
        "execution.order_types",
        "notes",
        "notes.author",
    ],
)
def test_no_collection_inside_can_be_changed(path: str) -> None:
    value: Any = _config(**FULL)
    for step in path.split("."):
        is_item = isinstance(value, tuple) or hasattr(value, "keys")
        value = value[int(step) if step.isdigit() else step] if is_item else getattr(value, step)

    with pytest.raises(TypeError, match="item assignment"):
        value[0] = 1


@pytest.mark.parametrize(
    "change",
    [
        lambda mapping: mapping.update(a=1),
        lambda mapping: mapping.pop("windows"),
        lambda mapping: mapping.popitem(),
        lambda mapping: mapping.clear(),
        lambda mapping: mapping.setdefault("a", 1),
        lambda mapping: mapping.__ior__({"a": 1}),
        lambda mapping: mapping.__delitem__("windows"),
    ],
    ids=["update", "pop", "popitem", "clear", "setdefault", "or", "del"],
)
def test_no_method_changes_a_mapping_inside(change: Callable[[Any], object]) -> None:
    config = _config(**FULL)

    with pytest.raises(TypeError, match="frozen mapping"):
        change(config.parameters)

    assert config == _config(**FULL)


def test_the_values_it_was_made_from_can_change_without_it() -> None:
    values = copy.deepcopy(FULL)
    config = StrategyConfig.model_validate(values)

    values["parameters"]["windows"].append(99)
    values["notes"]["author"] = "changed"

    assert config == _config(**FULL)


def test_a_change_of_the_listed_extras_changes_nothing() -> None:
    config = _config(**FULL)

    config.model_extra["smuggled"] = 1

    assert config.extra_keys == ("notes",)


def test_an_extra_that_is_null_is_not_set() -> None:
    assert _config(an_extra=None) == _config()
    assert _config(an_extra=None).extra_keys == ()


def test_it_hashes_by_content() -> None:
    assert hash(_config(**FULL)) == hash(_config(**FULL))


def test_it_survives_copying_and_pickling() -> None:
    config = _config(**FULL)

    assert copy.deepcopy(config) == config
    assert copy.copy(config.parameters) == config.parameters
    # The bytes are our own, made in the same line.
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301


def test_it_dumps_plain_values_and_reads_them_back() -> None:
    config = _config(**FULL)

    dumped = config.model_dump()

    assert dumped["parameters"] == FULL["parameters"]
    assert config.model_dump(mode="json")["notes"] == FULL["notes"]
    assert type(dumped["execution"]["minimal_roi"]) is dict
    assert StrategyConfig.model_validate(dumped) == config
    assert StrategyConfig.model_validate_json(config.model_dump_json()) == config


def test_its_canonical_form_is_json_and_reads_back() -> None:
    config = _config(**FULL)

    canonical = config.canonical()

    assert json.loads(json.dumps(canonical)) == canonical
    assert canonical["strategy"] == {"class": "Trend", "source": "trend.py"}
    assert StrategyConfig.model_validate(canonical) == config


FAKE = "obviously-fake-value-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"api_key": FAKE},
        {"parameters": {"deep": [{"password": FAKE}]}},
        {"freqai": {"token": FAKE}},
        {"execution": {"order_types": {"secret": FAKE}}},
        {"execution": Execution.model_validate({"order_types": {"secret": FAKE}})},
        {"strategy": {"class": "Trend", "source": f"https://user:{FAKE}@example.org/"}},
        {"notes": "AKIA" + "FAKE" * 4},
        {"engine": {"discord": {"webhook_url": f"https://example.org/{FAKE}"}}},
        {"engine": {"telegram": {"chat_id": -100}}},
        {"webhook": {"url": f"https://example.org/{FAKE}"}},
    ],
)
def test_no_secret_gets_into_it_however_it_is_made(changes: dict[str, Any]) -> None:
    with pytest.raises(
        pydantic.ValidationError, match="looks like a secret; take it out"
    ) as caught:
        _config(**changes)

    assert FAKE not in str(caught.value)
    assert "AKIA" not in str(caught.value)


def test_a_value_that_hides_itself_is_not_shown() -> None:
    assert _refused(StrategyConfig, SEED | {"extra": pydantic.SecretStr(FAKE)}) == ["extra"]


def test_its_errors_quote_no_value() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        _config(name=[FAKE], pairs=FAKE, execution={"fee": FAKE, "entry_pricing": {"x": FAKE}})

    assert FAKE not in str(caught.value)


def test_its_timeframe_is_a_timeframe() -> None:
    assert isinstance(_config().timeframe, Timeframe)
