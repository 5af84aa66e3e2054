"""Further settings of the engine, by its own names: only those it has.

The engine accepts any key and ignores the ones it does not have, so a typo would silently trade
with a default. Here an unknown key stops the run.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final, cast

from tradai.core import Execution, JsonValue, TradingMode, did_you_mean
from tradai.core.exceptions import ConfigurationError

OPTIONS: Final = frozenset(
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


_PLACES: Final = (
    "A key that the strategy reads from self.config has its place at strategy.config, a "
    "hyper-parameter at buy_params, sell_params (and so on for each space)"
)
# The engine does not check these, and takes any text for true.
_SWITCHES: Final = ("enable_protections", "position_stacking", "use_custom_stoploss")
# Values that the engine drops while it trades by itself, and the reason.
_NOT_IN_BOT: Final = {
    "enable_protections": (False, "is false: the protections of the class hold in every {}"),
    "position_stacking": (True, "is true: a {} holds one position for each pair"),
}
_CANCEL_ON_EXIT: Final = "cancel_open_orders_on_exit"


def engine_options(parameters: Mapping[str, JsonValue], mode: TradingMode) -> dict[str, JsonValue]:
    """Return the `parameters` of a strategy configuration as engine settings.

    Raises:
        ConfigurationError: A key is not an engine setting, has its place elsewhere, or is a switch
            that is neither true nor false, or that a dry-run or a live session would not follow.
    """
    for name in parameters:
        if name in Execution.model_fields:
            problem = f"has its place at execution.{name}"
            raise key_error(key=f"parameters.{name}", problem=problem)
    check_keys("parameters", parameters, known=OPTIONS, others=_PLACES)
    for name in _SWITCHES:
        if not isinstance(parameters.get(name, False), bool):
            raise key_error(key=f"parameters.{name}", problem="must be true or false")
    for name, (value, problem) in _NOT_IN_BOT.items():
        if mode.holds_positions and parameters.get(name) is value:
            raise key_error(key=f"parameters.{name}", problem=problem.format(_bot(mode)))
    if mode is TradingMode.LIVE and _CANCEL_ON_EXIT in parameters:
        problem = "is not followed: the order policy of the approval says what a stop does"
        raise key_error(key=f"parameters.{_CANCEL_ON_EXIT}", problem=problem)
    return {name: plain_json(value) for name, value in parameters.items()}


def _bot(mode: TradingMode) -> str:
    return "live session" if mode is TradingMode.LIVE else "dry-run"


def check_keys(
    where: str,
    values: Collection[str],
    *,
    known: Collection[str],
    required: Collection[str] = (),
    others: str = "",
) -> None:
    """Check that the keys `values` are all `known`, and the `required` ones all there.

    Args:
        where: The block the keys are in.
        values: The keys.
        known: All keys that the block may have.
        required: Those that it must have.
        others: Sentence about the places of other keys, for the error.

    Raises:
        ConfigurationError: A key is unknown or missing; `where` and the key name it.
    """
    if unknown := [name for name in values if name not in known]:
        text = "; ".join(f"{where}.{name} {_unknown(name, known)}" for name in unknown)
        advice = f"{'' if text.endswith('?') else '.'} {others}" if others else ""
        raise ConfigurationError(f"{text}{advice}", key=f"{where}.{unknown[0]}")
    for name in required:
        if name not in values:
            problem = f"is missing: the engine needs all of {where}"
            raise key_error(key=f"{where}.{name}", problem=problem)


def _unknown(name: str, known: Collection[str]) -> str:
    hint = did_you_mean(name, known) or f"; it has {', '.join(sorted(known))}"
    return f"is not a setting of the engine{hint}"


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
