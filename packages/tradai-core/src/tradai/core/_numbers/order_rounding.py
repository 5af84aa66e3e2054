"""Round the numbers of an order by the rules of its market and the intent of the trader."""

import decimal
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tradai.core._numbers.decimals import EXACT, Number, to_decimal, to_step
from tradai.core._numbers.quantize import Rounding, quantize_amount
from tradai.core.exceptions import ValidationError


class OrderIntent(StrEnum):
    """The purpose of a number of an order, which decides how it may be rounded.

    One rule is behind all prices: a buyer never pays more than asked, a seller never gets less.
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

    >>> from tradai.core import quantize_price
    >>> quantize_price("4.37", "0.05", round_for(OrderIntent.BUY_LIMIT))
    Decimal('4.35')

    Raises:
        ValidationError: `intent` is not an `OrderIntent`.
    """
    try:
        return _ROUNDINGS[intent]
    except KeyError as exc:
        expected = f"one of {', '.join(OrderIntent)}"
        message = f"intent is not known: expected {expected}"
        raise ValidationError(message, field="intent", expected=expected) from exc


def quantize_contracts(amount: Number, step: Number, *, contract_size: Number) -> Decimal:
    """Return the largest number of contracts worth no more than `amount` of the base currency.

    For linear contracts, each worth `contract_size` of the base currency.

    >>> quantize_contracts("0.0259", 1, contract_size="0.01")
    Decimal('2')

    Args:
        amount: Amount to trade, in the base currency; negative for a short position.
        step: Distance between two numbers of contracts, above zero.
        contract_size: Base currency in one contract, above zero.

    Raises:
        ValidationError: `amount` is not a finite number, `step` or `contract_size` is not one
            above zero, or `amount` is 10**60 steps or more.
    """
    size = to_step(contract_size, "contract_size")
    held = quantize_amount(amount, EXACT.multiply(to_step(step, "step"), size))
    return EXACT.add(EXACT.divide(held, size), Decimal(0))


def check_notional(
    price: Number, amount: Number, minimum: Number, *, contract_size: Number = 1
) -> Decimal:
    """Return the worth of an order in the quote currency, if that is enough for the market.

    Check after rounding: an amount that was enough may no longer be.

    >>> check_notional("4.35", 3, "10")
    Decimal('13.05')

    Args:
        price: In the quote currency, for one unit of the base currency.
        amount: As ordered: in contracts where there is a `contract_size`.
        minimum: Least worth that the market takes, in the quote currency; 0 when it has none.
        contract_size: Base currency in one contract.

    Returns:
        The worth without a sign, exact.

    Raises:
        ValidationError: The order is worth less than `minimum`, or nothing at all; or one of the
            numbers is not usable.
    """
    size = to_step(contract_size, "contract_size")
    traded = EXACT.multiply(to_decimal(amount, "amount"), size)
    notional = EXACT.multiply(to_decimal(price, "price"), traded).copy_abs()
    least = to_decimal(minimum, "minimum")
    if not notional or notional < least:
        expected = f"at least {least:f}" if notional else "more than nothing"
        message = f"the order is worth {notional:f}: expected {expected}; order more or leave it"
        raise ValidationError(message, field="notional", expected=expected)
    return notional
