"""Quantize arrays of prices and amounts: equal to the exact decimals, or marked."""

import decimal
from decimal import Decimal
from typing import Final, TypeAlias, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradai.core._numbers.decimals import Number, to_step
from tradai.core._numbers.quantize import Rounding
from tradai.core.exceptions import ValidationError
from tradai.core.frames._grid import round_to_step

Floats: TypeAlias = NDArray[np.float64]
Truths: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = "Floats | pd.Series[float]"
Quantized: TypeAlias = "tuple[Floats, Truths] | tuple[pd.Series[float], pd.Series[bool]]"

_EXPECTED: Final = "a NumPy array or a pandas Series of float64 or integers"


@overload
def quantize_prices(
    prices: Floats, tick: Number, rounding: Rounding = ...
) -> tuple[Floats, Truths]: ...
@overload
def quantize_prices(
    prices: "pd.Series[float]", tick: Number, rounding: Rounding = ...
) -> "tuple[pd.Series[float], pd.Series[bool]]": ...
def quantize_prices(
    prices: Numbers, tick: Number, rounding: Rounding = decimal.ROUND_HALF_EVEN
) -> Quantized:
    """Return the multiples of `tick` that `prices` round to, and a mask of the exact ones.

    Where the mask is true, the shortest text of the value is exactly the result of
    `tradai.core.quantize_price`. Where it is false, the value is NaN: the price was
    missing or infinite, or too large for float64 to tell neighbouring ticks apart (from 2**26 at a
    tick of 1e-8, from 2**22 when rounding to the nearest one). Check ``exact.all()``.

    >>> values, exact = quantize_prices(np.array([0.29, 4.37, np.nan]), "0.05", "ROUND_FLOOR")
    >>> values.tolist(), exact.tolist()
    ([0.25, 4.35, nan], [True, True, False])

    Args:
        prices: float64 or integers, of any shape; left as they are. A float32 has already lost
            digits, and is refused.
        tick: Distance between two prices, above zero.
        rounding: A rounding of the `decimal` module, by its name there.

    Returns:
        The values and the mask, shaped as `prices`; Series keep index and name.

    Raises:
        ValidationError: `prices` is neither an array nor a Series of such numbers, `tick` is not
            a number above zero, or `rounding` is not known.
    """
    return _quantize(prices, "prices", to_step(tick, "tick"), rounding)


@overload
def quantize_amounts(
    amounts: Floats, step: Number, rounding: Rounding = ...
) -> tuple[Floats, Truths]: ...
@overload
def quantize_amounts(
    amounts: "pd.Series[float]", step: Number, rounding: Rounding = ...
) -> "tuple[pd.Series[float], pd.Series[bool]]": ...
def quantize_amounts(
    amounts: Numbers, step: Number, rounding: Rounding = decimal.ROUND_DOWN
) -> Quantized:
    """Return the multiples of `step`, as `quantize_prices` does; by default toward zero.

    Args:
        amounts: float64 or integers, of any shape; left as they are.
        step: Distance between two amounts, above zero.
        rounding: A rounding of the `decimal` module, by its name there.

    Returns:
        The values and the mask, shaped as `amounts`; NaN where the mask is false.

    Raises:
        ValidationError: As with `quantize_prices`.
    """
    return _quantize(amounts, "amounts", to_step(step, "step"), rounding)


def _quantize(values: Numbers, what: str, step: Decimal, rounding: Rounding) -> Quantized:
    if isinstance(values, pd.Series):
        numbers, carried = round_to_step(_floats(values.to_numpy(), what), step, rounding)
        return (
            pd.Series(numbers, index=values.index, name=values.name),
            pd.Series(carried, index=values.index, name=values.name),
        )
    flat = _floats(values, what).reshape(-1)
    numbers, carried = round_to_step(flat, step, rounding)
    return numbers.reshape(values.shape), carried.reshape(values.shape)


def _floats(values: object, what: str) -> Floats:
    if not isinstance(values, np.ndarray):
        raise _array_error(what, type(values).__name__)
    if (values.dtype.kind, values.dtype.itemsize) != ("f", 8) and values.dtype.kind not in "iu":
        raise _array_error(what, str(values.dtype))
    return values.astype(np.float64, copy=False)


def _array_error(what: str, kind: str) -> ValidationError:
    message = f"{what} ({kind}) are not usable: expected {_EXPECTED}"
    return ValidationError(message, field=what, expected=_EXPECTED)
