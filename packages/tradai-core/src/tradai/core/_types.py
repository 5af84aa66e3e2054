"""Text with a grammar: currencies, pairs, versions. Strings to Python, checked by pydantic."""

import re
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, final

from tradai.core._schemas import text_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["Currency", "Grammar", "Identifier", "Minutes", "Pair", "Version", "pair_parts"]

_NUMBER: Final = r"(?:0|[1-9][0-9]{0,8})"
_CURRENCY: Final = re.compile(r"[A-Z0-9]{1,20}")
_PAIR: Final = re.compile(r"([A-Z0-9]{1,20})/([A-Z0-9]{1,20})(?::[A-Z0-9]{1,20})?")
_MINUTES: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_VERSION: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")

_CURRENCY_EXPECTED: Final = "capital letters and digits, such as USDT"
_MINUTES_EXPECTED: Final = "whole minutes such as 30"
_IDENTIFIER_EXPECTED: Final = "a Python class name, such as TrendFollower"
_PAIR_EXPECTED: Final = "BASE/QUOTE in capital letters and digits, such as BTC/USDT"
_VERSION_EXPECTED: Final = "three numbers without leading zeros, such as 1.0.0"


@final
class Grammar:
    """Tells pydantic to accept only text that matches `pattern`; used inside `Annotated`."""

    def __init__(self, what: str, pattern: re.Pattern[str], expected: str) -> None:
        self._what = what
        self._pattern = pattern
        self._expected = expected

    def check(self, text: str) -> str:
        """Return `text`, or raise `ValidationError`."""
        if not self._pattern.fullmatch(text):
            message = f"{self._what} {text!r} is not usable: expected {self._expected}"
            raise ValidationError(message, field=self._what, expected=self._expected)
        return text

    def __get_pydantic_core_schema__(
        self, source: type[str], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Run strings through `check`."""
        return text_schema(self.check)


_PAIR_GRAMMAR: Final = Grammar("pair", _PAIR, _PAIR_EXPECTED)

Currency: TypeAlias = Annotated[str, Grammar("currency", _CURRENCY, _CURRENCY_EXPECTED)]
"""A currency code such as ``USDT``."""

Identifier: TypeAlias = Annotated[str, Grammar("identifier", _IDENTIFIER, _IDENTIFIER_EXPECTED)]
"""A name that Python code can have, in ASCII."""

Minutes: TypeAlias = Annotated[str, Grammar("minutes", _MINUTES, _MINUTES_EXPECTED)]
"""Minutes as a mapping key, such as ``30``."""

Pair: TypeAlias = Annotated[str, _PAIR_GRAMMAR]
"""A market such as ``BTC/USDT``; a settlement currency may follow: ``BTC/USDT:USDT``."""

Version: TypeAlias = Annotated[str, Grammar("version", _VERSION, _VERSION_EXPECTED)]
"""A version such as ``1.0.0``: three numbers, no leading zeros."""


def pair_parts(pair: str) -> tuple[str, str]:
    """Return the base and the quote currency of `pair`.

    >>> pair_parts("BTC/USDT")
    ('BTC', 'USDT')

    Raises:
        ValidationError: `pair` is not a pair.
    """
    base, _, rest = _PAIR_GRAMMAR.check(pair).partition("/")
    return base, rest.partition(":")[0]
