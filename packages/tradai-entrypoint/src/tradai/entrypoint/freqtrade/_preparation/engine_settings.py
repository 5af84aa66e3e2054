"""Names of the engine's own settings, and their places in the configuration of a run.

The engine takes any key and ignores those it does not have. A setting of the engine that is written
where it does not belong would be such a key, so it is refused. A key of `strategy.config` goes to
the engine under its own name, so it must not be the name of a setting.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from tradai.core import Execution, JsonValue, Origin, Pricing, StrategyConfig
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._engine_keys.block import Problem, block_problems, refuse
from tradai.entrypoint.freqtrade._engine_keys.ownership import (
    ALLOWED,
    FUTURES,
    NOT_IN_SCHEMA,
    OWNED,
)
from tradai.entrypoint.freqtrade._engine_keys.problems import Problems
from tradai.entrypoint.freqtrade._engine_keys.schema import check_schema
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named
from tradai.entrypoint.freqtrade._preparation.engine_options import (
    OPTIONS,
    engine_options,
    key_error,
    plain_json,
)
from tradai.entrypoint.freqtrade._strategy.order_types import (
    class_order_types,
    order_type_problems,
)
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

# Keys of the engine's configuration file (freqtrade 2026.9).
_FILE: Final = """
    add_config_files amend_last_stake_amount amount_reserve_percent analyze_per_epoch api_server
    available_capital backtest_breakdown backtest_cache bot_name cancel_open_orders_on_exit
    coingecko custom_price_max_distance_ratio datadir dataformat_ohlcv dataformat_trades db_url
    disable_dataframe_checks disableparamexport discord download_trades dry_run dry_run_wallet
    early_stop entry_pricing epochs exchange exit_pricing exit_profit_offset exit_profit_only
    experimental export external_message_consumer fee fiat_display_currency force_entry_enable
    freqai freqaimodel freqaimodel_path hyperopt_jobs hyperopt_loss hyperopt_min_trades
    hyperopt_path hyperopt_random_state ignore_buying_expired_candle_after
    ignore_roi_if_entry_signal initial_state internals last_stake_amount_min_ratio
    liquidation_buffer liquidation_warn_ratio log_config lookahead_analysis_exportfilename
    margin_mode max_entry_position_adjustment max_open_trades minimal_roi minimum_trade_amount
    new_pairs_days order_time_in_force order_types orderflow pairlists
    position_adjustment_enable print_all process_only_new_candles proxy_coin
    recursive_strategy_search reduce_df_footprint skip_wallet_history_migration spaces
    stake_amount stake_currency startup_candle stoploss strategy strategy_path
    targeted_trade_amount telegram timeframe tradable_balance_ratio trading_mode
    trailing_only_offset_is_reached trailing_stop trailing_stop_positive
    trailing_stop_positive_offset unfilledtimeout use_exit_signal user_data_dir webhook
"""
# Further keys, which the engine's command line or the engine itself puts into its configuration.
_RUN_TIME: Final = """
    analysis_csv_path analysis_groups analysis_rejected analysis_to_csv backtest_notes
    backtest_show_pair_list base_currencies candle_type_def candle_types config config_files
    convert_trades days db_url_from dex_exchanges enable_dynamic_pairlist enable_protections
    enter_reason_list entry_only erase erase_ui_only exit_only exit_reason_list export_csv
    exportdirectory exportfilename format_from format_from_trades format_to
    freqai_backtest_live_models hyperopt_ignore_missing_space hyperopt_list_best
    hyperopt_list_max_avg_profit hyperopt_list_max_avg_time hyperopt_list_max_objective
    hyperopt_list_max_total_profit hyperopt_list_max_trades hyperopt_list_min_avg_profit
    hyperopt_list_min_avg_time hyperopt_list_min_objective hyperopt_list_min_total_profit
    hyperopt_list_min_trades hyperopt_list_no_details hyperopt_list_profitable
    hyperopt_show_index hyperopt_show_no_header hyperoptexportfilename include_inactive
    indicator_list indicators1 indicators2 list_exchanges_all list_exchanges_futures_options
    list_pairs_all list_pairs_print_json logfile lookahead_allow_limit_orders
    no_parallel_download no_trades original_config pairs pairs_file plot_auto_open plot_limit
    position_stacking prepend_data print_colorized print_csv print_json print_list
    print_one_column quote_currencies reset runmode sd_notify show_sensitive show_timerange
    startup_candle_count strategy_list template timeframe_detail timeframes timerange trade_ids
    trade_source trades ui_prerelease ui_version use_custom_stoploss verbosity version
    version_main
"""
IN_FILE: Final = frozenset(_FILE.split())
AT_RUN_TIME: Final = frozenset(_RUN_TIME.split())
# Settings that have another name here.
_RENAMED: Final = {
    "bot_name": "name",
    "dry_run_wallet": "execution.starting_balance",
    "freqaimodel": "run.freqai_model",
    "hyperopt_jobs": "run.jobs",
    "hyperopt_loss": "run.loss",
    "hyperopt_random_state": "run.random_state",
    "internals": "execution.process_throttle_s",
    "pair_whitelist": "pairs",
    "startup_candle_count": "run.startup_candles",
    "strategy_path": "strategy.source",
}
# Sides of the book that the engine lets a market order have (freqtrade 2026.9).
_MARKET_SIDES: Final = {"entry": ("ask", "other"), "exit": ("bid", "other")}
# Tables of `execution` that the engine gets as they are.
_TABLES: Final = ("order_time_in_force", "order_types", "unfilledtimeout")
_PLACES: Final = (
    _RENAMED
    | {name: name for name in StrategyConfig.model_fields}
    | {name: f"execution.{name}" for name in Execution.model_fields}
    | {name: f"parameters.{name}" for name in OPTIONS}
    | {name: f"run.{name}" for name in RunParameters.model_fields}
)


def place_of(name: str) -> str | None:
    """Return the place here of the engine's setting `name`; None when it has none."""
    return _PLACES.get(name)


def check_extra_keys(extras: tuple[str, ...], provenance: Mapping[str, Origin]) -> None:
    """Check that no key at the top level of a configuration is a setting in the wrong place.

    Args:
        extras: Keys that the schema does not know.
        provenance: Origin of each value, by its path.

    Raises:
        ConfigurationError: A key is a setting of the engine or a run parameter; all are listed.
    """
    misplaced = [name for name in extras if name in IN_FILE | FUTURES | _PLACES.keys()]
    if misplaced:
        problems = "; ".join(_misplaced(name, provenance) for name in misplaced)
        raise ConfigurationError(problems, key=misplaced[0])


def check_settings(
    context: RunContext,
    engine: EngineInstall | None,
    facts: SourceFacts | None,
    problems: Problems,
) -> None:
    """Check all keys that go to the engine: at the top level, and in each block.

    Order types of the strategy class are checked beside those of ``execution``.

    Args:
        context: The run.
        engine: The engine, whose schema is asked; None where there is none.
        facts: The strategy; None where its source is refused.
        problems: Takes each problem.

    Raises:
        RunInterruptedError: A signal came first.
    """
    config, origins = context.config, context.loaded.provenance
    problems.of(lambda: check_extra_keys(config.extra_keys, origins))
    problems.of(lambda: engine_options(config.parameters, context.mode))
    if config.strategy is not None:
        own = config.strategy.config or {}
        problems.of(lambda: strategy_keys(own))
    exchange = problems.of(lambda: exchange_named(config.exchange))
    block = config.engine or {}
    if exchange is not None:
        is_futures = exchange.market_type == "futures"
        found = list(block_problems(block, context.mode, is_futures=is_futures, place_of=place_of))
        problems.of(lambda: refuse(iter(found), origins))
        # Of those the schema would say the same again.
        refused = {path.split(".")[1] for path, _ in found}
        block = {name: each for name, each in block.items() if name not in refused}
        if facts is not None:
            problems.of(lambda: refuse(_pricing_problems(config, facts), origins))
    tables = _tables(config.execution)
    named = {
        "engine": {name: each for name, each in block.items() if name not in NOT_IN_SCHEMA},
        "execution": tables,
    }
    of_class = {} if facts is None else _class_tables(context, facts)
    problems.of(lambda: refuse(_number_problems({"execution": tables, **of_class}), origins))
    given = {place: values for place, values in named.items() if values}
    if engine is not None:
        problems.of(lambda: _check_schema(context, engine, given))


def check_class_order_types(context: RunContext, engine: EngineInstall, facts: SourceFacts) -> None:
    """Check the order types of the strategy class, of which a run hears from the engine itself.

    Raises:
        ConfigurationError: One has a value that the engine refuses; all are listed.
        RunInterruptedError: A signal came first.
    """
    _check_schema(context, engine, _class_tables(context, facts))


def _check_schema(
    context: RunContext, engine: EngineInstall, settings: Mapping[str, Mapping[str, JsonValue]]
) -> None:
    if settings:
        check_schema(
            settings,
            context.loaded.provenance,
            engine=engine,
            environ=context.environ,
            interrupts=context.interrupts,
        )


def _number_problems(settings: Mapping[str, Mapping[str, JsonValue]]) -> Iterator[Problem]:
    for place, block in settings.items():
        table = block.get("order_types")
        for path, text in order_type_problems(table) if isinstance(table, Mapping) else ():
            yield f"{place}.{path}", text


def _pricing_problems(config: StrategyConfig, facts: SourceFacts) -> Iterator[Problem]:
    """Yield the prices of orders that the engine refuses when it starts."""
    execution = config.execution
    given = execution.order_types or {}
    types = {**class_order_types(execution.order_types, facts), **given}
    has_tickers = exchange_named(config.exchange).market_type != "futures"
    for order, pricing in (
        ("entry", execution.entry_pricing or Pricing()),
        ("exit", execution.exit_pricing or Pricing()),
    ):
        key, side = f"execution.{order}_pricing", pricing.price_side
        if types.get(order) == "market" and side not in _MARKET_SIDES[order]:
            place = "execution" if order in given else f"class {facts.class_name}"
            yield (
                f"{key}.price_side",
                (
                    f"is {side}, and {place}.order_types.{order} is market: write other, or limit "
                    "orders"
                ),
            )
        if not pricing.use_order_book and not has_tickers:
            yield (
                f"{key}.use_order_book",
                (
                    f"is false, and {config.exchange} has no prices of contracts but in its order "
                    "book: write true"
                ),
            )


def _class_tables(
    context: RunContext, facts: SourceFacts
) -> dict[str, Mapping[str, Mapping[str, JsonValue]]]:
    """Return the tables of the class that the engine gets beside those of ``execution``."""
    table = class_order_types(context.config.execution.order_types, facts)
    return {f"class {facts.class_name}": {"order_types": table}} if table else {}


def _tables(execution: Execution) -> dict[str, JsonValue]:
    """Return the tables that the engine gets as they are."""
    given = {name: getattr(execution, name) for name in _TABLES}
    return {name: table for name, table in given.items() if table is not None}


def strategy_keys(given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the keys of `strategy.config`, which the strategy reads from its configuration.

    Raises:
        ConfigurationError: A key is a setting of the engine.
    """
    for name in given:
        if name in IN_FILE | AT_RUN_TIME | FUTURES:
            problem = f"is a setting of the engine, not a key of the strategy{_advice(name)}"
            raise key_error(key=f"strategy.config.{name}", problem=problem)
    return {name: plain_json(value) for name, value in given.items()}


def _misplaced(name: str, provenance: Mapping[str, Origin]) -> str:
    origins = (origin for path, origin in provenance.items() if path.partition(".")[0] == name)
    place = next((f"{origin}: " for origin in origins), "")
    return f"{place}{name} does not belong at the top level{_advice(name)}"


def _advice(name: str) -> str:
    if name in _PLACES:
        return f": its place is {_PLACES[name]}"
    if name in ALLOWED | FUTURES:
        return f": its place is engine.{name}"
    instead = f" ({OWNED[name]})" if name in OWNED else ""
    return f": this version does not pass it on to the engine, so remove it{instead}"
