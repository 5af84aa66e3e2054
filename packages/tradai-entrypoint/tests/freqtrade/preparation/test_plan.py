"""A strategy configuration becomes the command, configuration and parameters of the engine."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tradai.core import Secret, StrategyConfig, TradingMode
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint import ExitCode
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._preparation.engine_access import EngineAccess
from tradai.entrypoint.freqtrade._preparation.engine_config import ENDPOINT
from tradai.entrypoint.freqtrade._preparation.plan import EnginePlan, render_plan
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile
from tradai.entrypoint.freqtrade._strategy.class_syntax import Informative
from tradai.entrypoint.freqtrade._strategy.parameters import DeclaredParameter
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

FREQAI = {
    "enabled": True,
    "identifier": "wave",
    "train_period_days": 7,
    "backtest_period_days": 2,
    "feature_parameters": {
        "include_timeframes": ["5m", "1h"],
        "include_corr_pairlist": ["BTC/USDT"],
        "indicator_periods_candles": [10, 80],
    },
    "data_split_parameters": {},
}


def source_facts(
    *,
    startup_candles: int | None = 60,
    informative: tuple[Informative, ...] = (),
    classes: Mapping[str, tuple[Path, ...]] = MappingProxyType({}),
) -> SourceFacts:
    return SourceFacts(
        class_name="Wave",
        file=Path("/source/wave.py"),
        root=Path("/source"),
        files=(Path("wave.py"),),
        digest="0" * 64,
        startup_candles=startup_candles,
        declared=MappingProxyType({"buy_dip": DeclaredParameter(kind="IntParameter", space="buy")}),
        opaque=frozenset(),
        informative=informative,
        is_resolved=True,
        classes=classes,
    )


def config(**changes: object) -> StrategyConfig:
    values = {
        "name": "wave",
        "version": "1.0.0",
        "timeframe": "5m",
        "pairs": ["BTC/USDT", "ETH/USDT"],
        "execution": {"stake_amount": 50},
    }
    return StrategyConfig.model_validate(values | changes)


def plan(
    mode: TradingMode = TradingMode.BACKTEST,
    run: Mapping[str, object] | None = None,
    **changes: object,
) -> EnginePlan:
    parameters = RunParameters.model_validate(run or {})
    return render_plan(config(**changes), parameters, mode, facts=source_facts())


def refusal(mode: TradingMode = TradingMode.BACKTEST, **changes: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        plan(mode, None, **changes)
    return caught.value


def test_a_backtest_is_rendered_with_every_argument_and_setting() -> None:
    rendered = plan(run={"timerange": "20250101-20250201"})

    assert " ".join([rendered.subcommand, *rendered.arguments]) == (
        "backtesting --config - --no-color --userdir user_data --datadir data "
        "--strategy Wave --strategy-path strategies "
        "--timerange 20250101-20250201 --cache none --export trades"
    )
    assert rendered.config == {
        "bot_name": "wave",
        "dry_run": True,
        "trading_mode": "spot",
        "enable_protections": True,
        "timeframe": "5m",
        "stake_currency": "USDT",
        "stake_amount": 50.0,
        "dry_run_wallet": 1000.0,
        "dataformat_ohlcv": "feather",
        "pairlists": [{"method": "StaticPairList"}],
        "entry_pricing": {"price_side": "same", "use_order_book": True, "order_book_top": 1},
        "exit_pricing": {"price_side": "same", "use_order_book": True, "order_book_top": 1},
        "exchange": rendered.config["exchange"],
    }


def test_equal_inputs_give_equal_plans_that_can_be_stored() -> None:
    run, nested = {"timerange": "20250101-20250201"}, {"buy_kinds": [{"of": ["a"]}]}

    rendered = plan(run=run, freqai=FREQAI, buy_params=nested).as_json()

    assert rendered == plan(run=run, freqai=FREQAI, buy_params=nested).as_json()
    assert json.loads(json.dumps(rendered, allow_nan=False)) == rendered


def test_a_plan_without_a_time_range_leaves_it_to_the_data() -> None:
    assert "--timerange" not in plan().arguments


def test_hyperopt_searches_as_configured_and_writes_no_parameter_file() -> None:
    run = {"epochs": 7, "spaces": ["buy"], "loss": "OnlyProfitHyperOptLoss", "random_state": 3}

    rendered = plan(TradingMode.HYPEROPT, run)

    assert rendered.subcommand == "hyperopt"
    assert " ".join(rendered.arguments).endswith(
        "--epochs 7 --spaces buy --hyperopt-loss OnlyProfitHyperOptLoss "
        "--random-state 3 --job-workers 1 --disable-param-export"
    )


def test_the_least_number_of_trades_goes_by_the_command_line_whose_default_wins() -> None:
    parameters = {"hyperopt_min_trades": 12}

    arguments = plan(TradingMode.HYPEROPT, {"spaces": ["buy"]}, parameters=parameters).arguments

    assert " ".join(arguments).endswith("--min-trades 12")
    assert "--min-trades" not in plan(parameters=parameters).arguments


def test_the_protections_of_a_class_hold_in_every_mode_unless_they_are_turned_off() -> None:
    off = {"enable_protections": False}

    for mode in (TradingMode.BACKTEST, TradingMode.HYPEROPT, TradingMode.DRY_RUN):
        assert plan(mode, {"spaces": ["buy"]}).config["enable_protections"] is True
    assert plan(parameters=off).config["enable_protections"] is False


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"enable_protections": False}, "hold in every dry-run"),
        ({"position_stacking": True}, "one position for each pair"),
    ],
)
def test_a_switch_that_a_dry_run_would_not_follow_is_refused_there(
    parameters: dict[str, object], said: str
) -> None:
    assert said in str(refusal(TradingMode.DRY_RUN, parameters=parameters))


OWN = {
    "MyLoss": (Path("hyperopts/loss.py"),),
    "MyModel": (Path("model.py"),),
    "Twice": (Path("a.py"), Path("b.py")),
}


def own_plan(mode: TradingMode, **run: object) -> EnginePlan:
    given = {"timerange": "20250101-20250201", "spaces": ["buy"]} | run
    parameters = RunParameters.model_validate(given)
    facts = source_facts(classes=OWN)
    return render_plan(config(freqai=FREQAI), parameters, mode, facts=facts)


def test_a_loss_and_a_model_of_the_strategy_s_own_are_looked_for_in_their_folders() -> None:
    hyperopt = " ".join(own_plan(TradingMode.HYPEROPT, loss="MyLoss").arguments)
    train = " ".join(own_plan(TradingMode.TRAIN, freqai_model="MyModel").arguments)

    assert "--hyperopt-loss MyLoss" in hyperopt
    assert hyperopt.endswith("--hyperopt-path strategies/hyperopts")
    assert "--freqaimodel MyModel --freqaimodel-path strategies " in train


def test_a_loss_or_model_that_is_there_twice_is_refused() -> None:
    for name, mode in (("loss", TradingMode.HYPEROPT), ("freqai_model", TradingMode.TRAIN)):
        with pytest.raises(
            ConfigurationError, match=r"in a\.py and b\.py: keep only one"
        ) as caught:
            own_plan(mode, **{name: "Twice"})

        assert caught.value.key == f"run.{name}"


def test_training_is_a_backtest_that_keeps_its_models() -> None:
    rendered = plan(TradingMode.TRAIN, {"timerange": "20250101-20250201"}, freqai=FREQAI)

    assert rendered.subcommand == "backtesting"
    assert "--freqaimodel LightGBMRegressor" in " ".join(rendered.arguments)
    assert rendered.config["freqai"] == {**FREQAI, "save_backtest_models": True}
    # FreqAI crashes without a configuration file.
    assert rendered.config["config_files"] == ["strategies/wave.py"]


def test_pairs_of_one_coin_which_would_share_a_model_in_freqai_are_refused() -> None:
    error = refusal(TradingMode.TRAIN, freqai=FREQAI, pairs=["BTC/USDT", "BTC/USDC"])

    assert error.key == "pairs"
    assert "BTC/USDC, not bought with USDT" in str(error)


def test_a_backtest_of_a_freqai_strategy_names_the_model_and_keeps_none() -> None:
    rendered = plan(run={"timerange": "20250101-20250201"}, freqai=FREQAI)

    assert "--freqaimodel" in rendered.arguments
    assert rendered.config["freqai"] == FREQAI


def test_a_freqai_block_that_is_off_needs_no_model() -> None:
    assert "--freqaimodel" not in plan(freqai={**FREQAI, "enabled": False}).arguments


def test_a_dry_run_is_dry_twice_over_and_starts_trading_at_once() -> None:
    rendered = plan(TradingMode.DRY_RUN, execution={"stake_amount": 50, "process_throttle_s": 2})

    assert (rendered.subcommand, rendered.arguments[-1]) == ("trade", "--dry-run")
    assert rendered.config["dry_run"] is True
    assert rendered.config["initial_state"] == "running"
    assert rendered.config["internals"] == {"process_throttle_secs": 2}


def test_live_sends_orders_of_the_strategy_alone_on_the_configured_pairs() -> None:
    rendered = plan(TradingMode.LIVE, {"timerange": "20250101-20250201"})

    assert rendered.subcommand == "trade"
    assert not {"--dry-run", "--timerange", "--db-url"} & {*rendered.arguments}
    assert rendered.config["dry_run"] is False
    assert rendered.config["force_entry_enable"] is False
    assert rendered.config["pairlists"] == [{"method": "StaticPairList"}]
    assert rendered.config["initial_state"] == "paused"
    assert "dry_run_wallet" not in rendered.config


@pytest.mark.parametrize("mode", [mode for mode in TradingMode if mode is not TradingMode.LIVE])
def test_no_other_mode_sends_orders(mode: TradingMode) -> None:
    run = {"timerange": "20250101-20250201", "spaces": ["buy"]}

    assert plan(mode, run, freqai=FREQAI).config["dry_run"] is True


def test_live_names_the_model_class_of_a_freqai_strategy() -> None:
    rendered = plan(TradingMode.LIVE, freqai=FREQAI)

    assert "--freqaimodel LightGBMRegressor" in " ".join(rendered.arguments)
    assert rendered.config["freqai"] == FREQAI


def test_a_stop_of_live_treats_open_orders_as_the_approval_says() -> None:
    with pytest.raises(ConfigurationError, match="order policy of the approval") as caught:
        plan(TradingMode.LIVE, parameters={"cancel_open_orders_on_exit": True})

    assert caught.value.key == "parameters.cancel_open_orders_on_exit"


def test_the_access_to_an_account_is_in_the_engine_s_input_and_not_in_the_plan() -> None:
    rendered = plan(TradingMode.LIVE)
    access = EngineAccess(
        keys=ApiKeys(key=Secret("not-a-key"), secret=Secret("not-a-secret")),
        order_prefix="x-0123456789ab",
        database=SqliteFile(Path("/state/binance-1-wave.sqlite")),
    )
    address = "http://127.0.0.1:8080"

    sections = access.sections(rendered.exchange, address)
    given = json.loads(rendered.config_for(address, sections=sections))

    exchange = given["exchange"]
    assert (exchange["key"], exchange["secret"]) == ("not-a-key", "not-a-secret")
    assert exchange["pair_whitelist"] == ["BTC/USDT", "ETH/USDT"]
    assert exchange["ccxt_config"]["options"]["broker"] == {"spot": "x-0123456789ab"}
    assert exchange["ccxt_config"]["urls"]["api"]["private"].startswith(address)
    assert given["db_url"] == "sqlite:////state/binance-1-wave.sqlite"
    assert "not-a-" not in json.dumps(rendered.as_json())
    assert "broker" not in json.dumps(rendered.as_json())


def test_further_settings_are_passed_on_under_the_engine_s_own_names() -> None:
    rendered = plan(parameters={"process_only_new_candles": False, "timeframe_detail": "1m"})

    assert rendered.config["process_only_new_candles"] is False
    assert rendered.config["timeframe_detail"] == "1m"


def test_startup_candles_of_the_run_go_over_those_of_the_class() -> None:
    assert plan(run={"startup_candles": 99}).config["startup_candle_count"] == 99
    assert "startup_candle_count" not in plan().config


def test_hyper_parameters_go_into_the_file_beside_the_strategy(tmp_path: Path) -> None:
    rendered = plan(buy_params={"buy_dip": 0.004}, sell_params={"sell_gain": 2})

    rendered.write_params(tmp_path)

    assert json.loads((tmp_path / "wave.json").read_text()) == {
        "strategy_name": "Wave",
        "params": {"buy": {"buy_dip": 0.004}, "sell": {"sell_gain": 2}},
    }


def test_without_hyper_parameters_there_is_no_file(tmp_path: Path) -> None:
    plan().write_params(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_engine_is_sent_to_the_exchange_it_is_given() -> None:
    exchange = json.loads(plan().config_for("http://127.0.0.1:8080"))["exchange"]

    assert exchange["pair_whitelist"] == ["BTC/USDT", "ETH/USDT"]
    assert exchange["enable_ws"] is False
    assert exchange["ccxt_config"]["enableRateLimit"] is False
    assert exchange["ccxt_config"]["urls"]["api"]["public"] == "http://127.0.0.1:8080/api/v3"
    assert ENDPOINT not in json.dumps(exchange)


def test_at_the_venue_the_engine_keeps_its_own_addresses_and_limits() -> None:
    exchange = json.loads(plan().config_for(None))["exchange"]

    assert exchange["ccxt_config"] == {
        "options": {"fetchCurrencies": False, "fetchMarkets": {"types": ["spot"]}}
    }


def test_no_credentials_are_ever_rendered() -> None:
    exchange = json.loads(plan(TradingMode.DRY_RUN).config_for(None))["exchange"]

    assert not exchange.keys() & {"key", "api_key", "secret", "password", "uid"}


CONTRACTS = {"exchange": "binance_futures"}


@pytest.mark.parametrize(
    "pairs", [["ETH/USDC:USDC", "BTC/USDT"], ["ETH/USDC:USDC", "ETH/EUR:EUR"], ["ETH/USDC"]]
)
def test_contracts_that_are_not_settled_in_one_currency_name_none_to_set(pairs: list[str]) -> None:
    error = refusal(TradingMode.BACKTEST, **CONTRACTS, pairs=pairs)

    assert "not contracts settled in USDT: write them as BTC/USDT:USDT" in str(error)
    assert "stake_currency" not in str(error)


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"exchange": "probit"}, "exchange", "there are binance, binance_futures"),
        ({"timeframe": "7m"}, "timeframe", "Binance spot has 1m, 3m"),
        ({"timeframe": "1s"}, "timeframe", "Binance spot has"),
        ({"timeframe": "1M"}, "timeframe", "Binance spot has"),
        ({"pairs": []}, "pairs", "such as BTC/USDT"),
        # FreqAI names its files by the coin, so that these two would share them.
        ({"pairs": ["BTC/USDT", "BTC/EUR"]}, "pairs", "BTC/EUR, not bought with USDT"),
        ({"pairs": ["ETH/BTC"]}, "pairs", "spot market: remove them, or change stake_currency"),
        ({"pairs": ["ETH/USDT:USDT"]}, "pairs", "remove them, or set exchange: binance_futures"),
        (
            {**CONTRACTS, "pairs": ["ETH/USDC:USDC", "BTC/USDT:USDT"]},
            "pairs",
            "write them as BTC/USDT:USDT, or set stake_currency: USDC",
        ),
        (
            {**CONTRACTS, "pairs": ["ETH/USDC:USDC", "BTC/USDT"]},
            "pairs",
            "has ETH/USDC:USDC, BTC/USDT, not contracts settled in USDT: write them as BTC/USDT",
        ),
        (
            {**CONTRACTS, "pairs": ["BTC/USD:BTC"], "stake_currency": "BTC"},
            "pairs",
            "has BTC/USD:BTC, settled in another currency than the quote, which a run does not",
        ),
        ({"execution": {}}, "execution.stake_amount", "say how much USDT one trade may use"),
        ({"execution": {"stake_amount": 0.00001}}, "execution.stake_amount", "0.0001 or more"),
        (
            # Freqtrade 5428; `check` took it, and the engine refused it at its start.
            {"execution": {"stake_amount": 1000, "starting_balance": 1000}},
            "execution.stake_amount",
            "is 1000 USDT, and 990 may be traded",
        ),
        (
            {
                "execution": {
                    "stake_amount": 501,
                    "starting_balance": 1000,
                    "tradable_balance_ratio": 0.5,
                }
            },
            "execution.stake_amount",
            "(1000) times tradable_balance_ratio (0.5)",
        ),
        ({"parameters": {"stoploss": -0.1}}, "parameters.stoploss", "execution.stoploss"),
        ({"parameters": {"early_stpo": 1}}, "parameters.early_stpo", "did you mean 'early_stop'?"),
        ({"parameters": {"dry_run": False}}, "parameters.dry_run", "is not a setting"),
        ({"parameters": {"fast": 5}}, "parameters.fast", "has its place at strategy.config"),
        (
            {"parameters": {"position_stacking": "no"}},
            "parameters.position_stacking",
            "must be true or false",
        ),
        (
            {"execution": {"stake_amount": 1, "order_types": {"entyr": "limit"}}},
            "execution.order_types.entyr",
            "did you mean 'entry'?",
        ),
        (
            {"execution": {"stake_amount": 1, "order_time_in_force": {"entry": "GTC"}}},
            "execution.order_time_in_force.exit",
            "is missing",
        ),
        (
            {"execution": {"stake_amount": 1, "unfilledtimeout": {"entyr": 1}}},
            "execution.unfilledtimeout.entyr",
            "did you mean 'entry'?",
        ),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_its_key(
    changes: dict[str, Any], key: str, said: str
) -> None:
    error = refusal(**changes)

    assert error.key == key
    assert said in str(error)


def test_a_stake_of_all_that_may_be_traded_is_taken_and_a_dry_run_takes_any() -> None:
    most: dict[str, object] = {"stake_amount": 990, "starting_balance": 1000}

    assert plan(execution=most).config["stake_amount"] == 990
    dry = plan(TradingMode.DRY_RUN, execution={**most, "stake_amount": 991})
    assert dry.config["stake_amount"] == 991


def test_order_types_that_a_configuration_leaves_open_are_rendered() -> None:
    execution = {"stake_amount": 1, "order_types": {"stoploss_on_exchange": True}}

    assert plan(TradingMode.LIVE, execution=execution).config["order_types"] == {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "limit",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 60,
    }


def test_order_types_that_a_class_computes_are_refused_in_live_alone() -> None:
    facts = dataclasses.replace(source_facts(), names=frozenset({"order_types"}))

    def rendered(mode: TradingMode) -> EnginePlan:
        return render_plan(config(), RunParameters(), mode, facts=facts)

    assert "order_types" not in rendered(TradingMode.DRY_RUN).config
    with pytest.raises(ConfigurationError, match="to class Wave, and only running it"):
        rendered(TradingMode.LIVE)


def test_training_without_freqai_is_refused() -> None:
    assert refusal(TradingMode.TRAIN).key == "freqai.enabled"


def test_freqai_without_a_time_range_is_refused() -> None:
    assert refusal(TradingMode.TRAIN, freqai=FREQAI).key == "run.timerange"


@pytest.mark.parametrize("identifier", ["/etc/models", "../elsewhere", "a/../../b"])
def test_an_identifier_that_leads_out_of_the_models_folder_is_refused(identifier: str) -> None:
    freqai = {**FREQAI, "identifier": identifier}

    assert refusal(TradingMode.TRAIN, freqai=freqai).key == "freqai.identifier"


def test_an_identifier_may_name_a_folder_in_a_folder() -> None:
    run = {"timerange": "20250101-20250201"}

    rendered = plan(TradingMode.TRAIN, run, freqai={**FREQAI, "identifier": "waves/week"})

    assert rendered.subcommand == "backtesting"


@pytest.mark.parametrize(
    ("mode", "code"),
    [(TradingMode.DRY_RUN, ExitCode.CONFIGURATION), (TradingMode.LIVE, ExitCode.NOT_PERMITTED)],
)
def test_futures_are_refused_where_positions_are_held(mode: TradingMode, code: ExitCode) -> None:
    with pytest.raises(TradAIError, match="futures are proven in backtests only") as caught:
        plan(mode, exchange="binance_futures", timeframe="1h", pairs=["BTC/USDT:USDT"])

    assert ExitCode.of_error(caught.value) is code
    assert f"mode {mode} is refused" in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "code"),
    [(TradingMode.DRY_RUN, ExitCode.CONFIGURATION), (TradingMode.LIVE, ExitCode.NOT_PERMITTED)],
)
def test_an_exchange_of_recorded_answers_is_refused_where_positions_are_held(
    mode: TradingMode, code: ExitCode
) -> None:
    said = "exchange is okx: it is proven in backtests only, so mode .* is refused.*trade binance"
    with pytest.raises(TradAIError, match=said) as caught:
        plan(mode, exchange="okx")

    assert caught.value.exit_code == code
    assert plan(TradingMode.BACKTEST, exchange="okx").exchange.name == "okx"
