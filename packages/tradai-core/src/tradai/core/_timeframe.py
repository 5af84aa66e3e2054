"""The length of a candle."""

import re
from typing import TYPE_CHECKING, Final, Self, final

from tradai.core._schemas import text_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["Timeframe"]

_GRAMMAR: Final = re.compile(r"[1-9][0-9]{0,5}[smhdwM]")
_EXPECTED: Final = "a whole number without leading zeros and one of s, m, h, d, w, M, such as 5m"
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@final
class Timeframe(str):
    """A candle length such as ``5m``, checked when made; otherwise an ordinary string.

    Two spellings of one length, ``60m`` and ``1h``, are different timeframes: exchanges and
    files know them by their text.

    >>> Timeframe("5m").seconds
    300
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check `text`.

        Raises:
            ValidationError: `text` is not a timeframe.
        """
        if not _GRAMMAR.fullmatch(text):
            message = f"timeframe {text!r} is not usable: expected {_EXPECTED}"
            raise ValidationError(message, field="timeframe", expected=_EXPECTED)
        return super().__new__(cls, text)

    @property
    def seconds(self) -> int:
        """Length in seconds.

        Raises:
            ValidationError: The unit is ``M``: months differ in length.
        """
        if self.endswith("M"):
            expected = "one of the units s, m, h, d, w: months differ in length"
            message = f"timeframe {self!r} has no length in seconds: expected {expected}"
            raise ValidationError(message, field="timeframe", expected=expected)
        return int(self[:-1]) * _UNIT_SECONDS[self[-1]]

    @property
    def milliseconds(self) -> int:
        """Length in milliseconds, the unit of exchange timestamps."""
        return self.seconds * 1_000

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Self], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Let pydantic take a string and make it a timeframe."""
        return text_schema(cls)
