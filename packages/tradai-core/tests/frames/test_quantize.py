"""Whole arrays on a grid, held against the exact scalar functions value by value."""

import decimal
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from tradai.core import Rounding, quantize_amount, quantize_price
from tradai.core.exceptions import ValidationError
from tradai.core.frames import quantize_amounts, quantize_prices

Floats = NDArray[np.float64]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
NEAREST = tuple(rounding for rounding in ROUNDINGS if "HALF" in rounding)
STEPS = [
    "1e-22",
    "1e-15",
    "1e-12",
    "1e-8",
    "2.5e-7",
    "0.0001",
    "0.01",
    "0.05",
    "0.1",
    "0.25",
    "0.3",
    "0.7",
    "1",
    "3",
    "100",
    "123.456",
]


def limit(step: str, rounding: Rounding) -> float:
    """Return the first power of two from which decimals of the grid share doubles."""
    finest = Fraction(step) / 2 if rounding in NEAREST else Fraction(step)
    places = next(n for n in range(30) if finest * 10**n == int(finest * 10**n))
    power = 2.0**53
    while Fraction(np.spacing(power / 2).item()) > Fraction(1, 10**places):
        power /= 2
    return power


def values_beside_the_grid(
    random: np.random.Generator, step: str, top: float, count: int
) -> Floats:
    """Return spelled multiples of half a step, and doubles beside, between and around `top`."""
    size = float(step)
    magnitudes = np.minimum(10.0 ** random.uniform(-2, 17, count // 5), top / size)
    halves = np.floor(random.uniform(-2, 2, count // 5) * magnitudes)
    half_step = (Fraction(step) / 2).as_integer_ratio()
    grid = np.array([int(half) * half_step[0] / half_step[1] for half in halves.tolist()])
    between = random.uniform(-1, 1, grid.size) * magnitudes * size
    around = top + random.integers(-100, 3, grid.size) * np.spacing(top / 2)
    beside = [np.nextafter(grid, np.inf), np.nextafter(grid, -np.inf)]
    return np.concatenate([grid, *beside, between, around * random.choice([-1, 1], grid.size)])


def differences(values: Floats, step: str, rounding: Rounding) -> Iterator[tuple[float, float]]:
    """Yield the values, with their results, that are marked exact and are not."""
    quantized, exact = quantize_prices(values, step, rounding)
    tick = Decimal(step)
    for value, result in zip(values[exact].tolist(), quantized[exact].tolist(), strict=True):
        if Decimal(repr(result)) != quantize_price(value, tick, rounding):
            yield value, result


def compare(count: int) -> tuple[int, int, list[tuple[str, Rounding, float, float]]]:
    """Compare about `count` values; return how many, how many exact, and the wrong ones."""
    random = np.random.default_rng(7)
    seen = carried = 0
    wrong: list[tuple[str, Rounding, float, float]] = []
    for step in STEPS:
        for rounding in ROUNDINGS:
            top = limit(step, rounding)
            values = values_beside_the_grid(random, step, top, count // 16 // 8)
            seen += values.size
            carried += int(quantize_prices(values, step, rounding)[1].sum())
            wrong += [(step, rounding, *found) for found in differences(values, step, rounding)]
    return seen, carried, wrong


def test_a_hundred_thousand_values_differ_nowhere_from_the_exact_ones() -> None:
    seen, carried, wrong = compare(110_000)

    assert seen >= 100_000
    assert carried >= 0.7 * seen
    assert wrong == []


@pytest.mark.deep
def test_ten_million_values_differ_nowhere_from_the_exact_ones() -> None:
    seen, carried, wrong = compare(14_000_000)

    # The numbers are what this test is run for.
    print(f"{seen:,} values, {carried:,} exact, {len(wrong)} differences")  # noqa: T201
    assert carried >= 10**7
    assert wrong == []


@given(
    st.lists(st.floats() | st.floats(-1e9, 1e9) | st.integers(-(10**12), 10**12).map(float)),
    st.sampled_from(STEPS),
    st.sampled_from(ROUNDINGS),
)
def test_a_value_is_exact_or_marked_and_then_missing(
    numbers: list[float], step: str, rounding: Rounding
) -> None:
    quantized, exact = quantize_prices(np.array(numbers, dtype=np.float64), step, rounding)

    for number, result, told in zip(numbers, quantized.tolist(), exact.tolist(), strict=True):
        if told:
            assert Decimal(repr(result)) == quantize_price(number, step, rounding)
        else:
            assert np.isnan(result)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("places", range(22))
def test_values_are_carried_up_to_where_two_decimals_share_a_double(
    places: int, rounding: Rounding
) -> None:
    step = f"1e-{places}"
    top = limit(step, rounding)
    values = np.array([top / 2, np.nextafter(top, 0), top, -top, 4 * top])

    exact = quantize_prices(values, step, rounding)[1]

    # The last double below is carried unless it rounds to a multiple beyond the limit.
    assert exact.tolist()[0] is True
    assert exact.tolist()[2:] == [False, False, False]
    if rounding in {"ROUND_FLOOR", "ROUND_DOWN"}:
        assert exact.tolist()[1] is True


@pytest.mark.parametrize("places", [1, 2, 8, 15, 22])
def test_the_limit_is_where_float64_ends_and_not_earlier(places: int) -> None:
    top = limit(f"1e-{places}", "ROUND_FLOOR")
    first = int(Fraction(top) * 10**places) + 1
    above = [number / 10**places for number in range(first, first + 1_000)]
    below = [number / 10**places for number in range(first - 1_001, first - 1)]

    assert len(set(above)) < len(above)
    assert len(set(below)) == len(below)


def test_a_multiple_beyond_the_limit_is_marked_though_its_value_lies_below() -> None:
    values = np.array([2.0**53 - 1, 1 - 2.0**53])

    assert quantize_prices(values, 3, "ROUND_UP")[1].tolist() == [False, False]
    assert quantize_prices(values, 3, "ROUND_DOWN")[1].tolist() == [True, True]


def test_decimals_that_share_a_double_are_marked_and_not_guessed() -> None:
    assert float("8.900000000000001") == float("8.9")

    quantized, exact = quantize_prices(np.array([8.9]), "1e-15", "ROUND_FLOOR")

    assert np.isnan(quantized).tolist() == [True]
    assert exact.tolist() == [False]


@pytest.mark.parametrize("step", ["1e-23", "1e-900", "1e17", "1e900", "9007199254740993"])
def test_a_step_that_float64_cannot_hold_marks_everything(step: str) -> None:
    quantized, exact = quantize_prices(np.array([0.0, 1.0]), step)

    assert np.isnan(quantized).all()
    assert not exact.any()


def test_missing_and_infinite_values_are_marked_and_missing() -> None:
    quantized, exact = quantize_prices(np.array([np.nan, np.inf, -np.inf, 1.26, 1e308]), "0.1")

    assert exact.tolist() == [False, False, False, True, False]
    assert np.isnan(quantized).tolist() == [True, True, True, False, True]
    assert quantized.tolist()[3] == 1.3


def test_prices_that_float_arithmetic_moves_stay_where_they_are() -> None:
    for tick, prices in {
        "0.1": [0.3, 0.7, 8.2, 634088875.3, 212291915.7, 99994842800.6, 82410091.6],
        "0.05": [4.35, 1.15],
        "0.01": [0.29, 4.35, 1.13, 9.37, 82517.35, 9733491.7],
    }.items():
        values = np.array([*prices, *(-price for price in prices)])
        for rounding in ROUNDINGS:
            quantized, exact = quantize_prices(values, tick, rounding)

            assert quantized.tolist() == values.tolist()
            assert exact.all()


def test_prices_go_to_the_nearest_tick_and_amounts_toward_zero_by_default() -> None:
    values = np.array([0.25, 0.26, 0.35, -0.26])

    prices, _ = quantize_prices(values, "0.1")
    amounts, _ = quantize_amounts(values, "0.1")

    assert prices.tolist() == [0.2, 0.3, 0.4, -0.3]
    assert amounts.tolist() == [0.2, 0.2, 0.3, -0.2]
    assert [float(quantize_amount(one, "0.1")) for one in values.tolist()] == amounts.tolist()


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_zero_has_no_sign(rounding: Rounding) -> None:
    quantized, _ = quantize_prices(np.array([-0.0, -1e-9, 1e-9, -0.4, -0.5]), 1, rounding)

    assert not np.signbit(quantized[quantized == 0]).any()


def test_an_array_keeps_its_shape_and_is_left_as_it_is() -> None:
    values = np.arange(24, dtype=np.float64).reshape(2, 3, 4)[:, ::-1, ::2] / 7
    values.flags.writeable = False
    before = values.copy()

    quantized, exact = quantize_prices(values, "0.01", "ROUND_FLOOR")

    assert quantized.shape == exact.shape == (2, 3, 2)
    assert quantized[1, 0, 1] == float(
        quantize_price(float(values[1, 0, 1]), "0.01", "ROUND_FLOOR")
    )
    assert np.array_equal(values, before)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_an_empty_array_or_a_single_number_keeps_its_shape(shape: tuple[int, ...]) -> None:
    quantized, exact = quantize_prices(np.full(shape, 1.26), "0.1")

    assert quantized.shape == exact.shape == shape
    assert (quantized == 1.3).all()
    assert exact.all()


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "uint64", ">f8", ">i4"])
def test_whole_numbers_and_other_byte_orders_are_read(dtype: str) -> None:
    quantized, exact = quantize_amounts(np.array([0, 7, 99], dtype=dtype), 2)

    assert quantized.tolist() == [0.0, 6.0, 98.0]
    assert quantized.dtype == np.float64
    assert exact.all()


def test_whole_numbers_that_no_double_holds_are_marked() -> None:
    numbers: Any = np.array([2**53 - 1, 2**53 + 1, -(2**53) - 1, 10**16 + 9])

    assert quantize_amounts(numbers, 1)[1].tolist() == [True, False, False, False]
    assert quantize_amounts(numbers, 10)[1].tolist() == [True, False, False, False]


@pytest.mark.parametrize("dtype", ["float64", "Float64", "float64[pyarrow]"])
def test_a_series_keeps_its_index_and_its_name(dtype: str) -> None:
    import pandas as pd

    kept = pd.Series([1.26, None, 1.34], index=["a", "b", "b"], name="close")
    prices = kept.astype(pd.api.types.pandas_dtype(dtype))

    quantized, exact = quantize_prices(prices, "0.1", "ROUND_CEILING")

    told = pd.Series([True, False, True], index=prices.index, name="close")
    pd.testing.assert_series_equal(
        quantized, pd.Series([1.3, np.nan, 1.4], index=prices.index, name="close")
    )
    pd.testing.assert_series_equal(exact, told)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0], "list"),
        (1.0, "float"),
        (None, "NoneType"),
        (np.array([0.29], dtype=np.float32), "float32"),
        (np.array([True]), "bool"),
        (np.array([1j]), "complex128"),
        (np.array([Decimal(1)]), "object"),
        (np.array(["1"]), "<U1"),
        (np.array([1], dtype="timedelta64[s]"), r"timedelta64\[s\]"),
    ],
)
def test_an_unsupported_array_is_refused_by_name(values: object, kind: str) -> None:
    numbers: Any = values

    with pytest.raises(ValidationError, match=rf"^prices \({kind}\) .* expected a NumPy") as caught:
        quantize_prices(numbers, 1)
    with pytest.raises(ValidationError, match=rf"^amounts \({kind}\) .* expected a NumPy"):
        quantize_amounts(numbers, 1)

    assert caught.value.field == "prices"


def test_a_bad_grid_or_rounding_is_refused_as_by_the_scalar_functions() -> None:
    unknown: Any = "nearest"

    with pytest.raises(ValidationError, match=r"^tick"):
        quantize_prices(np.array([1.0]), 0)
    with pytest.raises(ValidationError, match=r"^step"):
        quantize_amounts(np.array([1.0]), "nan")
    with pytest.raises(ValidationError, match=r"^rounding is not known"):
        quantize_prices(np.array([1.0]), 1, unknown)


def test_the_callers_decimal_context_does_not_matter() -> None:
    with decimal.localcontext(prec=1, rounding=decimal.ROUND_UP, Emax=1, Emin=-1):
        quantized, exact = quantize_prices(np.array([64321.987]), "0.05", "ROUND_FLOOR")

    assert quantized.tolist() == [64321.95]
    assert exact.all()
