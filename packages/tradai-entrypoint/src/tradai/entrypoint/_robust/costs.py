"""Higher costs of the same orders, charged on the trades of a backtest after it."""

from decimal import Decimal
from typing import Final

from tradai.entrypoint._robust.trades import ClosedTrades

# An assumption: the price of an order is worse by this share of it.
SLIPPAGE: Final = Decimal("0.0005")


def added_costs(trades: ClosedTrades) -> dict[str, float]:
    """Return the costs that each case adds to those of `trades`, in stake currency, by its name.

    They are not a fee of another backtest: by ROI and trailing stop, the engine leaves at a price
    that pays for the fee, so that a higher one would also improve the exits.

    >>> cases = added_costs(ClosedTrades(profits=(5.0,), turnover=2_000.0, fees=2.0))
    >>> cases["fee and slippage doubled"]
    4.0
    """
    slippage = float(SLIPPAGE) * trades.turnover
    return {
        "fee doubled": trades.fees,
        "slippage added": slippage,
        "fee and slippage doubled": trades.fees + 2 * slippage,
    }
