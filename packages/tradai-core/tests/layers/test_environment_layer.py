import pytest

from tradai.core import EnvironmentLayer, Origin

# A law of a private module: a layer is merged over others.
from tradai.core._documents.tree import merge
from tradai.core.exceptions import ConfigurationError


def test_a_value_that_replaced_a_block_keeps_replacing_it() -> None:
    environ = {
        "TRADAI_STRATEGY__EXECUTION": "null",
        "TRADAI_STRATEGY__EXECUTION__FEE": "0.001",
    }

    values = EnvironmentLayer(environ).load().values

    assert merge({"execution": {"stoploss": -0.1}}, values) == {"execution": {"fee": 0.001}}


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
