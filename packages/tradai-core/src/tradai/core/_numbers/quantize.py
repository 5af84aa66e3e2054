"""Quantize prices and amounts to the steps of an exchange, exactly.

The caller's decimal context neither matters nor changes.
"""

import decimal
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args

from tradai.core._numbers.decimals import EXACT, Number, isolated_context, to_decimal, to_step
from tradai.core.exceptions import ValidationError

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

# A step, one divided by it if that has an end, and what rounds to whole steps.
_Grid: TypeAlias = tuple[Decimal, Decimal | None, Callable[[Decimal, Decimal], Decimal]]

_STEPS_DIGITS: Final = 60
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
_multiply: Final = EXACT.multiply
_multiply_add: Final = EXACT.fma
_invert: Final = isolated_context(_STEPS_DIGITS, decimal.ROUND_HALF_EVEN, decimal.Inexact).divide
# One digit more than whole steps may have, rounded so that the last digit tells whether anything
# was cut off: rounding the quotient a second time, to whole steps, is then right in every mode.
_divide: Final = isolated_context(_STEPS_DIGITS + 1, decimal.ROUND_05UP).divide


def quantize_price(
    price: Number, tick: Number, rounding: Rounding = decimal.ROUND_HALF_EVEN
) -> Decimal:
    """Return the multiple of `tick` that `price` rounds to, exactly.

    The default is the nearest one, a tie going to the even multiple: right for a price that is
    shown or compared. The price of an order takes ``round_for(intent)``. `plain_text` writes the
    result without an exponent.

    >>> quantize_price(0.29, 0.01)
    Decimal('0.29')

    Args:
        price: In the quote currency; may be negative. A float counts as its shortest text.
        tick: Distance between two prices, above zero; need not be a power of ten.
        rounding: A rounding of the `decimal` module, by its name there.

    Returns:
        As many decimals as `tick` has, trailing zeros of the tick aside; zero has no sign.

    Raises:
        ValidationError: `price` is not a finite number, `tick` is not one above zero, `rounding`
            is not known, or `price` is 10**60 ticks or more.
    """
    return _on_grid(to_decimal(price, "price"), "price", tick, "tick", rounding)


def quantize_amount(
    amount: Number, step: Number, rounding: Rounding = decimal.ROUND_DOWN
) -> Decimal:
    """Return the multiple of `step` that `amount` rounds to: by default toward zero.

    >>> quantize_amount("-0.0299", "0.01")
    Decimal('-0.02')

    Args:
        amount: Amount to trade, in the unit of `step`; negative for a short position.
        step: Distance between two amounts, above zero.
        rounding: A rounding of the `decimal` module, by its name there.

    Raises:
        ValidationError: `amount` is not a finite number, `step` is not one above zero, `rounding`
            is not known, or `amount` is 10**60 steps or more.
    """
    return _on_grid(to_decimal(amount, "amount"), "amount", step, "step", rounding)


def unknown_rounding() -> ValidationError:
    """Return the error that names the roundings there are."""
    expected = f"one of {', '.join(get_args(Rounding))}"
    message = f"rounding is not known: expected {expected}, the names of the decimal module"
    return ValidationError(message, field="rounding", expected=expected)


# The same few steps come with every order; typed, since True must not count as 1.
@lru_cache(maxsize=1_024, typed=True)
def _grid(step: Number, name: str, rounding: Rounding) -> _Grid:
    size = to_step(step, name)
    if rounding not in get_args(Rounding):
        raise unknown_rounding()
    try:
        inverse = _invert(_ONE, size)
    except decimal.Inexact:
        inverse = None
    return size, inverse, isolated_context(_STEPS_DIGITS, rounding).quantize


def _on_grid(
    value: Decimal, what: str, step: Number, step_name: str, rounding: Rounding
) -> Decimal:
    """Return the multiple of `step` that `value` rounds to; zero never has a sign."""
    try:
        # A value that cannot be hashed is not a number either: a list, a signaling NaN.
        size, inverse, whole = _grid(step, step_name, rounding)  # type: ignore[arg-type]
        steps = _multiply(value, inverse) if inverse is not None else _divide(value, size)
        return _multiply_add(whole(steps, _ONE), size, _ZERO)
    except decimal.InvalidOperation as exc:
        expected = f"fewer than 10**{_STEPS_DIGITS} steps"
        message = f"{what} is too large for its grid: expected {expected}; check the units of both"
        raise ValidationError(message, field=what, expected=expected) from exc
    except TypeError as exc:
        to_step(step, step_name)
        raise unknown_rounding() from exc
