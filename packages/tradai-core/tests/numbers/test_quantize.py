"""Prices and amounts on a grid, held against fractions, whatever the decimal context says."""

import decimal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, inf, nan
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tradai.core import (
    OrderIntent,
    Rounding,
    check_notional,
    plain_text,
    quantize_amount,
    quantize_contracts,
    quantize_price,
    round_for,
)
from tradai.core.exceptions import ValidationError

ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
STEPS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.sampled_from([1, 2, 3, 5, 7, 25, 125, 999]) | st.integers(1, 10**8),
    st.integers(-12, 3),
)
NUMBERS = st.one_of(
    st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, places=10),
    st.floats(min_value=-1e12, max_value=1e12).map(lambda one: Decimal(repr(one))),
    st.integers(-(10**15), 10**15).map(Decimal),
)


HAIRS = [Decimal("1e-200"), Decimal("-1e-200")]


def nearest(exact: Fraction, rounding: Rounding) -> int:
    """Return what `exact` rounds to, by the definitions in the documentation of `decimal`."""
    low, high = floor(exact), ceil(exact)
    toward_zero, away = (low, high) if exact > 0 else (high, low)
    nearer = low if exact - low < Fraction(1, 2) else high
    tie = exact - low == Fraction(1, 2)
    return {
        "ROUND_FLOOR": low,
        "ROUND_CEILING": high,
        "ROUND_DOWN": toward_zero,
        "ROUND_UP": away,
        "ROUND_HALF_UP": away if tie else nearer,
        "ROUND_HALF_DOWN": toward_zero if tie else nearer,
        "ROUND_HALF_EVEN": (low if low % 2 == 0 else high) if tie else nearer,
        "ROUND_05UP": away if abs(toward_zero) % 5 == 0 else toward_zero,
    }[rounding]


@contextmanager
def hostile_context() -> Iterator[decimal.Context]:
    """Make every Decimal operation of the caller wrong or an error."""
    every_trap = dict.fromkeys(decimal.getcontext().traps, True)
    with decimal.localcontext(prec=3, rounding=decimal.ROUND_UP, traps=every_trap) as context:
        context.Emax, context.Emin, context.clamp = 4, -4, 1
        yield context


@given(NUMBERS, STEPS, st.sampled_from(ROUNDINGS))
def test_a_price_is_the_multiple_that_fractions_say(
    price: Decimal, tick: Decimal, rounding: Rounding
) -> None:
    steps = nearest(Fraction(price) / Fraction(tick), rounding)

    assert Fraction(quantize_price(price, tick, rounding)) == steps * Fraction(tick)
    assert Fraction(quantize_amount(price, tick, rounding)) == steps * Fraction(tick)


@given(st.integers(-(10**9), 10**9), STEPS, st.sampled_from(ROUNDINGS))
def test_a_price_half_way_between_two_ticks_is_a_tie(
    steps: int, tick: Decimal, rounding: Rounding
) -> None:
    half = Fraction(2 * steps + 1, 2)
    price = (Decimal(2 * steps + 1) * tick) / 2

    quantized = quantize_price(price, tick, rounding)

    assert Fraction(quantized) == nearest(half, rounding) * Fraction(tick)


@given(st.integers(-(10**9), 10**9), STEPS, st.sampled_from(ROUNDINGS), st.sampled_from(HAIRS))
def test_a_hair_beside_a_tick_or_a_half_counts(
    halves: int, tick: Decimal, rounding: Rounding, hair: Decimal
) -> None:
    with decimal.localcontext(prec=400):
        price = Decimal(halves) * tick / 2 + hair * tick

    quantized = quantize_price(price, tick, rounding)

    exact = Fraction(halves, 2) + Fraction(hair)
    assert Fraction(quantized) == nearest(exact, rounding) * Fraction(tick)


@given(NUMBERS, STEPS, st.sampled_from(ROUNDINGS))
def test_rounding_twice_is_rounding_once(price: Decimal, tick: Decimal, rounding: Rounding) -> None:
    once = quantize_price(price, tick, rounding)

    twice = quantize_price(once, tick, rounding)

    assert twice == once
    assert str(twice) == str(once)


@given(NUMBERS, NUMBERS, STEPS, st.sampled_from(ROUNDINGS[:-1]))
def test_a_higher_price_is_never_rounded_lower(
    one: Decimal, other: Decimal, tick: Decimal, rounding: Rounding
) -> None:
    low, high = sorted((one, other))

    assert quantize_price(low, tick, rounding) <= quantize_price(high, tick, rounding)


@given(NUMBERS, STEPS, st.sampled_from(ROUNDINGS))
def test_a_price_moves_by_less_than_a_tick(
    price: Decimal, tick: Decimal, rounding: Rounding
) -> None:
    moved = Fraction(quantize_price(price, tick, rounding)) - Fraction(price)

    assert abs(moved) < Fraction(tick)


@given(NUMBERS, STEPS)
def test_no_intent_moves_a_price_to_the_trader_s_disadvantage(
    price: Decimal, tick: Decimal
) -> None:
    buys = {OrderIntent.BUY_LIMIT, OrderIntent.STOP_LOSS_SHORT, OrderIntent.TAKE_PROFIT_SHORT}
    sells = {OrderIntent.SELL_LIMIT, OrderIntent.STOP_LOSS_LONG, OrderIntent.TAKE_PROFIT_LONG}

    for intent in buys:
        assert quantize_price(price, tick, round_for(intent)) <= price
    for intent in sells:
        assert quantize_price(price, tick, round_for(intent)) >= price
    assert buys | sells | {OrderIntent.AMOUNT} == set(OrderIntent)


@given(NUMBERS, STEPS)
def test_an_amount_never_grows_and_never_changes_sides(amount: Decimal, step: Decimal) -> None:
    quantized = quantize_amount(amount, step)

    assert abs(quantized) <= abs(amount)
    assert quantized == 0 or (quantized > 0) == (amount > 0)
    assert quantized == quantize_amount(amount, step, round_for(OrderIntent.AMOUNT))


# Prices that float arithmetic, with or without a tolerance, moves by a tick or off the grid.
@pytest.mark.parametrize(
    ("price", "tick", "rounding", "expected"),
    [
        (0.29, 0.01, decimal.ROUND_FLOOR, "0.29"),
        (0.3, 0.1, decimal.ROUND_FLOOR, "0.3"),
        (0.7, 0.1, decimal.ROUND_FLOOR, "0.7"),
        (4.35, 0.05, decimal.ROUND_FLOOR, "4.35"),
        (4.35, 0.01, decimal.ROUND_FLOOR, "4.35"),
        (4.37, 0.05, decimal.ROUND_FLOOR, "4.35"),
        (1.15, 0.05, decimal.ROUND_FLOOR, "1.15"),
        (8.2, 0.1, decimal.ROUND_FLOOR, "8.2"),
        (9.37, 0.01, decimal.ROUND_DOWN, "9.37"),
        (1.13, 0.01, decimal.ROUND_CEILING, "1.13"),
        (82517.35, 0.01, decimal.ROUND_UP, "82517.35"),
        (1.005, 0.01, decimal.ROUND_HALF_UP, "1.01"),
        (0.285, 0.01, decimal.ROUND_HALF_UP, "0.29"),
        (634088875.3, 0.1, decimal.ROUND_FLOOR, "634088875.3"),
        (212291915.7, 0.1, decimal.ROUND_FLOOR, "212291915.7"),
        (99994842800.6, 0.1, decimal.ROUND_FLOOR, "99994842800.6"),
        (9733491.7, 0.01, decimal.ROUND_FLOOR, "9733491.7"),
        (82410091.6, 0.1, decimal.ROUND_FLOOR, "82410091.6"),
        (1e22, 1e-8, decimal.ROUND_FLOOR, "10000000000000000000000"),
        (1.23e-13, 1e-15, decimal.ROUND_FLOOR, "0.000000000000123"),
        (-123456, 10_000, decimal.ROUND_HALF_EVEN, "-120000"),
        ("-0.01", "0.3", decimal.ROUND_CEILING, "0"),
    ],
)
def test_a_price_that_floats_get_wrong_is_right(
    price: float | str, tick: float | str, rounding: Rounding, expected: str
) -> None:
    assert plain_text(quantize_price(price, tick, rounding)) == expected


def test_the_nearest_tick_is_the_default_and_a_tie_goes_to_the_even_one() -> None:
    assert [quantize_price(price, "0.1") for price in ("0.25", "0.26", "0.35")] == [
        Decimal("0.2"),
        Decimal("0.3"),
        Decimal("0.4"),
    ]


def _kind_and_text(value: object) -> str:
    text = f"{value.bit_length()} bits" if isinstance(value, int) else repr(value)[:20]
    return f"{type(value).__name__} {text}"


@pytest.mark.parametrize(
    "price",
    [
        0.29,
        "0.29",
        "+2.9e-1",
        Decimal("0.29"),
        Decimal("0.2900"),
        np.float64(0.29),
        np.float32(0.29),
    ],
    ids=_kind_and_text,
)
def test_every_kind_of_number_is_read_by_its_text(price: float | str) -> None:
    assert quantize_price(price, "0.01", decimal.ROUND_FLOOR) == Decimal("0.29")
    assert quantize_price("0.58", price, decimal.ROUND_FLOOR) == Decimal("0.58")


@pytest.mark.parametrize("seven", [7, np.int64(7), np.uint8(7), Fraction(7), Decimal("0.7e1")])
def test_whole_numbers_of_any_kind_are_read(seven: float) -> None:
    assert quantize_amount(seven, np.int32(2)) == 6


@pytest.mark.parametrize(
    "bad",
    [
        nan,
        inf,
        -inf,
        np.float64("nan"),
        np.float32("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        "nan",
        "inf",
        "",
        " 1",
        "1_0",
        "0x1",
        "1,5",
        "٣",
        "1e2000",
        "1" * 1_001,
        10**5_000,
        True,
        np.True_,
        None,
        1j,
        [1],
        np.array([1.0]),
        np.timedelta64(5, "ns"),
        Fraction(1, 3),
    ],
    ids=_kind_and_text,
)
def test_a_value_that_is_not_a_finite_number_is_refused_by_name(bad: object) -> None:
    number: Any = bad
    calls: dict[str, Callable[[], object]] = {
        "price": lambda: quantize_price(number, 1),
        "tick": lambda: quantize_price(1, number),
        "amount": lambda: quantize_amount(number, 1),
        "step": lambda: quantize_amount(1, number),
        "contract_size": lambda: quantize_contracts(1, 1, contract_size=number),
        "minimum": lambda: check_notional(1, 1, number),
    }

    for what, call in calls.items():
        with pytest.raises(
            ValidationError, match=rf"^{what} \(.*expected a finite number"
        ) as caught:
            call()

        assert caught.value.field == what


@pytest.mark.parametrize(
    "bad", [0, 0.0, -0.0, "0.00", Decimal(0), -1, "-0.01", np.float64(0)], ids=_kind_and_text
)
def test_a_grid_of_zero_or_less_is_refused_by_name(bad: float | str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "tick": lambda: quantize_price(1, bad),
        "step": lambda: quantize_amount(1, bad),
        "contract_size": lambda: quantize_contracts(1, 1, contract_size=bad),
    }

    for what, call in calls.items():
        with pytest.raises(ValidationError, match=rf"^{what} \(.*expected a number above zero"):
            call()


def test_a_step_of_one_does_not_make_true_a_step() -> None:
    true: Any = True
    quantize_price(5, 1)

    with pytest.raises(ValidationError, match="tick"):
        quantize_price(5, true)


def test_a_refusal_shows_a_float_and_never_a_text() -> None:
    with pytest.raises(ValidationError, match=r"^price \(nan\)"):
        quantize_price(nan, 1)
    with pytest.raises(ValidationError, match=r"^price \(str\)"):
        quantize_price("hunter2", 1)


@pytest.mark.parametrize("rounding", ["nearest", "", None, ["ROUND_UP"]], ids=repr)
def test_an_unknown_rounding_is_refused_with_the_known_ones(rounding: object) -> None:
    unknown: Any = rounding

    with pytest.raises(ValidationError, match="ROUND_HALF_EVEN") as caught:
        quantize_price(1, 1, unknown)

    assert caught.value.field == "rounding"


def test_an_unknown_intent_is_refused_with_the_known_ones() -> None:
    unknown: Any = "buy"

    with pytest.raises(ValidationError, match="buy_limit, sell_limit") as caught:
        round_for(unknown)

    assert caught.value.field == "intent"


def test_an_intent_may_be_named_by_its_text() -> None:
    assert round_for(OrderIntent("stop_loss_short")) == decimal.ROUND_FLOOR


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_sixty_digits_of_steps_are_exact_and_more_are_refused(rounding: Rounding) -> None:
    for tick in (Decimal(7), Decimal(1)):
        with decimal.localcontext(prec=100):
            most, too_much = tick * (10**60 - 1), tick * 10**60

        assert quantize_price(most, tick, rounding) == most
        with pytest.raises(ValidationError, match=r"price is too large .*10\*\*60 steps"):
            quantize_price(too_much, tick, rounding)


def test_digits_beyond_sixty_digits_of_steps_still_count() -> None:
    most = 10**59

    assert quantize_price(7 * most + 1, 7, decimal.ROUND_FLOOR) == 7 * most
    assert quantize_price(7 * most + 1, 7, decimal.ROUND_CEILING) == 7 * (most + 1)


@given(NUMBERS, STEPS, st.sampled_from(ROUNDINGS))
def test_the_callers_decimal_context_neither_matters_nor_changes(
    price: Decimal, tick: Decimal, rounding: Rounding
) -> None:
    expected = quantize_price(price, tick, rounding)
    numbers: list[Decimal | str | float] = [price, str(price), float(price)]
    floating = quantize_price(float(price), tick, rounding)

    with hostile_context() as context:
        before = repr(context)
        results = [quantize_price(number, str(tick), rounding) for number in numbers]
        contracts = quantize_contracts(price, tick, contract_size="0.07")
        after = repr(context)

    assert before == after
    assert [str(one) for one in results] == [str(expected), str(expected), str(floating)]
    assert contracts == quantize_contracts(price, tick, contract_size="0.07")


def test_the_notional_and_the_text_do_not_depend_on_the_callers_context() -> None:
    with hostile_context() as context:
        before = repr(context)
        notional = check_notional("64321.12345", "1.00000001", "0.1", contract_size="0.01")
        text = plain_text(notional)
        after = repr(context)

    assert text == "643.2112409321123450".rstrip("0")
    assert before == after


def test_a_refusal_leaves_no_mark_on_the_callers_context() -> None:
    with hostile_context() as context:
        before = repr(context)
        for bad in ("nan", "one", Decimal("sNaN"), "1e2000"):
            with pytest.raises(ValidationError):
                quantize_price(bad, 1)
            with pytest.raises(ValidationError):
                quantize_price(1, bad)
        after = repr(context)

    assert before == after


def test_threads_that_round_differently_do_not_disturb_each_other() -> None:
    start = threading.Barrier(len(ROUNDINGS))
    wrong: list[Rounding] = []

    def work(rounding: Rounding) -> None:
        start.wait()
        for halves in range(-500, 500):
            steps = nearest(Fraction(halves, 2), rounding)
            if quantize_price(Decimal(halves) / 40, "0.05", rounding) * 20 != steps:
                wrong.append(rounding)

    threads = [threading.Thread(target=work, args=(rounding,)) for rounding in ROUNDINGS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


@given(NUMBERS, STEPS)
def test_the_plain_text_of_a_price_has_no_exponent_and_reads_back(
    price: Decimal, tick: Decimal
) -> None:
    quantized = quantize_price(price, tick)

    text = plain_text(quantized)

    assert not set(text) - set("-0123456789.")
    assert text != "-0"
    assert Decimal(text) == quantized


def test_a_price_has_the_decimals_of_its_tick_and_zero_no_sign() -> None:
    assert str(quantize_price("4", "0.050")) == "4.00"
    assert str(quantize_price("1234", "1e2")) == "1200"
    assert str(quantize_price("-0.001", "0.01")) == "0.00"
    assert str(quantize_price("-0.001", "0.05")) == "0.00"
    assert str(quantize_price(-0.0, 1)) == "0"


@given(NUMBERS, STEPS, STEPS)
def test_contracts_hold_the_amount_up_to_one_step_and_no_more(
    amount: Decimal, step: Decimal, contract_size: Decimal
) -> None:
    contracts = Fraction(quantize_contracts(amount, step, contract_size=contract_size))

    left = abs(Fraction(amount)) - abs(contracts * Fraction(contract_size))
    assert 0 <= left < Fraction(step) * Fraction(contract_size)
    assert (contracts / Fraction(step)).denominator == 1
    assert contracts * Fraction(amount) >= 0


def test_a_product_that_is_a_power_of_ten_is_a_grid_of_its_own() -> None:
    assert quantize_contracts("1e-10", 2, contract_size="5e-10") == 0
    assert quantize_contracts("0.37", 2, contract_size="0.05") == 6


def test_contracts_have_no_exponent() -> None:
    assert str(quantize_contracts(1_000, 100, contract_size="0.1")) == "10000"


def test_an_order_that_is_worth_enough_tells_its_exact_worth() -> None:
    assert check_notional(0.1, "100", 10) == 10
    assert check_notional("64000.5", 3, 100, contract_size="0.001") == Decimal("192.0015")
    assert check_notional("-1.5", 2, 3) == 3
    assert check_notional("1.5", -2, 3) == 3


def test_an_order_below_the_minimum_is_refused_with_its_worth() -> None:
    with pytest.raises(ValidationError, match=r"worth 9\.99: expected at least 10") as caught:
        check_notional("3.33", 3, 10)

    assert caught.value.field == "notional"
    assert caught.value.expected == "at least 10"


def test_an_order_for_nothing_is_refused_even_without_a_minimum() -> None:
    amount = quantize_amount("0.009", "0.01")

    with pytest.raises(ValidationError, match=r"worth 0.*expected more than nothing"):
        check_notional(100, amount, 0)


def test_a_small_worth_is_shown_without_an_exponent() -> None:
    with pytest.raises(ValidationError, match=r"worth 0\.00000001: expected at least 0\.0000001"):
        check_notional("1e-8", 1, "1e-7")


def test_scalars_need_neither_pydantic_nor_numpy() -> None:
    program = (
        "import sys;"
        "from tradai.core import OrderIntent, check_notional, quantize_price, round_for;"
        "quantize_price(0.29, '0.01', round_for(OrderIntent.BUY_LIMIT)); check_notional(1, 1, 1);"
        "print(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert not {"numpy", "pandas", "pydantic"} & set(done.stdout.split())
