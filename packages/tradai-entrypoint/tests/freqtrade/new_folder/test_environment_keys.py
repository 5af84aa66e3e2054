"""Variables that Freqtrade reads as keys of its configuration are read as it reads them."""

import pytest

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._new_folder.environment_keys import environment_keys


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("True", True),
        ("t", True),
        ("f", False),
        ("False", False),
        ('["BTC/USDT", 2]', ["BTC/USDT", 2]),
        ('{"0": 1}', '{"0": 1}'),
        ("nan", "nan"),
        pytest.param("9" * 400, "9" * 400, id="too-large"),
        pytest.param("9" * 5000, "9" * 5000, id="too-long"),
        ("null", "null"),
        ("5m", "5m"),
    ],
)
def test_numbers_truth_values_and_lists_are_read_and_anything_else_is_text(
    text: str, value: JsonValue
) -> None:
    assert environment_keys({"FREQTRADE__A_KEY": text}) == {"a_key": value}


def test_a_password_and_a_chat_stay_text() -> None:
    variables = {"FREQTRADE__TELEGRAM__CHAT_ID": "5", "FREQTRADE__API_SERVER__PASSWORD": "1"}

    config = environment_keys(variables)

    assert config == {"telegram": {"chat_id": "5"}, "api_server": {"password": "1"}}


@pytest.mark.parametrize("client", ["ccxt_config", "ccxt_sync_config", "ccxt_async_config"])
def test_names_are_lower_case_but_for_settings_of_ccxt(client: str) -> None:
    variables = {
        f"FREQTRADE__EXCHANGE__{client.upper()}__enableRateLimit": "t",
        "FREQTRADE__EXCHANGE__NAME": "binance",
        "FREQTRADE__": "no name",
        "FREQTRADE__A__": "no name",
        "freqtrade__fee": "1",
    }

    config = environment_keys(variables)

    assert config == {"exchange": {"name": "binance", client: {"enableRateLimit": True}}}


def test_a_dot_in_a_name_is_no_block() -> None:
    config = environment_keys({"FREQTRADE__MINIMAL_ROI.X": "1", "FREQTRADE__A__B.C": "2"})

    assert config == {"minimal_roi.x": 1, "a": {"b.c": 2}}


@pytest.mark.parametrize(
    ("name", "text"),
    [("FREQTRADE__" + "A__" * 500 + "B", "1"), ("FREQTRADE__A", "[" * 900 + "]" * 900)],
    ids=["name", "value"],
)
def test_a_variable_that_is_nested_too_deep_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"FREQTRADE__A.* is nested") as refused:
        environment_keys({name: text})

    assert refused.value.key == name
