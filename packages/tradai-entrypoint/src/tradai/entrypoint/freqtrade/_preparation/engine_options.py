"""Further settings of the engine, by its own names: only those it has.

The engine accepts any key and ignores the ones it does not have, so a typo would silently trade
with a default. Here an unknown key stops the run.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final, cast

from tradai.core import Execution, JsonValue, did_you_mean
from tradai.core.exceptions import ConfigurationError

_OPTIONS: Final = frozenset(
    {
        "amend_last_stake_amount",
        "amount_reserve_percent",
        "analyze_per_epoch",
        "available_capital",
        "cancel_open_orders_on_exit",
        "custom_price_max_distance_ratio",
        "disable_dataframe_checks",
        "early_stop",
        "enable_protections",
        "hyperopt_min_trades",
        "ignore_buying_expired_candle_after",
        "last_stake_amount_min_ratio",
        "position_stacking",
        "process_only_new_candles",
        "reduce_df_footprint",
        "timeframe_detail",
        "use_custom_stoploss",
    }
)


def engine_options(parameters: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the `parameters` of a strategy configuration as engine settings.

    Raises:
        ConfigurationError: A key is not an engine setting, or has its place elsewhere.
    """
    for name in parameters:
        if name in Execution.model_fields:
            problem = f"has its place at execution.{name}"
            raise key_error(key=f"parameters.{name}", problem=problem)
    check_keys("parameters", parameters, known=_OPTIONS)
    return {name: plain_json(value) for name, value in parameters.items()}


def check_keys(
    where: str,
    values: Collection[str],
    *,
    known: Collection[str],
    required: Collection[str] = (),
) -> None:
    """Check that the keys `values` are all `known`, and the `required` ones all there.

    Raises:
        ConfigurationError: A key is unknown or missing; `where` and the key name it.
    """
    for name in values:
        if name not in known:
            hint = did_you_mean(name, known) or f"; it has {', '.join(sorted(known))}"
            problem = f"is not a setting of the engine{hint}"
            raise key_error(key=f"{where}.{name}", problem=problem)
    for name in required:
        if name not in values:
            problem = f"is missing: the engine needs all of {where}"
            raise key_error(key=f"{where}.{name}", problem=problem)


def plain_json(value: object) -> JsonValue:
    """Return `value` as JSON has it; the engine computes in floats, so decimals become floats."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(each) for each in value]
    return cast("JsonValue", value)


def key_error(*, key: str, problem: str) -> ConfigurationError:
    """Return the error that `key` of the strategy configuration has `problem`."""
    return ConfigurationError(f"{key} {problem}", key=key)
