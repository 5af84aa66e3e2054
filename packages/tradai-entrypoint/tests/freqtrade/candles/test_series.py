"""Every series of candles that the engine will read is known beforehand."""

from pathlib import Path

import pytest

from tradai.core import StrategyConfig
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._candles.series import needed_series
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts, inspect_source

FREQAI = {
    "enabled": True,
    "train_period_days": 2,
    "feature_parameters": {
        "include_timeframes": ["5m", "1h"],
        "include_corr_pairlist": ["BTC/USDT"],
        "indicator_periods_candles": [10, 80],
    },
}


def config(**changes: object) -> StrategyConfig:
    values = {
        "name": "wave",
        "version": "1.0.0",
        "timeframe": "5m",
        "pairs": ["BTC/USDT", "ETH/USDT"],
        "execution": {"stake_amount": 50},
    }
    return StrategyConfig.model_validate(values | changes)


def facts(tmp_path: Path, body: str = "startup_candle_count = 60") -> SourceFacts:
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    (source / "wave.py").write_text(f"class Wave(IStrategy):\n    {body}\n")
    return inspect_source(source, "Wave")


def needed(
    tmp_path: Path,
    body: str = "startup_candle_count = 60",
    *,
    run: object = None,
    **changes: object,
) -> list[tuple[str, int, bool]]:
    parameters = RunParameters.model_validate(run or {})
    found = needed_series(config(**changes), parameters, facts(tmp_path, body))
    return [(each.name, each.warmup, each.is_traded) for each in found]


def test_a_run_needs_its_pairs_with_the_candles_the_class_declares(tmp_path: Path) -> None:
    assert needed(tmp_path) == [("BTC/USDT@5m", 60, True), ("ETH/USDT@5m", 60, True)]


def test_the_run_may_ask_for_more_candles_and_further_series(tmp_path: Path) -> None:
    run = {"startup_candles": 99, "informative": ["BTC/USDT@1d", "ETH/USDT@5m"]}

    assert needed(tmp_path, run=run, parameters={"timeframe_detail": "1m"}) == [
        ("BTC/USDT@5m", 99, True),
        ("ETH/USDT@5m", 99, True),
        ("BTC/USDT@1d", 99, False),
        ("BTC/USDT@1m", 99, False),
        ("ETH/USDT@1m", 99, False),
    ]


def test_informative_methods_are_served_without_being_listed(tmp_path: Path) -> None:
    body = (
        "@informative('1h')\n    @informative('1d', 'SOL/{stake}')\n"
        "    def populate(self, dataframe, metadata): ..."
    )

    names = [name for name, _, _ in needed(tmp_path, body)]

    assert names == [
        "BTC/USDT@5m",
        "ETH/USDT@5m",
        "SOL/USDT@1d",
        "BTC/USDT@1h",
        "ETH/USDT@1h",
    ]


def test_a_timeframe_of_every_pair_is_named_once(tmp_path: Path) -> None:
    run = {"informative": ["@1h", "SOL/USDT@1d"]}

    assert [name for name, _, _ in needed(tmp_path, run=run)] == [
        "BTC/USDT@5m",
        "ETH/USDT@5m",
        "BTC/USDT@1h",
        "ETH/USDT@1h",
        "SOL/USDT@1d",
    ]


def test_series_that_the_run_goes_without_are_not_needed(tmp_path: Path) -> None:
    body = (
        "@informative('1h', 'BTC/USDT:USDT')\n    @informative('4h', 'SOL/USDT')\n"
        "    @informative('1d', 'SOL/USDT')\n    def populate(self, dataframe, metadata): ..."
    )
    run = {"without": ["BTC/USDT:USDT", "SOL/USDT@1d", "ETH/USDT"]}

    names = [name for name, _, _ in needed(tmp_path, body, run=run)]

    assert names == ["BTC/USDT@5m", "ETH/USDT@5m", "SOL/USDT@4h"]


@pytest.mark.parametrize("name", ["ETH/USDT", "ETH/USDT@1m"])
def test_a_run_does_not_go_without_the_candles_that_orders_are_simulated_on(
    tmp_path: Path, name: str
) -> None:
    run = {"without": [name]}

    with pytest.raises(ConfigurationError, match="takes ETH/USDT@1m, which parameters") as caught:
        needed(tmp_path, run=run, parameters={"timeframe_detail": "1m"})

    assert caught.value.key == "run.without"


def test_a_futures_series_is_called_one_and_may_be_left_out(tmp_path: Path) -> None:
    body = "@informative('1h', '{base}/{quote}:{quote}')\n    def populate(self, df, meta): ..."

    with pytest.raises(ConfigurationError, match="a futures series") as caught:
        needed(tmp_path, body)

    assert "BTC/USDT:USDT@1h" in str(caught.value)
    assert caught.value.key == "run.without"


def test_a_series_of_a_currency_in_itself_is_called_one(tmp_path: Path) -> None:
    body = "@informative('1h', 'USDT/{quote}')\n    def populate(self, df, meta): ..."

    with pytest.raises(ConfigurationError, match="USDT/USDT@1h, a series of a currency in itself"):
        needed(tmp_path, body)


def test_an_informative_method_that_cannot_be_read_needs_the_run_to_name_its_series(
    tmp_path: Path,
) -> None:
    body = "@informative(CHOSEN)\n    def populate(self, dataframe, metadata): ..."

    with pytest.raises(ConfigurationError, match=r"^wave\.py:2: the arguments of") as caught:
        needed(tmp_path, body)

    assert caught.value.key == "run.informative"
    named = needed(tmp_path, body, run={"informative": ["@1h"]})
    assert ("BTC/USDT@1h", 0, False) in named


def test_an_informative_asset_that_is_not_a_pair_is_refused(tmp_path: Path) -> None:
    body = "@informative('1h', '{what}/USDT')\n    def populate(self, dataframe, metadata): ..."

    with pytest.raises(ConfigurationError, match="not a pair"):
        needed(tmp_path, body)


def test_freqai_looks_back_over_its_training_days(tmp_path: Path) -> None:
    assert needed(tmp_path, pairs=["ETH/USDT"], freqai=FREQAI) == [
        ("ETH/USDT@5m", 80 + 576, True),
        ("ETH/USDT@1h", 80 + 48, False),
        ("BTC/USDT@5m", 80 + 576, False),
        ("BTC/USDT@1h", 80 + 48, False),
    ]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"train_period_days": 1.5}, "freqai.train_period_days"),
        ({"feature_parameters": None}, "freqai.feature_parameters"),
        (
            {"feature_parameters": {"indicator_periods_candles": []}},
            "freqai.feature_parameters.indicator_periods_candles",
        ),
        (
            {"feature_parameters": {"indicator_periods_candles": [1], "include_timeframes": []}},
            "freqai.feature_parameters.include_corr_pairlist",
        ),
    ],
)
def test_freqai_settings_that_do_not_say_how_far_back_are_refused(
    tmp_path: Path, changes: dict[str, object], key: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        needed(tmp_path, freqai=FREQAI | changes)

    assert caught.value.key == key


def test_an_open_startup_count_must_be_given_by_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        needed(tmp_path, "startup_candle_count = CANDLES")

    assert caught.value.key == "run.startup_candles"
