"""Exact numbers for money, prices and ratios: `Decimal`, read as written and spelled plainly."""

import re
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer

from tradai.core.exceptions import ValidationError

__all__ = ["Amount", "Price", "plain_text"]

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")
_EXPECTED: Final = "a finite number such as 0.05"


def plain_text(number: Decimal) -> str:
    """Return the shortest spelling of `number` without an exponent.

    >>> plain_text(Decimal("1.50E+2"))
    '150'
    """
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _exact(value: object) -> Decimal:
    """Read an int, a float by its shortest spelling, a decimal, or plain decimal text."""
    text = str(value) if isinstance(value, int | float | str | Decimal) else ""
    if not _NUMBER.fullmatch(text):
        message = f"not a number: expected {_EXPECTED}"
        raise ValidationError(message, expected=_EXPECTED)
    return Decimal(plain_text(Decimal(text)))


Amount: TypeAlias = Annotated[
    Decimal, BeforeValidator(_exact), PlainSerializer(plain_text, when_used="json")
]
"""How much of a currency, or a ratio: a `Decimal`, exact and finite, of either sign.

Text is ``[+-]?[0-9]{1,30}(.[0-9]{1,30})?`` with an exponent of up to two digits; a float is read
by its shortest spelling. ``0.1``, ``0.10`` and ``"0.1"`` are one value; dumped as JSON it is
plain decimal text.
"""

Price: TypeAlias = Annotated[Amount, Field(gt=0)]
"""What one unit of the base currency costs in the quote currency: an `Amount` above zero."""
