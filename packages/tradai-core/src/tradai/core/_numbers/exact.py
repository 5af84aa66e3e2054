"""Numbers read exactly, whatever the caller's decimal context says."""

import decimal
from decimal import Context, Decimal
from numbers import Integral, Real
from operator import index
from typing import Final, SupportsFloat, TypeAlias

from tradai.core.exceptions import ValidationError

__all__ = ["EXACT", "Number", "exact", "exact_step", "own_context"]

Number: TypeAlias = SupportsFloat | str
"""A `Decimal`, an int, a float, a NumPy scalar, or ASCII decimal text; never a bool."""

_DIGITS: Final = 1_000
_FINITE: Final = "a finite number such as 0.05, as Decimal, text, int or float"
_ABOVE_ZERO: Final = "a number above zero, such as 0.01; look at the market's data"


def own_context(
    digits: int,
    rounding: str,
    *traps: type[decimal.DecimalException],
    exponent: int = 999_999,
) -> Context:
    """Return a context that takes nothing from `decimal.DefaultContext`, which can be changed."""
    always = (decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow)
    return Context(digits, rounding, -exponent, exponent, 1, 0, [], [*always, *traps])


# Wide enough for the product of three numbers that were read here.
EXACT: Final = own_context(4 * _DIGITS, decimal.ROUND_HALF_EVEN, decimal.Inexact)
# The exponent's limit keeps plain text to a few thousand characters.
_read: Final = own_context(
    _DIGITS, decimal.ROUND_HALF_EVEN, decimal.Inexact, exponent=_DIGITS
).create_decimal


def exact(value: Number, what: str) -> Decimal:
    """Return `value` as a finite `Decimal`; a float counts as its shortest spelling.

    Raises:
        ValidationError: `value` is no finite number, or longer than a thousand digits.
    """
    try:
        number = _read(repr(value) if type(value) is float else _spelled(value))
    except (decimal.DecimalException, TypeError) as exc:
        raise _refused(what, value, _FINITE) from exc
    if not number.is_finite():
        raise _refused(what, value, _FINITE)
    return number


def exact_step(value: Number, what: str) -> Decimal:
    """Return `value`, which must be above zero, without trailing zeros.

    Raises:
        ValidationError: `value` is no finite number above zero.
    """
    number = exact(value, what)
    if number <= 0:
        raise _refused(what, value, _ABOVE_ZERO)
    return number.normalize(EXACT)


def _spelled(value: Number) -> Decimal | str | int:
    """Return what a decimal context reads without loss; raise `TypeError` when there is nothing."""
    if isinstance(value, Decimal) or (isinstance(value, str) and value.isascii()):
        return value
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, Integral) and not isinstance(value, bool):
        return index(value)
    # NumPy registers its scalars with these classes; the text of a float32 is its shortest one.
    if isinstance(value, Real) and not isinstance(value, Integral):
        return str(value)
    raise TypeError(type(value).__name__)


def _refused(what: str, value: object, expected: str) -> ValidationError:
    # A float says what is wrong with it; text may hold anything.
    shown = repr(value) if isinstance(value, float) else type(value).__name__
    message = f"{what} ({shown}) is not usable: expected {expected}"
    return ValidationError(message, field=what, expected=expected)
