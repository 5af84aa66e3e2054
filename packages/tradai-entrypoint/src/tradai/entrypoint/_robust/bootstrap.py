"""Stationary bootstrap of the trades of a backtest (Politis and Romano 1994, JASA 89:1303).

Each resample has as many trades as the backtest. It is put together from blocks of trades that
followed each other, of random length, so that winning and losing streaks stay together.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import Final, Self, final

_RESAMPLES: Final = 1_000
_TAIL: Final = 0.05


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """Distribution of the total profit and of the drawdown over resampled trades.

    Attributes:
        profits: Total profit of each resample, in stake currency, sorted.
        drawdowns: Largest fall of each resample's sum of profits, in stake currency, sorted.
        block: Mean length of a block, in trades.
    """

    profits: tuple[float, ...]
    drawdowns: tuple[float, ...]
    block: float

    @classmethod
    def of(cls, profits: Sequence[float], *, seed: int, resamples: int = _RESAMPLES) -> Self:
        """Resample `profits`, those of the trades in the order in which they closed.

        Args:
            profits: At least one.
            seed: Seed of the random numbers; the same one gives the same resamples.
            resamples: Number of resamples.
        """
        # Reproducible draws, and no secrets (S311).
        source = random.Random(seed)  # noqa: S311
        block = max(1.0, len(profits) ** (1 / 3))
        samples = [list(_resample(profits, block, source)) for _ in range(resamples)]
        return cls(
            profits=tuple(sorted(map(sum, samples))),
            drawdowns=tuple(sorted(map(_drawdown, samples))),
            block=block,
        )

    @property
    def share_with_profit(self) -> float:
        """Share of the resamples that end with a profit."""
        return sum(each > 0 for each in self.profits) / len(self.profits)

    @property
    def low_profit(self) -> float:
        """The profit below which one resample of 20 ends."""
        return self.profits[int(_TAIL * len(self.profits))]

    @property
    def median_profit(self) -> float:
        """The profit that half of the resamples reach."""
        return median(self.profits)

    @property
    def high_drawdown(self) -> float:
        """The drawdown above which one resample of 20 falls."""
        return self.drawdowns[-1 - int(_TAIL * len(self.drawdowns))]


def _resample(profits: Sequence[float], block: float, source: random.Random) -> Iterator[float]:
    """Yield as many profits as there are, in blocks of geometric length around the end."""
    place = source.randrange(len(profits))
    for _ in profits:
        yield profits[place]
        is_new_block = source.random() * block < 1
        place = source.randrange(len(profits)) if is_new_block else (place + 1) % len(profits)


def _drawdown(profits: Sequence[float]) -> float:
    sums = list(accumulate(profits, initial=0.0))
    return max(high - each for high, each in zip(accumulate(sums, max), sums, strict=True))
