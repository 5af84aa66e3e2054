"""Fees of made market rules: those of the exchange, which its description of markets has not."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Final, Self, final

from pydantic import BaseModel, ConfigDict, Field

from tradai.core.exceptions import ConfigurationError

_MOST: Final = Decimal("0.1")
_Fee = Annotated[Decimal, Field(ge=0, le=_MOST, allow_inf_nan=False)]


@final
class MarketFees(BaseModel):
    """Fee ratios per order, up to 0.1, of every pair in a file of market rules.

    Attributes:
        maker: Of an order that waits in the book.
        taker: Of an order that is filled at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    maker: _Fee
    taker: _Fee

    @classmethod
    def parse(cls, maker: object, taker: object) -> Self:
        """Return the fees of two numbers or their text.

        Raises:
            ConfigurationError: One is missing, or is not a number from 0 to 0.1.
        """
        return cls(maker=_fee("maker", maker), taker=_fee("taker", taker))

    @property
    def charged(self) -> Decimal:
        """The fee of each order in a backtest: the higher one, as Freqtrade takes it."""
        return max(self.maker, self.taker)


def rules_notices(
    origin: str, note: str | None, fees: MarketFees | None, *, has_fee: bool
) -> Iterator[str]:
    """Yield sentences on rules that were made.

    Args:
        origin: ``made``, or else they are as the exchange has them.
        note: Why and by what they were made.
        fees: Their fees; None leaves them to the engine.
        has_fee: Whether the configuration has a fee, which goes over theirs.
    """
    if origin == "made":
        yield "the market rules were made, not captured" + (f": {note}" if note else "")
    if fees and has_fee:
        yield f"execution.fee goes over the fees of the market rules, {fees.charged:f} at most"
    elif fees:
        yield f"each order costs {fees.charged:f}, the higher of both fees of the market rules"


def _fee(name: str, given: object) -> Decimal:
    try:
        fee = Decimal(str(given))
    except ArithmeticError:
        fee = Decimal("NaN")
    if isinstance(given, bool) or not fee.is_finite() or not 0 <= fee <= _MOST:
        problem = "is missing" if given is None else f"is {given}"
        message = f"the {name} fee {problem}: expected a ratio from 0 to {_MOST}, such as 0.001"
        raise ConfigurationError(message, key=f"fees.{name}")
    return fee
