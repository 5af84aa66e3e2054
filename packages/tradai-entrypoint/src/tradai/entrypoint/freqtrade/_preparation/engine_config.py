"""Translate a strategy configuration into the engine's configuration.

A setting that is not set is left out, so that the strategy class decides it. A setting that the
engine would guess without asking the strategy is always written.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from tradai.core import Execution, JsonValue, Pricing, StrategyConfig, TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._engine_keys.block import check_block, for_engine, for_exchange
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named
from tradai.entrypoint.freqtrade._preparation.engine_options import (
    check_keys,
    engine_options,
    key_error,
    plain_json,
)
from tradai.entrypoint.freqtrade._preparation.engine_settings import place_of, strategy_keys
from tradai.entrypoint.freqtrade._strategy.order_types import ORDERS

# Stands for the exchange's address until the run has one, so that a plan does not depend on it.
ENDPOINT: Final = "http://127.0.0.1:0"
# The same in every run.
CONSTANTS: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {
        # Orders are simulated in every mode but LIVE.
        "dry_run": True,
        # Margin is not proven, and futures are set for their exchange alone.
        "trading_mode": "spot",
        # As candles are staged.
        "dataformat_ohlcv": "feather",
        # Without it the engine could choose other pairs than the configured ones.
        "pairlists": [{"method": "StaticPairList"}],
        # Unless `parameters` says otherwise: a backtest would ignore the protections of the
        # strategy class, which hold in a dry-run.
        "enable_protections": True,
    }
)
# The same in every dry-run: by default the bot would wait for a command to start.
BOT_CONSTANTS: Final[Mapping[str, JsonValue]] = MappingProxyType({"initial_state": "running"})
# The same in every live session, over the others.
LIVE_CONSTANTS: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {
        "dry_run": False,
        # It opens no position before the session lets it.
        "initial_state": "paused",
        # Only the strategy may open a position.
        "force_entry_enable": False,
        # Open orders are treated as the approval says.
        "cancel_open_orders_on_exit": False,
    }
)
# The least that the engine accepts.
_SMALLEST_STAKE: Final = Decimal("0.0001")
# The engine's default (freqtrade 2026.9).
_TRADABLE: Final = Decimal("0.99")
# Called the same in `Execution` and in the engine's configuration.
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
_SIDES: Final = ("entry", "exit")
# Tables of the engine: the keys it requires, and the optional ones.
_TABLES: Final = {
    "order_types": ((), ORDERS),
    "order_time_in_force": (_SIDES, ()),
    "unfilledtimeout": ((), (*_SIDES, "exit_timeout_count", "unit")),
}


def engine_config(config: StrategyConfig, mode: TradingMode) -> dict[str, JsonValue]:
    """Return the engine's configuration for `config`; its exchange is at `ENDPOINT`.

    Raises:
        ConfigurationError: The exchange is not known, the stake is not set, too small or more than
            the balance, or the engine does not have a key.
    """
    execution, block = config.execution, config.engine or {}
    is_futures = exchange_named(config.exchange).market_type == "futures"
    check_block(block, mode, is_futures=is_futures, place_of=place_of)
    rendered: dict[str, JsonValue] = {
        **CONSTANTS,
        "bot_name": config.name,
        "timeframe": str(config.timeframe),
        "stake_currency": config.stake_currency,
        "stake_amount": _stake_amount(config, mode),
        "dry_run_wallet": float(execution.starting_balance),
        **market_keys(config),
        "exchange": _exchange(config),
        "entry_pricing": _pricing(execution.entry_pricing),
        "exit_pricing": _exit_pricing(execution.exit_pricing),
        **_strategy_settings(execution),
        **engine_options(config.parameters, mode),
        **{name: plain_json(value) for name, value in for_engine(block, mode).items()},
    }
    if config.strategy is not None:
        rendered |= strategy_keys(config.strategy.config or {})
    if config.freqai is not None:
        rendered["freqai"] = _freqai(config.freqai, mode)
    if mode.holds_positions:
        rendered |= _bot_settings(execution)
    if mode is TradingMode.LIVE:
        # The balance is that of the account.
        del rendered["dry_run_wallet"]
        rendered |= LIVE_CONSTANTS
    return rendered


def market_keys(config: StrategyConfig) -> dict[str, JsonValue]:
    """Return the keys that choose the market; none of them for the spot market, the default."""
    if exchange_named(config.exchange).market_type == "spot":
        return {}
    # Cross margin is not proven.
    return {"trading_mode": "futures", "margin_mode": "isolated"}


def _exchange(config: StrategyConfig) -> dict[str, JsonValue]:
    return {
        **{name: plain_json(value) for name, value in for_exchange(config.engine or {}).items()},
        "name": exchange_named(config.exchange).engine_name,
        # A websocket keeps an engine alive that failed to start, and cannot be redirected.
        "enable_ws": False,
        "pair_whitelist": list(config.pairs),
        "pair_blacklist": [],
        "ccxt_config": exchange_named(config.exchange).ccxt_config(ENDPOINT),
    }


def _stake_amount(config: StrategyConfig, mode: TradingMode) -> JsonValue:
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
    if isinstance(stake, Decimal) and not mode.holds_positions:
        _check_balance(stake, config)
    return plain_json(stake)


def _check_balance(stake: Decimal, config: StrategyConfig) -> None:
    """Check that a backtest can pay one stake, as the engine does, in floats."""
    execution = config.execution
    ratio = execution.tradable_balance_ratio or _TRADABLE
    tradable = float(execution.starting_balance) * float(ratio)
    if float(stake) > tradable:
        problem = (
            f"is {stake:f} {config.stake_currency}, and {tradable:.8g} may be traded: "
            f"execution.starting_balance ({execution.starting_balance:f}) times "
            f"tradable_balance_ratio ({ratio:f}); lower the stake, or raise the balance"
        )
        raise key_error(key="execution.stake_amount", problem=problem)


def _strategy_settings(execution: Execution) -> dict[str, JsonValue]:
    """Return the settings that, where set, go over those of the strategy class."""
    for name, (required, others) in _TABLES.items():
        if (table := getattr(execution, name)) is not None:
            known = (*required, *others)
            check_keys(f"execution.{name}", table, known=known, required=required)
    settings = ((name, getattr(execution, name)) for name in _SAME_NAMES)
    return {name: plain_json(value) for name, value in settings if value is not None}


def _pricing(pricing: Pricing | None) -> JsonValue:
    return plain_json((pricing or Pricing()).model_dump(exclude_none=True))


def _exit_pricing(pricing: Pricing | None) -> JsonValue:
    if pricing is not None and pricing.check_depth_of_market is not None:
        problem = "is a condition of entries: write it to execution.entry_pricing"
        raise key_error(key="execution.exit_pricing.check_depth_of_market", problem=problem)
    return _pricing(pricing)


def _bot_settings(execution: Execution) -> dict[str, JsonValue]:
    settings = dict(BOT_CONSTANTS)
    if execution.process_throttle_s is not None:
        settings["internals"] = {"process_throttle_secs": execution.process_throttle_s}
    return settings


def _freqai(freqai: Mapping[str, JsonValue], mode: TradingMode) -> JsonValue:
    rendered = plain_json(freqai)
    if mode is TradingMode.TRAIN and isinstance(rendered, dict):
        rendered["save_backtest_models"] = True
    return rendered
