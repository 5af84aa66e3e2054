"""Values of unquoted YAML text, by the core schema of YAML 1.2.

Source: https://yaml.org/spec/1.2.2/#103-core-schema.

``NO``, ``12:30``, ``1_000`` and ``2025-01-01`` are text; ``1e-3`` is a number.
"""

import math
import re
from decimal import Decimal
from typing import Final, Self, TypeAlias, final

Scalar: TypeAlias = bool | int | float | str | None

_WORDS: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_MAX_DIGITS: Final = 300


@final
class WrittenFloat(float):
    """A float written with more digits than a float holds; ``str()`` has them all.

    An exact field reads ``str()`` and loses nothing; everything else sees the nearest float.
    """

    __slots__ = ("_text",)
    _text: str

    def __new__(cls, number: Decimal) -> Self:
        """Take the nearest float to `number`, and remember `number`."""
        written = super().__new__(cls, number)
        written._text = str(number)
        return written

    def __str__(self) -> str:
        """Return the number with every digit."""
        return self._text


def plain_scalar(text: str) -> Scalar:
    """Return the value of unquoted `text`; a number that a float rounds is a `WrittenFloat`.

    Raises:
        ArithmeticError: It is a number too long, too large or too small.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return int(_short(text))
    if _OTHER_BASE.fullmatch(text):
        return int(_short(text), base=0)
    return _number(_short(text)) if _FLOAT.fullmatch(text) else text


def json_scalar(text: str) -> Scalar:
    """Return the value of unquoted `text` as JSON has it: a number is finite, a float plain.

    Raises:
        ArithmeticError: As for `plain_scalar`, or the text is NaN or infinity.
    """
    value = plain_scalar(text)
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise OverflowError
    return float(value)


def written_float(text: str) -> float:
    """Return the float nearest to the number `text`; a `WrittenFloat` when it rounds.

    Raises:
        ArithmeticError: Its exponent is beyond what a decimal has.
    """
    nearest, exact = float(text), Decimal(text)
    # The `repr` of a float has the fewest digits that distinguish it from its neighbours.
    return nearest if exact == Decimal(repr(nearest)) else WrittenFloat(exact)


def _short(text: str) -> str:
    if len(text) > _MAX_DIGITS:
        raise OverflowError
    return text


def _number(text: str) -> float:
    number = written_float(text)
    if math.isinf(number) or (not number and isinstance(number, WrittenFloat)):
        raise OverflowError
    return number
