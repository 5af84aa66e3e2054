"""Heat map of a sweep, and what of a walk-forward survives out-of-sample."""

from dataclasses import replace

import pytest

from tradai.core import TimeRange
from tradai.entrypoint._sweep.heat_map import HeatMap, map_json, survival_sentence
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.page import sweep_page
from tradai.entrypoint._sweep.result import SweepResult, WindowResult
from tradai.entrypoint._sweep.variants import Variant, varied
from tradai.entrypoint._sweep.walk_forward import Window

KEYS = ("buy_params.fast", "buy_params.slow")


def outcome(variant: Variant, profit: float, *, timerange: str = "") -> RunOutcome:
    return RunOutcome(
        variant=variant,
        timerange=timerange,
        run_id=f"run-{variant.number}",
        exit_code=0,
        verdict="done",
        figures={"profit_percent": profit, "max_drawdown_percent": profit},
    )


def result_of(*outcomes: RunOutcome, keys: tuple[str, ...] = KEYS) -> SweepResult:
    return SweepResult(
        name="demo",
        command=(),
        figure="profit_percent",
        keys=keys,
        planned=len(outcomes),
        outcomes=outcomes,
    )


def test_each_pair_of_values_has_a_cell() -> None:
    variants = varied(["buy_params.fast=1,2", "buy_params.slow=8,9"])

    heat_map = HeatMap.of(result_of(*(outcome(each, each.number) for each in reversed(variants))))

    assert heat_map
    assert list(heat_map.cells) == [("1", "8"), ("1", "9"), ("2", "8"), ("2", "9")]
    assert heat_map.cells == {("1", "8"): 1, ("1", "9"): 2, ("2", "8"): 3, ("2", "9"): 4}


@pytest.mark.parametrize(
    ("figure", "expected"), [("profit_percent", 2), ("max_drawdown_percent", 1)]
)
def test_of_a_third_key_the_best_value_counts(figure: str, expected: float) -> None:
    variants = varied(["a=1,2", "b=1,2", "c=1,2"])
    result = result_of(*(outcome(each, each.number) for each in variants), keys=("a", "b", "c"))

    heat_map = HeatMap.of(replace(result, figure=figure))

    assert heat_map
    assert heat_map.cells["1", "1"] == expected
    assert "further keys" in heat_map.table()


def test_a_key_with_one_value_makes_no_map() -> None:
    variants = varied(["buy_params.fast=1,2", "buy_params.slow=8"])

    assert HeatMap.of(result_of(*(outcome(each, 1.0) for each in variants))) is None


def test_cells_of_windows_are_means_in_sample() -> None:
    variants = varied(["buy_params.fast=1,2", "buy_params.slow=8,9"])
    ranges = [TimeRange.parse(f"2025010{day}-2025010{day + 1}") for day in (1, 2, 3)]
    windows = tuple(
        WindowResult(
            window=Window(number=number, training=training, test=test),
            training=outcome(variants[0], 10.0 * number),
            test=outcome(variants[0], -100.0, timerange=str(test)),
        )
        for number, (training, test) in enumerate([(ranges[0], ranges[1])], 1)
    )
    runs = [
        outcome(each, profit, timerange=str(training))
        for each in variants
        for training, profit in ((ranges[0], 1.0), (ranges[1], 3.0))
    ]
    tests = [each.test for each in windows if each.test]

    result = replace(result_of(*runs, *tests), windows=windows)
    heat_map = HeatMap.of(result)

    assert heat_map
    assert set(heat_map.cells.values()) == {2.0}
    assert "mean of 2 time ranges, in-sample" in heat_map.table()
    sentence = survival_sentence(result)
    assert sentence
    assert "+10.00 % in-sample (training), \N{MINUS SIGN}100.00 % out-of-sample (test)" in sentence
    assert sentence in sweep_page(result, "runs")
    means = {"windows": 1, "in_sample": 10.0, "out_of_sample": -100.0}
    assert map_json(result)["walk_forward"] == means


def test_the_cells_are_columns_in_the_data_beside_the_page() -> None:
    variants = varied(["a=1,2", "b=8,9"])

    found = map_json(result_of(*(outcome(each, each.number) for each in variants), keys=("a", "b")))

    assert found == {
        "heat_map": {
            "keys": ["a", "b"],
            "row": ["1", "1", "2", "2"],
            "column": ["8", "9", "8", "9"],
            "profit_percent": [1, 2, 3, 4],
        },
        "walk_forward": None,
    }


def test_the_best_cell_is_outlined() -> None:
    variants = varied(["buy_params.fast=1,2", "buy_params.slow=8,9"])

    page = sweep_page(result_of(*(outcome(each, each.number - 3.0) for each in variants)), "runs")

    assert page.count('class="shade good best"') == 1
    assert page.count('class="shade bad"') == 3


def failed(variant: Variant, *, timerange: str = "") -> RunOutcome:
    return replace(outcome(variant, 0.0, timerange=timerange), exit_code=70, figures={})


def test_a_failed_variant_leaves_rows_and_columns_in_their_order() -> None:
    first, *others = varied(["a=1,2,3", "b=8,9"])
    runs = [failed(first), *(outcome(each, each.number) for each in others)]

    heat_map = HeatMap.of(result_of(*reversed(runs), keys=("a", "b")))

    assert heat_map
    assert (heat_map.rows, heat_map.columns) == (("1", "2", "3"), ("8", "9"))
    assert list(heat_map.cells) == [("1", "9"), ("2", "8"), ("2", "9"), ("3", "8"), ("3", "9")]
    assert ("1", "8") not in heat_map.cells
    table = heat_map.table()
    assert table.index(">8<") < table.index(">9<")


def test_without_a_figure_there_is_no_map() -> None:
    variants = varied(["a=1,2", "b=8,9"])

    assert HeatMap.of(result_of(*map(failed, variants), keys=("a", "b"))) is None


def test_a_variant_that_failed_in_a_range_is_not_outlined_as_best() -> None:
    first, *others = varied(["a=1,2", "b=8,9"])
    ranges = ("20250101-20250102", "20250102-20250103")
    runs = [outcome(first, 50.0, timerange=ranges[0]), failed(first, timerange=ranges[1])]
    runs += [outcome(each, each.number, timerange=span) for each in others for span in ranges]

    heat_map = HeatMap.of(result_of(*runs, keys=("a", "b")))

    assert heat_map
    assert heat_map.cells["1", "8"] == 50.0
    table = heat_map.table()
    assert table.count(' best"') == 1
    assert 'class="shade good best" style="--depth:3%">+4.00 %<' in table
    assert "that lacks a time range" in table


def test_of_a_third_key_a_variant_with_all_ranges_comes_first() -> None:
    first, *others = varied(["a=1,2", "b=8,9", "c=1,2"])
    ranges = ("20250101-20250102", "20250102-20250103")
    runs = [outcome(first, 50.0, timerange=ranges[0]), failed(first, timerange=ranges[1])]
    runs += [outcome(each, each.number, timerange=span) for each in others for span in ranges]

    heat_map = HeatMap.of(result_of(*runs, keys=("a", "b", "c")))

    assert heat_map
    assert heat_map.cells["1", "8"] == 2.0
    assert "that lacks a time range" not in heat_map.table()


def test_variants_over_different_ranges_have_no_best() -> None:
    variants = varied(["a=1,2", "b=8,9"])
    ranges = ("20250101-20250102", "20250102-20250103")
    runs = [outcome(each, 5.0, timerange=ranges[each.number % 2]) for each in variants]

    heat_map = HeatMap.of(result_of(*runs, keys=("a", "b")))

    assert heat_map
    assert ' best"' not in heat_map.table()
    assert "outlined" not in heat_map.table()
