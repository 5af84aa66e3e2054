"""A strategy configuration in the words of the engine's own configuration.

A setting that is not set is left out, so that the strategy class decides it. What the engine
would guess without asking the strategy is always spelled out.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tradai.core import Execution, JsonValue, Pricing, StrategyConfig, TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._preparation.engine_options import (
    check_keys,
    engine_options,
    plain,
)

__all__ = ["ENDPOINT", "ccxt_config", "engine_config"]

# Stands for the exchange's address until the run has one, so that a plan does not depend on it.
ENDPOINT: Final = "http://127.0.0.1:0"
_API_PATHS: Final = {
    "public": "/api/v3",
    "private": "/api/v3",
    "v1": "/api/v1",
    "sapi": "/sapi/v1",
    "sapiV2": "/sapi/v2",
    "sapiV3": "/sapi/v3",
    "sapiV4": "/sapi/v4",
    "fapiPublic": "/fapi/v1",
    "dapiPublic": "/dapi/v1",
    "eapiPublic": "/eapi/v1",
}
_SMALLEST_STAKE: Final = Decimal("0.0001")
# These are called the same in Execution and in the engine's configuration.
_SAME_NAMES: Final = (
    "exit_profit_offset",
    "exit_profit_only",
    "fee",
    "ignore_roi_if_entry_signal",
    "max_entry_position_adjustment",
    "max_open_trades",
    "minimal_roi",
    "order_time_in_force",
    "order_types",
    "position_adjustment_enable",
    "stoploss",
    "tradable_balance_ratio",
    "trailing_only_offset_is_reached",
    "trailing_stop",
    "trailing_stop_positive",
    "trailing_stop_positive_offset",
    "unfilledtimeout",
    "use_exit_signal",
)
_ORDERS: Final = ("entry", "exit", "stoploss", "stoploss_on_exchange")
_SPECIAL_ORDERS: Final = (
    "emergency_exit",
    "force_entry",
    "force_exit",
    "stoploss_on_exchange_interval",
    "stoploss_on_exchange_limit_ratio",
    "stoploss_price_type",
)
_SIDES: Final = ("entry", "exit")
# Tables of the engine: the keys it wants and the further ones it knows.
_TABLES: Final = {
    "order_types": (_ORDERS, _SPECIAL_ORDERS),
    "order_time_in_force": (_SIDES, ()),
    "unfilledtimeout": ((), (*_SIDES, "exit_timeout_count", "unit")),
}


def engine_config(config: StrategyConfig, mode: TradingMode) -> dict[str, JsonValue]:
    """Return the engine's configuration for `config`; its exchange is at `ENDPOINT`.

    Raises:
        ConfigurationError: The stake is not set or too small, or the engine knows no such key.
    """
    execution = config.execution
    rendered: dict[str, JsonValue] = {
        "bot_name": config.name,
        "dry_run": True,
        "trading_mode": "spot",
        "timeframe": str(config.timeframe),
        "stake_currency": config.stake_currency,
        "stake_amount": _stake_amount(config),
        "dry_run_wallet": float(execution.starting_balance),
        "dataformat_ohlcv": "feather",
        "pairlists": [{"method": "StaticPairList"}],
        "exchange": _exchange(config),
        "entry_pricing": _pricing(execution.entry_pricing),
        "exit_pricing": _pricing(execution.exit_pricing),
        **_strategy_settings(execution),
        **engine_options(config.parameters),
    }
    if config.freqai is not None:
        rendered["freqai"] = _freqai(config.freqai, mode)
    if mode is TradingMode.DRY_RUN:
        rendered |= _bot_settings(execution)
    return rendered


def ccxt_config(base_url: str | None) -> dict[str, JsonValue]:
    """Return the settings of the engine's exchange client for the exchange at `base_url`.

    None is the venue itself: the client then uses its own addresses and keeps its rate limit.
    """
    rendered: dict[str, JsonValue] = {
        "options": {"fetchCurrencies": False, "fetchMarkets": {"types": ["spot"]}}
    }
    if base_url is not None:
        rendered["enableRateLimit"] = False
        rendered["urls"] = {"api": {name: base_url + path for name, path in _API_PATHS.items()}}
    return rendered


def _exchange(config: StrategyConfig) -> dict[str, JsonValue]:
    return {
        "name": config.exchange,
        # A websocket keeps an engine alive that failed to start, and cannot be redirected.
        "enable_ws": False,
        "pair_whitelist": list(config.pairs),
        "pair_blacklist": [],
        "ccxt_config": ccxt_config(ENDPOINT),
    }


def _stake_amount(config: StrategyConfig) -> JsonValue:
    stake = config.execution.stake_amount
    if stake is None:
        message = (
            f"execution.stake_amount is not set: say how much {config.stake_currency} one trade "
            "may use, or say unlimited and set execution.max_open_trades"
        )
        raise ConfigurationError(message, key="execution.stake_amount")
    if isinstance(stake, Decimal) and stake < _SMALLEST_STAKE:
        message = f"execution.stake_amount is {stake}: the engine needs {_SMALLEST_STAKE} or more"
        raise ConfigurationError(message, key="execution.stake_amount")
    return plain(stake)


def _strategy_settings(execution: Execution) -> dict[str, JsonValue]:
    """Return the settings that, where set, go over those of the strategy class."""
    for name, (required, others) in _TABLES.items():
        if (table := getattr(execution, name)) is not None:
            known = (*required, *others)
            check_keys(f"execution.{name}", table, known=known, required=required)
    settings = ((name, getattr(execution, name)) for name in _SAME_NAMES)
    return {name: plain(value) for name, value in settings if value is not None}


def _pricing(pricing: Pricing | None) -> JsonValue:
    return plain((pricing or Pricing()).model_dump(exclude_none=True))


def _bot_settings(execution: Execution) -> dict[str, JsonValue]:
    settings: dict[str, JsonValue] = {"initial_state": "running"}
    if execution.process_throttle_s is not None:
        settings["internals"] = {"process_throttle_secs": execution.process_throttle_s}
    return settings


def _freqai(freqai: Mapping[str, JsonValue], mode: TradingMode) -> JsonValue:
    rendered = plain(freqai)
    if mode is TradingMode.TRAIN and isinstance(rendered, dict):
        rendered["save_backtest_models"] = True
    return rendered
