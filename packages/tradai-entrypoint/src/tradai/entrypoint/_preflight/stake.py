"""The stake that a session plans, and the smallest one that the engine takes as it is."""

from decimal import Decimal
from typing import Final

from tradai.core import Execution, Market, StrategyConfig
from tradai.core.exceptions import ConfigurationError, TradingError
from tradai.entrypoint._preflight.facts import PreflightFacts, known

# Defaults of the engine (freqtrade 2026.9).
_TRADABLE: Final = Decimal("0.99")
DEFAULT_RESERVE: Final = Decimal("0.05")
_MOST_RESERVED: Final = 0.5
_RESERVE_KEY: Final = "amount_reserve_percent"
_LARGEST_RESERVE: Final = Decimal("1.5")


def tradable_balance(facts: PreflightFacts) -> Decimal:
    """Return the free balance in the stake currency, as far as the engine trades it."""
    ratio = facts.config.execution.tradable_balance_ratio or _TRADABLE
    currency = facts.config.stake_currency
    rows = (each.free for each in known(facts.account).balances if each.asset == currency)
    return sum(rows, Decimal()) * ratio


def planned_stake(facts: PreflightFacts) -> Decimal:
    """Return the stake of one trade.

    Raises:
        TradingError: The strategy or the balance decides it.
    """
    if facts.stake is not None:
        return facts.stake
    message = (
        "the strategy or the balance decides the stake of a trade, so that the approved largest "
        "stake could not be kept: set execution.stake_amount to an amount, and leave out "
        "custom_stake_amount and position adjustment"
    )
    raise TradingError(message, reason="stake_not_fixed")


def configured_reserve(config: StrategyConfig) -> Decimal:
    """Return the setting ``amount_reserve_percent``, which is a share.

    Raises:
        ConfigurationError: It is not a number that the engine takes.
    """
    reserve = config.parameters.get(_RESERVE_KEY, float(DEFAULT_RESERVE))
    is_number = isinstance(reserve, (int, float)) and not isinstance(reserve, bool)
    # NaN is below no number.
    if is_number and 0 <= float(str(reserve)) <= _MOST_RESERVED:
        return Decimal(str(reserve))
    message = (
        f"parameters.{_RESERVE_KEY} is not usable: give a number from 0 to {_MOST_RESERVED}, such "
        "as 0.05"
    )
    raise ConfigurationError(message, key=f"parameters.{_RESERVE_KEY}")


def smallest_stake(
    market: Market, price: Decimal, execution: Execution, *, reserve: Decimal = DEFAULT_RESERVE
) -> Decimal:
    """Return the stake below which the engine silently raises it, or drops the trade.

    The engine keeps a reserve, so that the position can be sold after a fall to the stop. A stop
    that is not known counts as the furthest.

    Args:
        market: Rules of the pair.
        price: Price of the base currency.
        execution: Rules of execution.
        reserve: The setting ``amount_reserve_percent`` of the engine, as a share.
    """
    margin = 1 + reserve
    stop = abs(execution.stoploss or Decimal(1))
    after_stop = _LARGEST_RESERVE if stop == 1 else margin / (1 - stop)
    by_value = (market.min_notional or 0) * max(min(after_stop, _LARGEST_RESERVE), Decimal(1))
    return max(Decimal(by_value), (market.min_amount or 0) * price * margin)
