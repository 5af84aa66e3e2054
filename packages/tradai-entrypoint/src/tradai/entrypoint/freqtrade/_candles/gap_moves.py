"""Prices on both sides of the gaps in candles."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tradai.core import to_epoch_ms

if TYPE_CHECKING:
    from tradai.core.frames import CandleColumns, Gap

_FAR: Final = 3.0


def moves_over(gaps: "Sequence[Gap]", candles: "CandleColumns") -> Iterator[float]:
    """Yield the opening price after each of `gaps` over the closing price before it."""
    opened, opens, closes = candles.opened, candles.cells["open"], candles.cells["close"]
    for gap in gaps:
        after = int(opened.searchsorted(to_epoch_ms(gap.end)))
        before = float(closes[after - 1])
        yield float(opens[after]) / before if before else 1.0


def is_far(move: float) -> bool:
    """Return whether a price that moved so is hardly that of the same coin or unit; NaN is not."""
    return move < 1 / _FAR or move > _FAR
