"""No wish of a strategy class is dropped: it holds, or the run is refused, or it is said."""

from pathlib import Path
from typing import Final

import pytest

from tradai.core import StrategyConfig, TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._preparation.class_settings import check_class, class_notices
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts, inspect_source

EXECUTION: Final = {
    "stake_amount": 50,
    "max_open_trades": 3,
    "minimal_roi": {"0": 0.2, "30": 0.05},
    "stoploss": -0.2,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def facts(folder: Path, body: str, *, top: str = "") -> SourceFacts:
    (folder / "wave.py").write_text(f"{top}\nclass Wave(IStrategy):\n    {body}\n")
    return inspect_source(folder, "Wave")


def config(**changes: object) -> StrategyConfig:
    values = {
        "name": "wave",
        "version": "1.0.0",
        "timeframe": "5m",
        "pairs": ["BTC/USDT"],
        "execution": {"stake_amount": 50},
    }
    return StrategyConfig.model_validate(values | changes)


def refusal(folder: Path, body: str, **changes: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        check_class(config(**changes), facts(folder, body))
    return caught.value


def notices(
    folder: Path, body: str, mode: TradingMode = TradingMode.BACKTEST, **changes: object
) -> str:
    return "\n".join(class_notices(config(**changes), facts(folder, body), mode))


@pytest.mark.parametrize(
    ("body", "key", "said"),
    [
        ("timeframe = '1h'", "timeframe", "is 5m, and class Wave has 1h"),
        ("can_short = True", "can_short", "this version trades spot"),
        ("position_stacking = True", "position_stacking", "parameters.position_stacking"),
        ("timeframe_detail = '1m'", "timeframe_detail", "parameters.timeframe_detail"),
        ("hyperopt_min_trades = 9", "hyperopt_min_trades", "parameters.hyperopt_min_trades"),
    ],
)
def test_a_wish_that_the_engine_would_drop_is_refused_by_name(
    folder: Path, body: str, key: str, said: str
) -> None:
    error = refusal(folder, body)

    assert error.key == key
    assert str(error).startswith(f"{key} ")
    assert said in str(error)
    assert error.source == str(folder / "wave.py")


@pytest.mark.parametrize(
    ("given", "place", "entry"),
    [
        ({"entry": "market"}, "execution.order_types", "market"),
        (None, "order_types of class Wave", "limit"),
    ],
)
def test_order_types_that_were_filled_are_said_once(
    folder: Path, given: dict[str, object] | None, place: str, entry: str
) -> None:
    execution = {"stake_amount": 50, "order_types": given}

    found = notices(folder, "order_types = {'stoploss_on_exchange': True}", execution=execution)

    assert found == (
        f"{place} lacks some order types, so the engine gets entry: {entry}, exit: limit, "
        "stoploss: limit, stoploss_on_exchange: true, stoploss_on_exchange_interval: 60"
    )


def test_a_refused_order_type_is_not_named_among_those_of_the_engine(folder: Path) -> None:
    execution = {"stake_amount": 50, "order_types": {"entri": "market"}}

    found = notices(folder, "timeframe = '5m'", execution=execution)

    assert "exit: limit" in found
    assert "entri" not in found


@pytest.mark.parametrize(
    "body",
    [
        "async def confirm_trade_entry(self, **rest): return False",
        "def confirm_trade_entry(self, **rest): yield False",
        "def confirm_trade_entry(self, **rest): yield from ()",
    ],
)
def test_a_callback_whose_body_the_engine_would_never_run_is_refused(
    folder: Path, body: str
) -> None:
    error = refusal(folder, body)

    assert error.source == "wave.py:3"
    assert str(error).startswith("wave.py:3: confirm_trade_entry is async or has a yield")


@pytest.mark.parametrize(
    "body",
    [
        "async def ask_for_news(self): pass",
        "def numbers(self): yield 1",
        "def informative_pairs(self): yield ('BTC/USDT', '1h')",
        "def bot_start(self): self.later = lambda: (yield)",
        "def bot_start(self):\n        def numbers(): yield 1",
        "async def helper(self): pass\n    def bot_start(self): pass",
    ],
)
def test_other_methods_and_inner_functions_may_be_async_or_have_a_yield(
    folder: Path, body: str
) -> None:
    check_class(config(), facts(folder, body))


def test_all_values_that_the_configuration_goes_over_are_noticed_in_one_line(folder: Path) -> None:
    body = "stoploss = -0.3\n    minimal_roi = {'0': 0.1}\n    trailing_stop = True"

    assert notices(folder, body, execution=EXECUTION) == (
        "2 keys go over class Wave: execution.minimal_roi (there {'0': 0.1}), "
        "execution.stoploss (there -0.3)"
    )


@pytest.mark.parametrize(
    "body",
    [
        "timeframe = '5m'",
        "timeframe: str",
        "stake_amount = 75",
        "can_short = False",
        "position_stacking = False",
        "process_only_new_candles = True",
        "stoploss = -0.3",
        "timeframe = '1h'\n    def bot_start(self):\n        self.timeframe = '5m'",
    ],
)
def test_a_wish_that_holds_is_no_error(folder: Path, body: str) -> None:
    check_class(config(), facts(folder, body))


def test_a_setting_has_its_place_in_the_configuration_even_if_the_class_repeats_it(
    folder: Path,
) -> None:
    check_class(
        config(parameters={"position_stacking": False}), facts(folder, "position_stacking = 1")
    )


@pytest.mark.parametrize(
    "read", ["self.config['grinding']", 'config.get("grinding", False)', "config[ 'grinding' ]"]
)
def test_a_key_of_the_top_level_that_the_source_reads_is_refused_with_its_place(
    folder: Path, read: str
) -> None:
    error = refusal(folder, f"def bot_start(self): return {read}", grinding=True)

    assert error.key == "grinding"
    assert "is read in wave.py" in str(error)
    assert "its place is strategy.config.grinding" in str(error)


@pytest.mark.parametrize("other", ["self.config['grinding_more']", "row['grinding']", "grinding"])
def test_a_key_of_the_top_level_that_the_source_does_not_read_is_no_error(
    folder: Path, other: str
) -> None:
    body = f"def bot_start(self): return {other}"

    check_class(config(grinding=True), facts(folder, body))


def test_the_protections_of_a_class_are_noticed(folder: Path) -> None:
    body = "@property\n    def protections(self): return []"

    assert "enable_protections=false leaves them out" in notices(folder, body)
    assert "do not hold" in notices(folder, body, parameters={"enable_protections": False})
    assert notices(folder, body, TradingMode.DRY_RUN) == ""
    assert notices(folder, "protection_window = 5") == ""


def test_a_misspelt_option_of_a_protection_is_refused_where_protections_hold(folder: Path) -> None:
    body = "protections = [{'method': 'StoplossGuard', 'trade_limitt': 4}]"

    error = refusal(folder, body)

    assert error.key == "protections"
    assert "wave.py:3: trade_limitt is not an option of StoplossGuard" in str(error)
    check_class(config(parameters={"enable_protections": False}), facts(folder, body))


def test_an_option_of_another_protection_is_noticed(folder: Path) -> None:
    body = "protections = [{'method': 'LowProfitPairs', 'only_per_pair': True}]"

    check_class(config(), facts(folder, body))
    assert "only_per_pair is an option of other protections" in notices(folder, body)


def test_a_misspelt_name_is_noticed_and_not_refused(folder: Path) -> None:
    body = "def custom_stoplos(self): return 1"

    check_class(config(), facts(folder, body))
    assert "did you mean 'custom_stoploss'?" in notices(folder, body)


@pytest.mark.parametrize(
    ("mode", "enabled", "is_noticed"),
    [
        (TradingMode.BACKTEST, True, True),
        (TradingMode.BACKTEST, False, False),
        (TradingMode.DRY_RUN, True, False),
    ],
)
def test_the_depth_of_the_market_is_noticed_where_no_order_book_is(
    folder: Path, mode: TradingMode, *, enabled: bool, is_noticed: bool
) -> None:
    pricing = {"check_depth_of_market": {"enabled": enabled, "bids_to_ask_delta": 1.5}}

    found = notices(folder, "pass", mode, execution={"stake_amount": 50, "entry_pricing": pricing})

    assert ("check_depth_of_market" in found) is is_noticed


def test_leverage_is_noticed_as_never_called(folder: Path) -> None:
    body = "def leverage(self, pair, **kwargs): return 3"

    assert notices(folder, body) == "leverage() of class Wave is not called: spot has no leverage"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("timeframe = load()", "timeframe goes over the timeframe of class Wave"),
        (
            "def __init__(self, config):\n        self.timeframe = '1h'",
            "which is a value computed when it runs",
        ),
        ("stake_amount = 75", "execution.stake_amount goes over the stake_amount of class Wave"),
        ("stake_amount = 'unlimited'", "which is unlimited"),
        ("stake_currency = 'BTC'", "stake_currency goes over the stake_currency"),
        (
            "max_open_trades = 5",
            "execution.max_open_trades goes over the max_open_trades of class Wave, which is 5",
        ),
        ("stoploss = -0.3", "execution.stoploss goes over the stoploss of class Wave"),
        ("minimal_roi = {'0': 0.1}", "execution.minimal_roi goes over the minimal_roi"),
    ],
)
def test_a_value_that_the_configuration_goes_over_is_noticed(
    folder: Path, body: str, said: str
) -> None:
    assert said in notices(folder, body, execution=EXECUTION)


@pytest.mark.parametrize(
    "body",
    [
        "timeframe = '5m'",
        "max_open_trades = 3",
        "minimal_roi = {'0': 0.2, 30: 0.05}",
        "stoploss = -0.2",
        "trailing_stop = True",
        "stake_amount = 50",
        "stake_amount = None",
        "stake_currency = 'USDT'",
        "protections = []",
    ],
)
def test_a_value_that_is_the_same_in_both_is_not_noticed(folder: Path, body: str) -> None:
    assert notices(folder, body, execution=EXECUTION) == ""


def test_a_read_of_the_environment_is_noticed_with_its_line(folder: Path) -> None:
    said = notices(folder, "stoploss = -float(os.environ.get('STOP', '0.05'))")

    assert said.startswith("wave.py:3 reads STOP from the environment, which the engine")
    assert "strategy.config" in said


def test_a_source_that_turns_off_log_records_is_refused_with_its_line(folder: Path) -> None:
    error = refusal(folder, "logging.disable(logging.CRITICAL)")

    assert "wave.py:3 calls logging.disable" in str(error)
    assert error.key == "strategy"


def test_files_that_do_not_travel_are_noticed(folder: Path) -> None:
    (folder / ".env").write_text("STOP=1")
    (folder / "blocked.json").write_text("[]")
    text = "class Wave(IStrategy):\n    x = open('blocked.json')\n"
    (folder / "wave.py").write_text(text)

    def said(source: Path) -> str:
        return "\n".join(class_notices(config(), inspect_source(source, "Wave"), TradingMode.TRAIN))

    assert said(folder) == "hidden files do not travel with the strategy: .env"
    assert "strategy.source is one file" in said(folder / "wave.py")
    assert "blocked.json" in said(folder / "wave.py")
