"""Run parameters say what a value must be, in our words and without quoting it."""

from pathlib import Path

import pytest

from tradai.core import OpenTimeRange, StrategyConfigLoader, TimeRange
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint import RunParameters
from tradai.entrypoint._runs.parameters import read_run_parameters

# It has no public name: the entrypoint reads its parameters with it.


def read(config_file: Path, *overrides: str) -> RunParameters:
    loader = StrategyConfigLoader(environ={})
    return read_run_parameters(loader.load_config(config_file, overrides=overrides))


@pytest.mark.parametrize(
    ("text", "timerange"),
    [
        ("20250301-20250401", TimeRange.parse("20250301-20250401")),
        ("20250301-", OpenTimeRange(start=TimeRange.parse("20250301-20250401").start)),
        ("-20250401", OpenTimeRange(stop=TimeRange.parse("20250301-20250401").stop)),
    ],
)
def test_a_timerange_may_have_an_open_end(
    config_file: Path, text: str, timerange: TimeRange | OpenTimeRange
) -> None:
    parameters = read(config_file, f"run.timerange={text}")

    assert parameters.timerange == timerange
    assert parameters.model_dump(mode="json")["timerange"] == text


def test_a_timerange_in_yaml_may_be_a_number(config_file: Path) -> None:
    config_file.write_text(f"{config_file.read_text()}run:\n  timerange: -20250401\n")

    assert str(read(config_file).timerange) == "-20250401"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("run.timerange=20250301", "run.timerange: must be two days"),
        ("run.timerange=20250401-20250301", "run.timerange: must be a range that stops after"),
        ("run.exchange_url=http://[::1", "run.exchange_url: must be http:// on a loopback"),
        ("run.exchange_url=https://api.binance.com", "run.exchange_url: must be http:// on a"),
        ("run.exchange_url=http://localhost:1", "run.exchange_url: must be http:// on a loopback"),
        ("run.spaces=[]", "run.spaces: must be at least one space, such as [buy,sell]"),
        ("run.spaces=buy", "run.spaces: must be a list, such as [buy,sell]"),
        (
            "run.informative=BTC/USDT@1h",
            "run.informative: must be a list, such as [BTC/USDT@1h,BTC/USDT@4h]",
        ),
        ("run.without=BTC/USDT@1h", "run.without: must be a list, such as [BTC/USDT:USDT@1h]"),
        (
            "run.accepted_strategy_errors=custom_exit",
            "run.accepted_strategy_errors: must be a list, such as [custom_exit,custom_stoploss]",
        ),
        ("run.epochs=0", "run.epochs: must be greater than or equal to 1"),
        ("run.epochs=100001", "run.epochs: must be less than or equal to 100000"),
        ("run.jobs=257", "run.jobs: must be less than or equal to 256"),
        (
            "run.random_state=4294967296",
            "run.random_state: must be less than or equal to 4294967295",
        ),
        ("run.epochs=many", "run.epochs: must be a valid integer"),
    ],
)
def test_a_refused_parameter_says_what_it_must_be(
    config_file: Path, override: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read(config_file, override)

    assert f"command line: {said}" in str(refusal.value)
    assert "Value error" not in str(refusal.value)
    assert "Input should" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("data", "give --data, or set TRADAI_RUN_DATA"),
        ("timerang", "did you mean 'timerange'?"),
        ("zzz", "the known ones are timerange, "),
    ],
)
def test_an_unknown_parameter_is_named_with_what_is_meant(
    config_file: Path, name: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read(config_file, f"run.{name}=x")

    assert f"run.{name} is not a run parameter" in str(refusal.value)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    "override",
    [
        "run.spaces=[buy,sell]",
        "run.informative=[BTC/USDT@1h,BTC/USDT@4h]",
        "run.without=[BTC/USDT:USDT@1h]",
        "run.accepted_strategy_errors=[custom_exit,custom_stoploss]",
    ],
)
def test_the_list_that_is_asked_for_is_taken(config_file: Path, override: str) -> None:
    name = override.partition("=")[0].removeprefix("run.")

    assert getattr(read(config_file, override), name)
