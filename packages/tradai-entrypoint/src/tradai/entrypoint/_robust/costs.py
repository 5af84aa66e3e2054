"""Higher costs of the same orders, as fees that the engine can compute with."""

from decimal import Decimal
from typing import Final

# An assumption: the price of an order is worse by this share of it.
SLIPPAGE: Final = Decimal("0.0005")


def cost_cases(fee: Decimal) -> dict[str, Decimal]:
    """Return the fee per order of each case of higher costs, by its name.

    The engine has no slippage. A price that is worse by a share of itself costs what a fee higher
    by that share costs, apart from the fee on the difference.

    >>> cost_cases(Decimal("0.001"))["fee and slippage doubled"]
    Decimal('0.0030')
    """
    return {
        "fee doubled": 2 * fee,
        "slippage added": fee + SLIPPAGE,
        "fee and slippage doubled": 2 * (fee + SLIPPAGE),
    }
