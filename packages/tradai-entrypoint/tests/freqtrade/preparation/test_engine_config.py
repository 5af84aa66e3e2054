"""Every field of `Execution` and `Pricing` has one engine key, and every key has one source.

A new field fails here until `engine_config` passes it on and the tables below say where.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tradai.core import Execution, Pricing, StrategyConfig, TradingMode
from tradai.entrypoint.freqtrade._preparation.engine_config import (
    BOT_CONSTANTS,
    CONSTANTS,
    LIVE_CONSTANTS,
    engine_config,
)

STAKE = {"stake_amount": 50}
# A value of each field, and the settings of the engine that it becomes.
EXECUTION: dict[str, tuple[object, dict[str, object]]] = {
    "stake_amount": ("unlimited", {"stake_amount": "unlimited"}),
    "max_open_trades": (3, {"max_open_trades": 3}),
    "starting_balance": ("2500.5", {"dry_run_wallet": 2500.5}),
    "fee": (0.0005, {"fee": 0.0005}),
    "minimal_roi": (
        {"0": "0.02", "60": 0.01},
        {"minimal_roi.0": 0.02, "minimal_roi.60": 0.01},
    ),
    "stoploss": ("-0.1", {"stoploss": -0.1}),
    "trailing_stop": (True, {"trailing_stop": True}),
    "trailing_stop_positive": (0.01, {"trailing_stop_positive": 0.01}),
    "trailing_stop_positive_offset": (0.02, {"trailing_stop_positive_offset": 0.02}),
    "trailing_only_offset_is_reached": (False, {"trailing_only_offset_is_reached": False}),
    "entry_pricing": ({"price_side": "ask"}, {"entry_pricing.price_side": "ask"}),
    "exit_pricing": ({"price_side": "bid"}, {"exit_pricing.price_side": "bid"}),
    "use_exit_signal": (False, {"use_exit_signal": False}),
    "exit_profit_only": (True, {"exit_profit_only": True}),
    "exit_profit_offset": (0.01, {"exit_profit_offset": 0.01}),
    "ignore_roi_if_entry_signal": (True, {"ignore_roi_if_entry_signal": True}),
    "order_types": (
        {"entry": "limit", "exit": "market", "stoploss": "limit", "stoploss_on_exchange": False},
        {
            "order_types.entry": "limit",
            "order_types.exit": "market",
            "order_types.stoploss": "limit",
            "order_types.stoploss_on_exchange": False,
        },
    ),
    "order_time_in_force": (
        {"entry": "GTC", "exit": "IOC"},
        {"order_time_in_force.entry": "GTC", "order_time_in_force.exit": "IOC"},
    ),
    "unfilledtimeout": (
        {"entry": 10, "unit": "minutes"},
        {"unfilledtimeout.entry": 10, "unfilledtimeout.unit": "minutes"},
    ),
    "position_adjustment_enable": (True, {"position_adjustment_enable": True}),
    "max_entry_position_adjustment": (-1, {"max_entry_position_adjustment": -1}),
    "tradable_balance_ratio": (0.9, {"tradable_balance_ratio": 0.9}),
    "process_throttle_s": (7, {"internals.process_throttle_secs": 7}),
}
# A value of each field; the engine calls it the same.
PRICING: dict[str, object] = {
    "price_side": "other",
    "use_order_book": False,
    "order_book_top": 3,
    "price_last_balance": 0.5,
}
# Keys of the engine and the field of `StrategyConfig` that each comes from.
CONFIG = {
    "bot_name": "name",
    "timeframe": "timeframe",
    "stake_currency": "stake_currency",
    "exchange": "exchange",
    "freqai": "freqai",
}
FIXED = {**CONSTANTS, **BOT_CONSTANTS}


def rendered(
    execution: Mapping[str, object], mode: TradingMode = TradingMode.DRY_RUN, **changes: object
) -> dict[str, Any]:
    values = {
        "name": "wave",
        "version": "1.0.0",
        "timeframe": "5m",
        "pairs": ["BTC/USDT", "ETH/USDT"],
        "execution": STAKE | dict(execution),
    }
    return engine_config(StrategyConfig.model_validate(values | changes), mode)


def settings(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def changed_by(execution: Mapping[str, object]) -> dict[str, object]:
    before = dict(settings(rendered({})))
    after = dict(settings(rendered(execution)))
    assert before.keys() <= after.keys()
    return {name: value for name, value in after.items() if before.get(name) != value}


def test_no_field_is_forgotten() -> None:
    assert EXECUTION.keys() == Execution.model_fields.keys()
    # A block of its own, which only entries have: test_engine_block.py
    assert {*PRICING, "check_depth_of_market"} == Pricing.model_fields.keys()
    assert set(CONFIG.values()) <= StrategyConfig.model_fields.keys()


@pytest.mark.parametrize("field", EXECUTION)
def test_a_field_that_is_set_changes_its_own_settings_and_no_other(field: str) -> None:
    value, expected = EXECUTION[field]

    assert changed_by({field: value}) == expected


@pytest.mark.parametrize("side", ["entry_pricing", "exit_pricing"])
@pytest.mark.parametrize("field", PRICING)
def test_a_field_of_the_pricing_is_passed_on_under_its_name(field: str, side: str) -> None:
    assert changed_by({side: {field: PRICING[field]}}) == {f"{side}.{field}": PRICING[field]}


@pytest.mark.parametrize("mode", TradingMode)
def test_a_key_of_the_engine_comes_from_a_field_or_is_a_constant(mode: TradingMode) -> None:
    everything = {field: value for field, (value, _) in EXECUTION.items()}
    options = {"process_only_new_candles": False}

    written = rendered(everything, mode, parameters=options, freqai={"enabled": True})

    of_execution = {key.partition(".")[0] for _, keys in EXECUTION.values() for key in keys}
    fixed = {**FIXED, **(LIVE_CONSTANTS if mode is TradingMode.LIVE else {})}
    constants = {key: value for key, value in written.items() if key in fixed}
    assert written.keys() <= of_execution | CONFIG.keys() | options.keys() | constants.keys()
    assert constants == {key: fixed[key] for key in constants}
    assert constants.keys() >= CONSTANTS.keys()
    json.dumps(written, allow_nan=False)


def test_a_setting_that_is_not_set_is_left_to_the_strategy_class() -> None:
    assert rendered({}, TradingMode.BACKTEST).keys() == (
        CONSTANTS.keys()
        | (CONFIG.keys() - {"freqai"})
        | {"stake_amount", "dry_run_wallet", "entry_pricing", "exit_pricing"}
    )


def test_the_exchange_is_given_nothing_but_its_name_its_client_and_the_pairs() -> None:
    exchange = rendered({})["exchange"]

    assert exchange.pop("ccxt_config")
    assert exchange == {
        "name": "binance",
        "enable_ws": False,
        "pair_whitelist": ["BTC/USDT", "ETH/USDT"],
        "pair_blacklist": [],
    }
