"""Exact decimals: numbers read without loss, plain text, and the fields `Amount` and `Price`.

The caller's decimal context neither matters nor changes.
"""

import decimal
import re
from decimal import Context, Decimal
from numbers import Integral, Real
from operator import index
from typing import TYPE_CHECKING, Annotated, Final, SupportsFloat, TypeAlias, final

from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

Number: TypeAlias = SupportsFloat | str
"""A `Decimal`, an int, a float, a NumPy scalar, or ASCII decimal text; never a bool."""

_AMOUNT: Final = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")
_EXPECTED_AMOUNT: Final = "a finite number such as 0.05"
_LONG: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_EXPECTED_LENGTH: Final = (
    "a number of at most 30 digits before the point and 30 after it, and an exponent of at most two"
)
_DIGITS: Final = 1_000
_FINITE: Final = "a finite number such as 0.05, as Decimal, text, int or float"
_ABOVE_ZERO: Final = "a number above zero, such as 0.01; look at the market's data"


def isolated_context(
    digits: int,
    rounding: str,
    *traps: type[decimal.DecimalException],
    exponent: int = 999_999,
) -> Context:
    """Return a context that takes nothing from `decimal.DefaultContext`, which can be changed."""
    always = (decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow)
    return Context(digits, rounding, -exponent, exponent, 1, 0, [], [*always, *traps])


# Wide enough for the product of three numbers that were read here.
EXACT: Final = isolated_context(4 * _DIGITS, decimal.ROUND_HALF_EVEN, decimal.Inexact)
# The exponent's limit keeps plain text to a few thousand characters.
_read_decimal: Final = isolated_context(
    _DIGITS, decimal.ROUND_HALF_EVEN, decimal.Inexact, exponent=_DIGITS
).create_decimal


def to_decimal(value: Number, what: str) -> Decimal:
    """Return `value` as a finite `Decimal`; a float counts as its shortest text.

    Raises:
        ValidationError: `value` is not a finite number, or longer than a thousand digits.
    """
    try:
        number = _read_decimal(repr(value) if type(value) is float else _lossless(value))
    except (decimal.DecimalException, TypeError) as exc:
        raise _number_error(what, value, _FINITE) from exc
    if not number.is_finite():
        raise _number_error(what, value, _FINITE)
    return number


def to_step(value: Number, what: str) -> Decimal:
    """Return `value`, which must be above zero, without trailing zeros.

    Raises:
        ValidationError: `value` is not a finite number above zero.
    """
    number = to_decimal(value, what)
    if number <= 0:
        raise _number_error(what, value, _ABOVE_ZERO)
    return number.normalize(EXACT)


def _lossless(value: Number) -> Decimal | str | int:
    """Return `value` in a type that a decimal context reads without loss, or raise `TypeError`."""
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


def _number_error(what: str, value: object, expected: str) -> ValidationError:
    # A float shows what is wrong with it; text may hold anything, even a secret.
    shown = repr(value) if isinstance(value, float) else type(value).__name__
    message = f"{what} ({shown}) is not usable: expected {expected}"
    return ValidationError(message, field=what, expected=expected)


def plain_text(number: Decimal) -> str:
    """Return the shortest text of `number` without an exponent.

    >>> plain_text(Decimal("1.50E+2"))
    '150'
    """
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _parse_amount(value: object) -> Decimal:
    """Read an int, a float by its shortest text, a decimal, or plain decimal text."""
    text = str(value) if isinstance(value, int | float | str | Decimal) else ""
    if not _AMOUNT.fullmatch(text):
        expected = _EXPECTED_LENGTH if _LONG.fullmatch(text) else _EXPECTED_AMOUNT
        raise ValidationError(f"not usable: expected {expected}", expected=expected)
    return Decimal(plain_text(Decimal(text)))


@final
class _AmountField:
    """Makes pydantic parse an amount, and dump it as JSON by its plain text."""

    def __init__(self, *, above: Decimal | None = None) -> None:
        """Accept only amounts `above` this one, if it is given."""
        self._above = above

    def __get_pydantic_core_schema__(
        self, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        # Rounding needs no pydantic, and importing it costs ten times what rounding does.
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(
            _parse_amount,
            core_schema.decimal_schema(gt=self._above),
            serialization=core_schema.plain_serializer_function_ser_schema(
                plain_text, when_used="json"
            ),
        )


Amount: TypeAlias = Annotated[Decimal, _AmountField()]
"""An amount of a currency, or a ratio: a `Decimal`, exact and finite, of either sign.

Text is ``[+-]?[0-9]{1,30}(.[0-9]{1,30})?`` with an exponent of up to two digits; a float is read
by its shortest text. ``0.1``, ``0.10`` and ``"0.1"`` are one value; dumped as JSON it is plain
decimal text.
"""

Price: TypeAlias = Annotated[Decimal, _AmountField(above=Decimal(0))]
"""The price of one unit of the base currency in the quote currency: an `Amount` above zero."""
