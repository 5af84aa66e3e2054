"""Prices and amounts on an exchange's grid: exact, and rounded the way the order needs it.

The caller's decimal context neither matters nor changes.
"""

import decimal
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from tradai.core._exact import EXACT, Number, exact, exact_step, own_context
from tradai.core.exceptions import ValidationError

__all__ = [
    "OrderIntent",
    "Rounding",
    "check_notional",
    "quantize_amount",
    "quantize_contracts",
    "quantize_price",
    "round_for",
    "unknown_rounding",
]

Rounding: TypeAlias = Literal[
    "ROUND_UP",
    "ROUND_DOWN",
    "ROUND_CEILING",
    "ROUND_FLOOR",
    "ROUND_HALF_UP",
    "ROUND_HALF_DOWN",
    "ROUND_HALF_EVEN",
    "ROUND_05UP",
]
"""A rounding of the `decimal` module, by its name there."""

_STEPS_DIGITS: Final = 60
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
# One digit more than whole steps may have, rounded so that the last digit tells whether anything
# was cut off: rounding the quotient a second time, to whole steps, is then right in every mode.
_divide: Final = own_context(_STEPS_DIGITS + 1, decimal.ROUND_05UP).divide
_multiply_add: Final = EXACT.fma
_add: Final = EXACT.add
# Found by value, used as spelled here: rounding to 0.10 would round to hundredths.
_POWERS_OF_TEN: Final = {unit: unit for unit in (Decimal(f"1e-{n}") for n in range(31))}
_ROUND: Final[dict[str, Callable[[Decimal, Decimal], Decimal]]] = {
    rounding: own_context(_STEPS_DIGITS, rounding).quantize
    for rounding in (
        decimal.ROUND_UP,
        decimal.ROUND_DOWN,
        decimal.ROUND_CEILING,
        decimal.ROUND_FLOOR,
        decimal.ROUND_HALF_UP,
        decimal.ROUND_HALF_DOWN,
        decimal.ROUND_HALF_EVEN,
        decimal.ROUND_05UP,
    )
}


class OrderIntent(StrEnum):
    """What a number of an order is for, which decides how it may be rounded.

    One rule is behind all prices: who buys never pays more than asked, who sells never gets less.
    A negative price, as spreads have, follows the same rule.
    """

    BUY_LIMIT = "buy_limit"
    """Never up: a buyer named the most to pay."""
    SELL_LIMIT = "sell_limit"
    """Never down: a seller named the least to get."""
    STOP_LOSS_LONG = "stop_loss_long"
    """Never down: a lower stop sells later, at a larger loss than was accepted."""
    STOP_LOSS_SHORT = "stop_loss_short"
    """Never up: a higher stop buys back later, at a larger loss than was accepted."""
    TAKE_PROFIT_LONG = "take_profit_long"
    """Never down: a lower target sells for less profit than was asked."""
    TAKE_PROFIT_SHORT = "take_profit_short"
    """Never up: a higher target buys back for less profit than was asked."""
    AMOUNT = "amount"
    """Toward zero: never trade more than was asked or is owned."""


_ROUNDINGS: Final[dict[OrderIntent, Rounding]] = {
    OrderIntent.BUY_LIMIT: decimal.ROUND_FLOOR,
    OrderIntent.SELL_LIMIT: decimal.ROUND_CEILING,
    OrderIntent.STOP_LOSS_LONG: decimal.ROUND_CEILING,
    OrderIntent.STOP_LOSS_SHORT: decimal.ROUND_FLOOR,
    OrderIntent.TAKE_PROFIT_LONG: decimal.ROUND_CEILING,
    OrderIntent.TAKE_PROFIT_SHORT: decimal.ROUND_FLOOR,
    OrderIntent.AMOUNT: decimal.ROUND_DOWN,
}


def round_for(intent: OrderIntent) -> Rounding:
    """Return the rounding that `intent` allows; the reasons stand at `OrderIntent`.

    >>> quantize_price("4.37", "0.05", round_for(OrderIntent.BUY_LIMIT))
    Decimal('4.35')

    Raises:
        ValidationError: `intent` is none of `OrderIntent`.
    """
    try:
        return _ROUNDINGS[intent]
    except KeyError as exc:
        expected = f"one of {', '.join(OrderIntent)}"
        message = f"intent is not known: expected {expected}"
        raise ValidationError(message, field="intent", expected=expected) from exc


def quantize_price(
    price: Number, tick: Number, rounding: Rounding = decimal.ROUND_HALF_EVEN
) -> Decimal:
    """Return the multiple of `tick` that `price` rounds to, exactly.

    The default is the nearest one, a tie going to the even multiple: right for a price that is
    shown or compared. The price of an order takes ``round_for(intent)``. `plain_text` spells the
    result without an exponent.

    >>> quantize_price(0.29, 0.01)
    Decimal('0.29')

    Args:
        price: In the quote currency; may be negative. A float counts as its shortest spelling.
        tick: Distance between two prices, above zero; need not be a power of ten.
        rounding: A rounding of the `decimal` module, by its name there.

    Returns:
        As many decimals as `tick` has, trailing zeros of the tick aside; zero has no sign.

    Raises:
        ValidationError: `price` is no finite number, `tick` none above zero, `rounding` is not
            known, or `price` is 10**60 ticks or more.
    """
    return _on_grid(exact(price, "price"), exact_step(tick, "tick"), rounding, "price")


def quantize_amount(
    amount: Number, step: Number, rounding: Rounding = decimal.ROUND_DOWN
) -> Decimal:
    """Return the multiple of `step` that `amount` rounds to: toward zero unless told otherwise.

    >>> quantize_amount("-0.0299", "0.01")
    Decimal('-0.02')

    Args:
        amount: What to trade, in the unit of `step`; negative for a short position.
        step: Distance between two amounts, above zero.
        rounding: A rounding of the `decimal` module, by its name there.

    Raises:
        ValidationError: `amount` is no finite number, `step` none above zero, `rounding` is not
            known, or `amount` is 10**60 steps or more.
    """
    return _on_grid(exact(amount, "amount"), exact_step(step, "step"), rounding, "amount")


def quantize_contracts(amount: Number, step: Number, *, contract_size: Number) -> Decimal:
    """Return how many contracts hold `amount` of the base currency and no more.

    For linear contracts, each worth `contract_size` of the base currency.

    >>> quantize_contracts("0.0259", 1, contract_size="0.01")
    Decimal('2')

    Args:
        amount: What to trade, in the base currency; negative for a short position.
        step: Distance between two numbers of contracts, above zero.
        contract_size: Base currency in one contract, above zero.

    Raises:
        ValidationError: `amount` is no finite number, `step` or `contract_size` none above zero,
            or `amount` is 10**60 steps or more.
    """
    size = exact_step(contract_size, "contract_size")
    grid = EXACT.multiply(exact_step(step, "step"), size)
    held = _on_grid(exact(amount, "amount"), grid, decimal.ROUND_DOWN, "amount")
    return _add(EXACT.divide(held, size), _ZERO)


def check_notional(
    price: Number, amount: Number, minimum: Number, *, contract_size: Number = 1
) -> Decimal:
    """Return what an order is worth in the quote currency, once that is enough for the market.

    Check after rounding: an amount that was enough may no longer be.

    >>> check_notional("4.35", 3, "10")
    Decimal('13.05')

    Args:
        price: In the quote currency, for one unit of the base currency.
        amount: As it is ordered: in contracts where there is a `contract_size`.
        minimum: Least worth that the market takes, in the quote currency; 0 when it has none.
        contract_size: Base currency in one contract.

    Returns:
        The worth without a sign, exact.

    Raises:
        ValidationError: The order is worth less than `minimum`, or nothing at all; or one of the
            numbers is not usable.
    """
    size = exact_step(contract_size, "contract_size")
    traded = EXACT.multiply(exact(amount, "amount"), size)
    notional = EXACT.multiply(exact(price, "price"), traded).copy_abs()
    least = exact(minimum, "minimum")
    if not notional or notional < least:
        expected = f"at least {least:f}" if notional else "more than nothing"
        message = f"the order is worth {notional:f}: expected {expected}; order more or leave it"
        raise ValidationError(message, field="notional", expected=expected)
    return notional


def unknown_rounding() -> ValidationError:
    """Return the error that names the roundings there are."""
    expected = f"one of {', '.join(_ROUND)}"
    message = f"rounding is not known: expected {expected}, the names of the decimal module"
    return ValidationError(message, field="rounding", expected=expected)


def _on_grid(value: Decimal, step: Decimal, rounding: Rounding, what: str) -> Decimal:
    """Return the multiple of `step` that `value` rounds to; zero never has a sign."""
    try:
        # Nearly every market's step is one: two operations instead of three, and no division.
        if (unit := _POWERS_OF_TEN.get(step)) is not None:
            return _add(_ROUND[rounding](value, unit), _ZERO)
        return _multiply_add(_ROUND[rounding](_divide(value, step), _ONE), step, _ZERO)
    except KeyError as exc:
        raise unknown_rounding() from exc
    except decimal.InvalidOperation as exc:
        expected = f"fewer than 10**{_STEPS_DIGITS} steps"
        message = f"{what} is too large for its grid: expected {expected}; check the units of both"
        raise ValidationError(message, field=what, expected=expected) from exc
