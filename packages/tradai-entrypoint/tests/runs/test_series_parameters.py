"""Series in the run parameters are spot series; a futures series can only be done without."""

import pytest

from tradai.core import StrategyConfigLoader
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.parameters import RunParameters, read_run_parameters

CONFIG = ("name=waves", "version=1.0.0", "timeframe=5m")


def read(*overrides: str) -> RunParameters:
    loader = StrategyConfigLoader(environ={})
    return read_run_parameters(loader.load_config(overrides=[*CONFIG, *overrides]))


def refusal(override: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(override)
    return str(caught.value)


def test_a_series_is_a_pair_and_a_timeframe_or_a_timeframe_of_every_pair() -> None:
    assert read("run.informative=[BTC/USDT@1h, '@4h']").informative == ("BTC/USDT@1h", "@4h")
    assert read("run.informative=['\u5e01\u5b89/USDT@1h']").informative == ("\u5e01\u5b89/USDT@1h",)
    assert read("run.without=['\u5e01\u5b89/USDT:USDT']").goes_without(
        "\u5e01\u5b89/USDT:USDT", "5m"
    )


@pytest.mark.parametrize(
    "series",
    ["BTC/USDT", "1h", "BTC@1h", "BTC/USDT@", "@0h", "btc/usdt@1h", "\u202e\u5e01/USDT@1h"],
)
def test_another_form_is_refused_with_an_example(series: str) -> None:
    assert refusal(f"run.informative=['{series}']") == (
        "command line: run.informative: must be PAIR@timeframe, such as BTC/USDT@1h, or @1h for "
        "every traded pair"
    )


def test_a_futures_series_is_called_one() -> None:
    error = refusal("run.informative=['BTC/USDT:USDT@1h']")

    assert "BTC/USDT:USDT@1h is a futures series, which this version cannot provide" in error
    assert "run.without" in error


def test_a_run_goes_without_one_series_or_all_of_a_pair() -> None:
    parameters = read("run.without=['BTC/USDT:USDT', SOL/USDT@1h]")

    assert parameters.goes_without("BTC/USDT:USDT", "5m")
    assert parameters.goes_without("SOL/USDT", "1h")
    assert not parameters.goes_without("SOL/USDT", "4h")
    assert not read().goes_without("SOL/USDT", "1h")


def test_an_absent_series_must_name_a_pair() -> None:
    assert "must be PAIR or PAIR@timeframe" in refusal("run.without=['@1h']")


def test_a_parameter_of_later_versions_counts_only_when_it_is_set() -> None:
    assert "without" not in RunParameters().canonical()
    assert read("run.without=[SOL/USDT]").canonical()["without"] == ["SOL/USDT"]
