"""Round float64 values to multiples of a decimal step, exactly.

A double counts as its shortest text, as in the scalar functions. The step is
``numerator / 10**places``, so a multiple of it is ``steps * numerator / 10**places``: one division,
correctly rounded, while the product is below 2**53 and `places` at most 22. Its result is the
double nearest to that multiple.

Rounding to a double keeps the order. So a text lies below a multiple if its double does, and
equal doubles mean equal texts where neighbouring doubles are at most ``10**-places`` apart: two
such decimals never share a double there. Larger values cannot be decided, and are marked.
"""

import decimal
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from tradai.core._numbers.quantize import Rounding, unknown_rounding

Floats: TypeAlias = NDArray[np.float64]
Truths: TypeAlias = NDArray[np.bool_]
Rule: TypeAlias = Callable[[Floats, Floats], Truths | np.bool_]

_MOST_PLACES: Final = 22  # 10**22 is the last power of ten that a double holds


def _away_from_zero_or_five(values: Floats, low: Floats) -> Truths:
    toward_zero = low + (values < 0)
    ends_so: Truths = toward_zero == 5.0 * np.floor(toward_zero / 5.0)
    return ends_so ^ (values < 0)


# Tells which of the values between the multiples `low` and ``low + 1`` are rounded up.
_BETWEEN: Final[Mapping[str, Rule]] = {
    decimal.ROUND_FLOOR: lambda _values, _low: np.False_,
    decimal.ROUND_CEILING: lambda _values, _low: np.True_,
    decimal.ROUND_DOWN: lambda values, _low: values < 0,
    decimal.ROUND_UP: lambda values, _low: values > 0,
    decimal.ROUND_05UP: _away_from_zero_or_five,
}
# Tells which of the values in the middle between them are rounded up.
_HALF_WAY: Final[Mapping[str, Rule]] = {
    decimal.ROUND_HALF_UP: lambda values, _low: values > 0,
    decimal.ROUND_HALF_DOWN: lambda values, _low: values < 0,
    decimal.ROUND_HALF_EVEN: lambda _values, low: low != 2.0 * np.floor(low / 2.0),
}


def round_to_step(values: Floats, step: Decimal, rounding: Rounding) -> tuple[Floats, Truths]:
    """Return the multiples of `step` that the flat `values` round to, and where they are exact.

    Where they are not, the value is NaN.

    Raises:
        ValidationError: `rounding` is not known.
    """
    if rounding not in _BETWEEN and rounding not in _HALF_WAY:
        raise unknown_rounding()
    grid = _Grid.of(step)
    limit = grid.limit if rounding in _BETWEEN else grid.halved().limit
    if not limit:
        return np.full_like(values, np.nan), np.zeros_like(values, dtype=np.bool_)
    # Values that are infinite, or would become so, are marked below.
    with np.errstate(invalid="ignore", over="ignore"):
        low = grid.floor(values)
        quantized = grid.at(low + _goes_up(grid, values, low, rounding))
    exact = (np.abs(values) < limit) & (np.abs(quantized) < limit)
    quantized[~exact] = np.nan
    return quantized, exact


def _goes_up(grid: "_Grid", values: Floats, low: Floats, rounding: Rounding) -> Truths:
    if rounding in _BETWEEN:
        between: Truths = grid.at(low) != values
        return between & _BETWEEN[rounding](values, low)
    middle = grid.at(low + 0.5)
    above: Truths = values > middle
    tie: Truths = values == middle
    return above | tie & _HALF_WAY[rounding](values, low)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """The multiples of ``numerator / 10**places``."""

    numerator: int
    places: int

    @classmethod
    def of(cls, step: Decimal) -> Self:
        numerator, denominator = step.as_integer_ratio()
        places = max(-int(step.as_tuple().exponent), 0)
        return cls(numerator=numerator * 10**places // denominator, places=places)

    def halved(self) -> Self:
        """Return the multiples of half the step."""
        if self.numerator % 2:
            return replace(self, numerator=self.numerator * 5, places=self.places + 1)
        return replace(self, numerator=self.numerator // 2)

    @property
    def limit(self) -> float:
        """The power of two below which texts can be compared; 0 where there is none."""
        if self.numerator > 2**53 or self.places > _MOST_PLACES:
            return 0.0
        return math.ldexp(1.0, math.frexp(2**52 / 10**self.places)[1])

    def at(self, steps: Floats) -> Floats:
        """Return the doubles nearest to these multiples."""
        return steps * float(self.numerator) / float(10**self.places)

    def floor(self, values: Floats) -> Floats:
        """Return the number of steps below `values`; the estimate is off by one at most."""
        steps = np.floor(values * float(10**self.places) / float(self.numerator))
        steps -= self.at(steps) > values
        steps += self.at(steps + 1.0) <= values
        return steps
