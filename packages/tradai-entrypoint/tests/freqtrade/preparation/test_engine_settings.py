"""Settings of the engine in the wrong place are refused, and the strategy's own keys reach it."""

import pytest

from tradai.core import Execution, Origin, StrategyConfig, TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._engine_keys.ownership import ALLOWED, FUTURES
from tradai.entrypoint.freqtrade._preparation.engine_config import engine_config
from tradai.entrypoint.freqtrade._preparation.engine_options import OPTIONS
from tradai.entrypoint.freqtrade._preparation.engine_settings import (
    AT_RUN_TIME,
    IN_FILE,
    check_extra_keys,
)


def config(**own_keys: object) -> StrategyConfig:
    return StrategyConfig.model_validate(
        {
            "name": "wave",
            "version": "1.0.0",
            "timeframe": "5m",
            "pairs": ["BTC/USDT"],
            "execution": {"stake_amount": 50},
            "strategy": {"class": "Wave", "source": "wave.py", "config": own_keys},
        }
    )


def refusal(*extras: str, **provenance: Origin) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        check_extra_keys(extras, provenance)
    return caught.value


@pytest.mark.parametrize("mode", [TradingMode.BACKTEST, TradingMode.HYPEROPT, TradingMode.DRY_RUN])
def test_the_keys_of_the_strategy_reach_the_engine_as_they_are(mode: TradingMode) -> None:
    own = {"grinding_enable": True, "nfi_parameters": {"slots": [1, 2.5, "x"]}}

    rendered = engine_config(config(**own), mode)

    assert {name: rendered[name] for name in own} == own


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("stoploss", "its place is execution.stoploss"),
        ("position_stacking", "its place is parameters.position_stacking"),
        ("timerange", "its place is run.timerange"),
        ("trading_mode", "this version does not pass it on"),
        ("exchange", "its place is exchange"),
    ],
)
def test_a_key_of_the_strategy_cannot_change_the_engine(key: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        engine_config(config(**{key: "x"}), TradingMode.BACKTEST)

    assert caught.value.key == f"strategy.config.{key}"


def test_nothing_that_is_rendered_can_be_a_key_of_the_strategy() -> None:
    rendered = engine_config(config(), TradingMode.DRY_RUN)

    assert rendered.keys() | OPTIONS <= IN_FILE | AT_RUN_TIME


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("timerange", "run.timerange"),
        ("epochs", "run.epochs"),
        ("enable_protections", "parameters.enable_protections"),
        ("dry_run_wallet", "execution.starting_balance"),
        ("hyperopt_loss", "run.loss"),
    ],
)
def test_a_setting_at_the_top_level_is_refused_with_its_place(key: str, place: str) -> None:
    error = refusal("notes", key, **{f"{key}.x": Origin(source="f.yaml", line=9)})

    assert error.key == key
    assert str(error) == f"f.yaml:9: {key} does not belong at the top level: its place is {place}"


def test_a_setting_that_is_not_passed_on_is_refused_too() -> None:
    assert "so remove it" in str(refusal("trading_mode"))
    assert str(refusal("margin_mode")).endswith(
        "so remove it (with `exchange: binance_futures` it is isolated; cross is not supported)"
    )
    assert "timerange" in str(refusal("telegram", "timerange"))


def test_every_other_extra_is_left_alone() -> None:
    check_extra_keys(("notes", "author"), {})


def test_every_place_exists() -> None:
    known = {
        *StrategyConfig.model_fields,
        *("strategy.source", *(f"execution.{name}" for name in Execution.model_fields)),
        *(f"parameters.{name}" for name in OPTIONS),
        *(f"run.{name}" for name in RunParameters.model_fields),
        *(f"engine.{name}" for name in ALLOWED | FUTURES),
    }
    for name in IN_FILE | OPTIONS:
        _, _, place = str(refusal(name)).partition("its place is ")
        assert not place or place in known
