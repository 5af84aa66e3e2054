"""Laws of the shaken numbers: within their limits, on their grid, different, reproducible."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tradai.core import StrategyConfig
from tradai.entrypoint._robust.shake import shaken_groups, shaken_sets, unshaken_parameters
from tradai.entrypoint.freqtrade import DeclaredParameter

SHARES = st.floats(min_value=-0.5, max_value=0.5).filter(bool)


def config_of(**more: object) -> StrategyConfig:
    return StrategyConfig(name="demo", version="1.0.0", timeframe="15m", **more)


def shaken(value: float, parameter: DeclaredParameter, share: float) -> Decimal:
    config = config_of(buy_params={"fast": value})
    (group,) = shaken_groups(config, {"fast": parameter})
    return group.shaken(share)["buy_params.fast"]


@given(st.data(), SHARES)
def test_a_whole_number_moves_by_at_least_one_and_stays_within_its_limits(
    data: st.DataObject, share: float
) -> None:
    low = data.draw(st.integers(-100, 100))
    high = data.draw(st.integers(low + 1, 201))
    value = data.draw(st.integers(low, high))
    parameter = DeclaredParameter(kind="IntParameter", low=low, high=high)

    moved = shaken(value, parameter, share)

    assert low <= moved <= high
    assert moved == int(moved) != value


@given(st.data(), SHARES, st.integers(0, 4))
def test_a_decimal_number_stays_on_its_grid_and_within_its_limits(
    data: st.DataObject, share: float, places: int
) -> None:
    value = data.draw(st.decimals(-5, 5, places=places))
    parameter = DeclaredParameter(kind="DecimalParameter", low=-5, high=5, decimals=places)

    moved = shaken(float(value), parameter, share)

    assert moved == round(moved, places)
    assert -5 <= moved <= 5
    assert moved != value
    assert parameter.problem_with(float(moved)) is None


@given(st.floats(min_value=0.01, max_value=100), SHARES)
def test_a_real_number_moves_by_its_share(value: float, share: float) -> None:
    moved = shaken(value, DeclaredParameter(kind="RealParameter"), share)

    assert float(moved) == pytest.approx(value * (1 + share), abs=1e-6)


@pytest.mark.parametrize("value", [0.999, 1.01, 0.97])
def test_a_number_near_its_limits_is_not_shaken_to_them_again_and_again(value: float) -> None:
    parameter = DeclaredParameter(kind="DecimalParameter", low=0.97, high=1.01, decimals=4)
    groups = shaken_groups(config_of(buy_params={"band": value}), {"band": parameter})

    sets = shaken_sets(groups, share=0.05, count=8, seed=1)

    values = {Decimal(each["buy_params.band"]) for each in sets}
    assert len(values) == 8
    assert not values & {Decimal("0.97"), Decimal("1.01")}


def test_a_number_near_a_limit_is_shaken_differently_in_each_set() -> None:
    parameter = DeclaredParameter(kind="DecimalParameter", low=0.97, high=1.01, decimals=3)
    other = DeclaredParameter(kind="RealParameter")
    config = config_of(buy_params={"band": 0.999, "other": 7.0})
    groups = shaken_groups(config, {"band": parameter, "other": other})

    sets = shaken_sets(groups, share=0.05, count=8, seed=42)

    at_limits = [each for each in sets if each["buy_params.band"] in {"0.970", "1.010"}]
    assert len(at_limits) < 2


@given(st.integers(0, 1_000))
def test_the_same_seed_gives_the_same_sets_and_each_once(seed: int) -> None:
    groups = shaken_groups(config_of(execution={"stoploss": Decimal("-0.04")}), {})

    sets = shaken_sets(groups, share=0.05, count=8, seed=seed)

    assert sets == shaken_sets(groups, share=0.05, count=8, seed=seed)
    values = [Decimal(each["execution.stoploss"]) for each in sets]
    assert len(set(values)) == len(values)
    assert all(abs(value / Decimal("-0.04") - 1) <= Decimal("0.0501") for value in values)
    assert Decimal("-0.04") not in values


def test_the_roi_table_and_the_trailing_stop_have_one_factor_each() -> None:
    execution: dict[str, Any] = {
        "minimal_roi": {"0": Decimal("0.06"), "720": Decimal("0.03")},
        "trailing_stop_positive": Decimal("0.01"),
        "trailing_stop_positive_offset": Decimal("0.02"),
    }
    groups = shaken_groups(config_of(execution=execution), {})

    (values,) = shaken_sets(groups, share=0.05, count=1, seed=1)

    roi, trailing = "execution.minimal_roi", "execution.trailing_stop_positive"
    moved = {key: float(text) for key, text in values.items()}
    assert moved[f"{roi}.0"] == pytest.approx(2 * moved[f"{roi}.720"], abs=3e-6)
    assert moved[f"{trailing}_offset"] == pytest.approx(2 * moved[trailing], abs=3e-6)
    assert moved[f"{roi}.0"] != pytest.approx(6 * moved[trailing], rel=1e-3)


def test_a_zero_that_stays_one_is_in_no_set() -> None:
    table = {"0": Decimal("0.06"), "720": Decimal(0)}
    groups = shaken_groups(config_of(execution={"minimal_roi": table}), {})

    (values,) = shaken_sets(groups, share=0.05, count=1, seed=1)

    assert list(values) == ["execution.minimal_roi.0"]


def test_a_whole_number_that_is_zero_moves_one_step_away_from_its_limit() -> None:
    parameter = DeclaredParameter(kind="IntParameter", low=0, high=9)
    groups = shaken_groups(config_of(buy_params={"rsi": 0}), {"rsi": parameter})

    assert shaken_sets(groups, share=0.05, count=8, seed=1) == ({"buy_params.rsi": "1"},)


def test_only_numbers_that_the_engine_takes_are_shaken() -> None:
    config = config_of(buy_params={"kind": "a", "own": 3, "fast": 12, "unknown": 1})
    declared = {
        "kind": DeclaredParameter(kind="CategoricalParameter", options=("a", "b")),
        "own": DeclaredParameter(kind="IntParameter", is_loaded=False),
        "fast": DeclaredParameter(kind="IntParameter"),
    }

    groups = shaken_groups(config, declared)

    assert [list(group.values) for group in groups] == [["buy_params.fast"]]
    assert shaken_sets((), share=0.05, count=8, seed=1) == ()


def test_the_room_up_to_a_limit_is_a_share_of_the_number() -> None:
    parameter = DeclaredParameter(kind="DecimalParameter", low=0, high=51, decimals=3)
    groups = shaken_groups(config_of(buy_params={"rsi": 50}), {"rsi": parameter})

    sets = shaken_sets(groups, share=0.05, count=20, seed=1)

    values = {Decimal(each["buy_params.rsi"]) for each in sets}
    assert len(values) == 20
    assert Decimal(51) not in values
    assert any(value > 50 for value in values)


def test_a_stop_and_trailing_distances_stay_ratios() -> None:
    execution = {
        "stoploss": "-0.99",
        "trailing_stop": True,
        "trailing_stop_positive": "0.97",
        "trailing_stop_positive_offset": "0.99",
    }
    stop, trailing = shaken_groups(config_of(execution=execution), {})

    assert stop.shaken(0.05) == {"execution.stoploss": -1}
    assert set(trailing.shaken(0.05).values()) == {1}


def test_numbers_of_the_class_alone_are_named_without_those_of_the_configuration() -> None:
    declared = {
        "fast": DeclaredParameter(kind="IntParameter", low=1, high=9),
        "slow": DeclaredParameter(kind="IntParameter", low=1, high=9),
        "is_on": DeclaredParameter(kind="BooleanParameter"),
    }

    assert unshaken_parameters(config_of(buy_params={"fast": 3}), declared) == ("slow",)
