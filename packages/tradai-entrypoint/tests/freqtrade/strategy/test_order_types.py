"""Order types that a configuration or a class leaves open are filled before the engine starts."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._strategy.order_types import (
    DEFAULTS,
    class_order_types,
    filled_order_types,
    order_type_problems,
)
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts, inspect_source

WHOLE: Final[Mapping[str, JsonValue]] = {
    "entry": "market",
    "exit": "market",
    "stoploss": "market",
    "stoploss_on_exchange": True,
}
COMPUTED: Final = (
    "order_types = {**IStrategy.order_types, 'stoploss_on_exchange': True}",
    "order_types = None",
    "def bot_start(self):\n        self.order_types = {}",
    "@property\n    def order_types(self): return {}",
)


def facts(folder: Path, body: str, *, base: str = "IStrategy") -> SourceFacts:
    (folder / "wave.py").write_text(f"\nclass Wave({base}):\n    {body}\n")
    return inspect_source(folder, "Wave")


def filled(
    given: Mapping[str, JsonValue] | None, source: SourceFacts, *, must_be_known: bool = False
) -> object:
    return filled_order_types(given, source, must_be_known=must_be_known)


def test_a_configuration_that_names_one_key_gets_the_others_of_the_engine(tmp_path: Path) -> None:
    source = facts(tmp_path, "timeframe = '5m'")

    assert filled({"stoploss_on_exchange": True}, source) == {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "limit",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 60,
    }


def test_the_class_comes_before_the_engine_and_after_the_configuration(tmp_path: Path) -> None:
    source = facts(tmp_path, "order_types = {'entry': 'market', 'exit': 'market'}")

    assert filled({"entry": "limit"}, source) == {**DEFAULTS, "exit": "market"}


def test_a_class_that_names_one_key_is_filled_without_a_configuration(tmp_path: Path) -> None:
    source = facts(tmp_path, "order_types = {'stoploss_on_exchange': True}")

    assert filled(None, source) == {**DEFAULTS, "stoploss_on_exchange": True}


@pytest.mark.parametrize("body", ["timeframe = '5m'", f"order_types = {WHOLE}"])
def test_a_class_with_all_keys_or_none_is_left_to_the_engine(tmp_path: Path, body: str) -> None:
    assert filled(None, facts(tmp_path, body), must_be_known=True) is None


def test_old_names_of_a_class_are_those_of_the_engine(tmp_path: Path) -> None:
    old = {"buy": "market", "sell": "limit", "stoploss": "market", "stoploss_on_exchange": False}
    source = facts(tmp_path, f"order_types = {old}")

    assert filled(None, source) is None
    assert filled({"exit": "market"}, source) == {
        **DEFAULTS,
        **dict.fromkeys(("entry", "exit", "stoploss"), "market"),
    }


def test_a_part_by_old_names_is_filled_by_present_ones(tmp_path: Path) -> None:
    source = facts(tmp_path, "order_types = {'buy': 'market', 'emergencysell': 'market'}")

    assert filled(None, source) == {**DEFAULTS, "entry": "market", "emergency_exit": "market"}


@pytest.mark.parametrize("body", COMPUTED)
def test_a_whole_table_stays_as_it_is_whatever_the_class_computes(
    tmp_path: Path, body: str
) -> None:
    assert filled(WHOLE, facts(tmp_path, body), must_be_known=True) == WHOLE


@pytest.mark.parametrize("body", COMPUTED)
def test_a_part_beside_a_class_that_computes_the_rest_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(ConfigurationError, match="stoploss to class Wave, and only") as caught:
        filled({"entry": "limit", "stoploss_on_exchange": True}, facts(tmp_path, body))

    assert caught.value.key == "execution.order_types.exit"
    assert caught.value.source == str(tmp_path / "wave.py")


@pytest.mark.parametrize("body", COMPUTED)
def test_what_a_class_computes_is_its_own_unless_it_must_be_known(
    tmp_path: Path, body: str
) -> None:
    source = facts(tmp_path, body)

    assert filled(None, source) is None
    with pytest.raises(ConfigurationError, match="write them to execution"):
        filled(None, source, must_be_known=True)


def test_a_base_class_that_cannot_be_read_may_have_order_types(tmp_path: Path) -> None:
    source = facts(tmp_path, "timeframe = '5m'", base="Elsewhere, IStrategy")

    with pytest.raises(ConfigurationError, match="only running it would show"):
        filled({"entry": "limit"}, source)


def test_a_class_decides_the_keys_that_a_configuration_leaves_open(tmp_path: Path) -> None:
    source = facts(tmp_path, "order_types = {'entry': 'foo', 'exit': 'market', 'bogus': 3}")

    assert class_order_types(None, source) == {"entry": "foo", "exit": "market"}
    assert class_order_types({"entry": "limit"}, source) == {"exit": "market"}
    assert class_order_types(WHOLE, source) == {}


@pytest.mark.parametrize(
    ("old", "present"),
    [
        ("buy", "entry"),
        ("sell", "exit"),
        *((f"emergency{side}", "emergency_exit") for side in ("sell", "exit")),
        *((f"force{side}", "force_exit") for side in ("sell", "exit")),
        *((f"force{side}", "force_entry") for side in ("buy", "entry")),
    ],
)
def test_each_old_name_is_that_of_a_present_key(tmp_path: Path, old: str, present: str) -> None:
    source = facts(tmp_path, f"order_types = {{{old!r}: 'market'}}")

    assert class_order_types(None, source) == {present: "market"}


def test_a_class_decides_keys_by_their_old_names_too(tmp_path: Path) -> None:
    source = facts(tmp_path, "order_types = {'buy': 'market', 'sell': 'limit'}")

    assert class_order_types({"exit": "market"}, source) == {"entry": "market"}


def test_an_old_name_beside_the_present_one_is_left_to_the_engine(tmp_path: Path) -> None:
    source = facts(tmp_path, "order_types = {'entry': 'limit', 'buy': 'market'}")

    assert class_order_types(None, source) == {"entry": "limit"}


@pytest.mark.parametrize("body", COMPUTED)
def test_what_a_class_computes_is_not_known_before_it_runs(tmp_path: Path, body: str) -> None:
    assert class_order_types(None, facts(tmp_path, body)) == {}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("stoploss_on_exchange_interval", -5, "is -5: write 0 or more seconds"),
        (
            "stoploss_on_exchange_limit_ratio",
            1.5,
            "is 1.5: write a ratio from 0 to 1, such as 0.99",
        ),
        (
            "stoploss_on_exchange_limit_ratio",
            Decimal("-0.1"),
            "is -0.1: write a ratio from 0 to 1, such as 0.99",
        ),
    ],
)
def test_a_number_without_a_meaning_is_a_problem(name: str, value: JsonValue, said: str) -> None:
    assert list(order_type_problems({**WHOLE, name: value})) == [(f"order_types.{name}", said)]


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"stoploss_on_exchange_interval": 0, "stoploss_on_exchange_limit_ratio": 1},
        {"stoploss_on_exchange_interval": 3600.5, "stoploss_on_exchange_limit_ratio": 0.99},
        # The schema has a sentence for another type.
        {"stoploss_on_exchange_interval": "soon"},
    ],
)
def test_other_numbers_are_left_to_the_schema(table: Mapping[str, JsonValue]) -> None:
    assert list(order_type_problems(table)) == []
