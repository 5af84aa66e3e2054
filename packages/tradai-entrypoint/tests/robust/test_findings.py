"""Sentences of the findings, and the cases in which there is nothing to test."""

import dataclasses
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tradai.core import JsonValue, TimeRange
from tradai.core.exceptions import StorageError
from tradai.entrypoint._report.model import Figure
from tradai.entrypoint._robust.bootstrap import Bootstrap
from tradai.entrypoint._robust.findings import bootstrap_finding
from tradai.entrypoint._robust.page import robustness_page
from tradai.entrypoint._robust.result import Robustness
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.result import WindowResult
from tradai.entrypoint._sweep.variants import Variant
from tradai.entrypoint._sweep.walk_forward import WalkForward, Window


def outcome(
    number: int = 1, *, profit: float | None = None, trades: int = 40, **values: str
) -> RunOutcome:
    figures: dict[str, JsonValue] = {"profit_percent": profit, "trades": trades}
    figures = {} if profit is None else figures
    code = 76 if profit is None else 0
    return RunOutcome(
        variant=Variant(number=number, values={f"execution.{key}": values[key] for key in values}),
        run_id=f"run-{number}",
        exit_code=code,
        verdict="failed" if code else "done",
        figures=figures,
    )


def result(profit: float | None = 10.0, trades: int = 40) -> Robustness:
    return Robustness(
        base=outcome(profit=profit),
        trades=trades,
        balance=1_000.0,
        shaking_share=0.05,
    )


def survivor() -> Robustness:
    return result().tested(
        shaken=[
            outcome(2, profit=8.0, stoploss="-0.1"),
            outcome(3, profit=-1.0, stoploss="-0.2"),
            outcome(4, profit=5.0),
        ],
        costs={"fee doubled": 75.0, "slippage added": 104.0},
        bootstrap=Bootstrap.of([2.5] * 40, seed=1, resamples=20),
    )


WINDOWS = WalkForward.parse("60d/30d").windows(TimeRange.parse("20250101-20250501"))


def window_result(
    window: Window,
    *,
    number: int = 1,
    training: float | None,
    test: float | None,
    trades: int = 40,
) -> WindowResult:
    ran = outcome(number, profit=training)
    return WindowResult(
        window=window,
        training=None if training is None else ran,
        test=None if training is None else outcome(number, profit=test, trades=trades),
    )


def walked(*profits: tuple[float | None, float | None], trades: int = 40) -> Robustness:
    windows = [
        window_result(each, number=number, training=training, test=test, trades=trades)
        for number, (each, (training, test)) in enumerate(zip(WINDOWS, profits, strict=True), 1)
    ]
    runs = [each.test for each in windows if each.test]
    return survivor().walked(windows, runs)


def finding_of(walk: Robustness) -> str:
    (sentence,) = (each.sentence for each in walk.findings if each.test == "walk-forward")
    return sentence


def test_a_walk_forward_says_what_is_left_of_the_profit_in_the_same_time() -> None:
    assert finding_of(walked((8.0, 3.0), (4.0, -1.0))) == (
        "Of 2 windows, 1 make a profit out-of-sample, on candles after those that chose the "
        "numbers. In 30 days 33.3 % (+1.00 %) is left of the profit in-sample (+3.00 %)."
    )


def test_profits_of_a_walk_forward_are_those_of_30_days() -> None:
    (window, *_) = WalkForward.parse("60d/15d").windows(TimeRange.parse("20250101-20250501"))
    made = survivor().walked([window_result(window, training=8.0, test=3.0)], [])

    # 4 % in each 30 of the 60 days, and 6 % in 30 days as in 15.
    assert "In 30 days they make 150.0 % (+6.00 %) of the profit in-sample (+4.00 %)" in finding_of(
        made
    )


def test_a_tiny_profit_in_sample_is_given_without_shares_of_it() -> None:
    assert finding_of(walked((0.1, 3.0), (0.1, -1.0))) == (
        "The best numbers make +0.05 % in 30 days in-sample: no profit to speak of, which begins "
        "at 0.1 %. Out-of-sample they make +1.00 %."
    )
    assert "50.0 % (+0.05 %) is left" in finding_of(walked((0.2, 0.1), (0.2, 0.0)))


def test_a_test_range_without_a_profit_is_no_winner() -> None:
    assert "Of 2 windows, 1 make a profit" in finding_of(walked((8.0, 3.0), (4.0, 0.0)))
    assert "Of 2 windows, 1 make a profit" in finding_of(walked((8.0, 3.0), (4.0, None)))
    assert "make no profit in-sample (0.00 % in 30 days)" in finding_of(
        walked((0.0, 3.0), (0.0, 3.0))
    )


def test_a_walk_forward_may_keep_nothing() -> None:
    sentence = finding_of(walked((8.0, -1.0), (4.0, -3.0)))

    assert "Of 2 windows, 0 make a profit" in sentence
    assert "nothing (\N{MINUS SIGN}2.00 %) is left" in sentence


def test_a_window_without_a_result_is_counted_apart() -> None:
    assert "numbers. 1 of them came to no result. In 30 days 75.0 %" in finding_of(
        walked((8.0, 3.0), (4.0, None))
    )
    assert finding_of(walked((None, None), (4.0, None))) == (
        "Not one of 2 windows has a result on its test range."
    )
    assert finding_of(walked((None, None), (None, None))) == (
        "Not one of 2 windows has a result of at least 30 trades in training."
    )


def test_a_failed_run_of_a_window_is_said_with_its_verdict() -> None:
    result = walked((8.0, 3.0), (4.0, None))
    page = robustness_page(result, "demo-1", "../../runs")

    assert "<td>failed</td>" in page
    (note,) = (each for each in result.notes if "has no result" in each)
    assert note.endswith("has no result: failed.")
    assert note in page


def test_best_numbers_without_a_profit_in_sample_leave_nothing_to_survive() -> None:
    assert "make no profit in-sample (\N{MINUS SIGN}3.00 % in 30 days)" in finding_of(
        walked((-8.0, 3.0), (-4.0, 3.0))
    )


def test_a_walk_forward_that_was_left_out_says_why() -> None:
    left_out = survivor().without_walk("the range is short.")

    assert finding_of(left_out) == "Left out: the range is short."
    assert left_out.to_json()["walk_forward"] == {
        "left_out": "the range is short.",
        "profit_percent_30_days_in_sample": None,
        "profit_percent_30_days_out_of_sample": None,
        "windows": [],
    }
    assert "Walk forward</h2>" not in robustness_page(left_out, "demo-1", "../../runs")


def test_the_windows_are_in_the_page_the_json_and_the_table_of_runs(tmp_path: Path) -> None:
    result = walked((8.0, 3.0), (4.0, -1.0))
    page = robustness_page(result, "demo-1", "../../runs")

    assert finding_of(result) in page
    assert "20250302-20250401" in page
    assert '<td class="text">shaken 1</td>' in page
    assert '<td><a href="../../runs/run-1/report.html">+8.00 %</a></td>' in page
    result.write(tmp_path, page)
    assert re.findall("<th[^>]*>([^<]+)</th>", page.partition("Walk forward")[2])[:5] == [
        *("training", "test", "best numbers", "profit, training", "profit, test"),
    ]
    walk = json.loads((tmp_path / "robustness.json").read_text())["walk_forward"]
    assert walk["left_out"] is None
    assert walk["profit_percent_30_days_in_sample"] == pytest.approx(3.0)
    assert walk["profit_percent_30_days_out_of_sample"] == pytest.approx(1.0)
    found, second = walk["windows"]
    assert found == {
        "training": "20250101-20250302",
        "test": "20250302-20250401",
        "best": "configuration",
        "values": {},
        "training_run": "run-1",
        "training_profit_percent": 8.0,
        "test_run": "run-1",
        "test_profit_percent": 3.0,
    }
    assert second["best"] == "shaken 1"
    assert len(pq.read_table(tmp_path / "runs.parquet").to_pylist()) == len(result.outcomes) == 6


def test_a_window_without_a_result_has_no_numbers_in_the_json() -> None:
    failed = dataclasses.replace(outcome(2, profit=3.0), exit_code=70)
    windows = [
        window_result(WINDOWS[0], training=None, test=None),
        WindowResult(window=WINDOWS[1], training=outcome(2, profit=4.0), test=failed),
    ]

    walk = survivor().walked(windows, []).to_json()["walk_forward"]

    assert isinstance(walk, dict)
    assert isinstance(walk["windows"], list)
    first, second = walk["windows"]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert {first[key] for key in first if key not in {"training", "test"}} == {None}
    assert second["training_profit_percent"] == 4.0
    assert second["test_profit_percent"] is None


def test_numbers_of_the_class_alone_are_said_not_to_be_shaken() -> None:
    (note, *_) = dataclasses.replace(survivor(), unshaken=("buy_rsi", "buy_fast")).notes

    assert note == (
        "Shaken are execution.stoploss. Numbers that only the strategy class has, and not the "
        "configuration, are not: buy_rsi, buy_fast."
    )


def test_each_test_has_one_sentence_with_the_share_of_the_profit_that_is_left() -> None:
    shaken, doubled, slipped, resampled, _ = (each.sentence for each in survivor().findings)

    assert "2 of 3 sets make a profit" in shaken
    assert (
        "median keeps 50.0 % (+5.00 %) of the profit, the worst nothing (\N{MINUS SIGN}1.00 %)"
        in shaken
    )
    assert doubled == (
        "With the fee doubled, the same trades cost 7.5 % of the starting balance more. "
        "The strategy keeps 25.0 % (+2.50 %) of its profit."
    )
    assert "The strategy keeps nothing (\N{MINUS SIGN}0.40 %) of its profit" in slipped
    assert "100.0 % make a profit. The median keeps 100.0 % (+10.00 %)" in resampled


def test_more_than_the_profit_is_made_and_not_kept() -> None:
    sentence = shaken((12.0, 40), (15.0, 40)).findings[0].sentence
    bootstrap = Bootstrap(profits=(300.0,) * 20, drawdowns=(5.0,) * 20, block=3.0)
    resampled = bootstrap_finding(0.1, bootstrap, balance=1_000.0).sentence

    assert "The median makes 135.0 % (+13.50 %) of the profit, the worst 120.0 % (" in sentence
    assert "The median makes 300.0 % (+30.00 %) of the profit;" in resampled


def test_numbers_that_were_not_shaken_leave_a_sentence() -> None:
    assert "No number was shaken" in shaken().findings[0].sentence
    (note, *_) = dataclasses.replace(survivor(), shaken=(), unshaken=("buy_rsi",)).notes
    assert note == (
        "No number was shaken. Numbers that only the strategy class has, and not the "
        "configuration, are not: buy_rsi."
    )


def test_a_set_without_a_profit_is_no_winner() -> None:
    sentence = shaken((8.0, 40), (0.0, 40)).findings[0].sentence

    assert "1 of 2 sets make a profit" in sentence
    assert "the worst nothing (0.00 %)" in sentence


def test_resamples_are_shares_of_the_starting_balance() -> None:
    bootstrap = Bootstrap(
        profits=(-50.0, *[20.0] * 18, 30.0), drawdowns=(*[5.0] * 18, 80.0, 90.0), block=3.0
    )

    assert bootstrap_finding(0.1, bootstrap, balance=1_000.0).sentence == (
        "Of 20 resamples of the trades, 95.0 % make a profit. The median keeps 20.0 % (+2.00 %) of "
        "the profit; one of 20 ends below +2.00 %, and one of 20 falls by more than 8.0 % of the "
        "starting balance."
    )


def shaken(*sets: tuple[float, int]) -> Robustness:
    outcomes = [
        outcome(number, profit=profit, trades=trades)
        for number, (profit, trades) in enumerate(sets, 2)
    ]
    bootstrap = Bootstrap.of([2.5] * 40, seed=1, resamples=20)
    return result().tested(shaken=outcomes, costs={}, bootstrap=bootstrap)


def test_a_set_with_few_trades_counts_nowhere() -> None:
    sentence = shaken((8.0, 30), (6.0, 29), (-9.0, 29), (-1.0, 40)).findings[0].sentence

    assert "1 of 2 sets make a profit. Not counted: 2 with fewer than 30 trades." in sentence
    # Of 8 and -1: neither 6 nor -9 is in the median or the worst.
    assert "median keeps 35.0 % (+3.50 %)" in sentence
    assert "worst nothing (\N{MINUS SIGN}1.00 %)" in sentence
    assert "Not counted" not in survivor().findings[0].sentence


def test_a_set_that_failed_is_counted_apart() -> None:
    found = dataclasses.replace(survivor(), shaken=(*survivor().shaken, outcome(5))).findings[0]
    few = shaken((8.0, 40), (6.0, 29))
    both = dataclasses.replace(few, shaken=(*few.shaken, outcome(4), outcome(5))).findings[0]
    all_few = shaken((6.0, 29))
    none = dataclasses.replace(all_few, shaken=(*all_few.shaken, outcome(4))).findings[0]

    assert "2 of 3 sets make a profit. Not counted: 1 without a result. The " in found.sentence
    left_out = "Not counted: 1 with fewer than 30 trades, 2 without a result. The median"
    assert left_out in both.sentence
    assert none.sentence.endswith("has fewer than 30. Not counted: 1 without a result.")


def test_sets_that_all_have_few_trades_leave_no_number() -> None:
    (finding, *others) = shaken((8.0, 29), (6.0, 0)).findings

    assert finding.sentence == (
        "Too few trades to say: each of 2 sets with the numbers shaken by up to 5.0 % has fewer "
        "than 30."
    )
    assert "Of 20 resamples" in others[0].sentence


def test_test_ranges_with_few_trades_together_leave_no_number() -> None:
    assert "Of 2 windows, 1 make a profit" in finding_of(walked((8.0, 3.0), (4.0, -1.0), trades=15))
    few = walked((8.0, 3.0), (4.0, -1.0), trades=14)

    assert finding_of(few) == (
        "Too few trades to say: the test ranges together have 28 trades, and at least 30 are "
        "needed."
    )
    walk = few.to_json()["walk_forward"]
    assert isinstance(walk, dict)
    assert walk["profit_percent_30_days_in_sample"] is None
    assert walk["profit_percent_30_days_out_of_sample"] is None


def test_trades_of_a_run_that_failed_do_not_count() -> None:
    first, second = walked((8.0, 3.0), (4.0, -1.0), trades=29).windows
    assert second.test is not None
    failed = dataclasses.replace(second.test, exit_code=74)

    sentence = finding_of(
        survivor().walked([first, dataclasses.replace(second, test=failed)], [failed])
    )

    assert "the test ranges together have 29 trades" in sentence


def test_the_rule_of_few_trades_is_said_once_on_the_page_and_in_the_json() -> None:
    made = shaken((8.0, 29))
    page = robustness_page(made, "demo-1", "../../runs")

    assert page.count("fewer than 30 trades do not count") == 1
    assert json.dumps(made.to_json()).count("fewer than 30 trades do not count") == 1


def test_few_trades_and_a_loss_are_not_tested() -> None:
    assert result(trades=30).problem is None
    assert result(trades=29).problem == (
        "Too few trades to say: the backtest has 29 trades, and at least 30 are needed. Choose a "
        "longer time range."
    )
    assert "nothing could survive" in str(result(profit=0.0).problem)
    unknown = dataclasses.replace(outcome(profit=1.0), figures={"trades": 40})
    assert dataclasses.replace(result(), base=unknown).problem == result(profit=0.0).problem
    assert result(profit=0.017).problem == (
        "The configuration makes +0.02 % of the starting balance: no profit to speak of, which "
        "begins at 0.1 %, so nothing could survive."
    )
    assert result(profit=0.1).problem is None
    assert "has no result: failed" in str(result(profit=None).problem)
    assert result(trades=29).findings == ()


@pytest.mark.parametrize("untested", [result(trades=29), result(profit=-2.0), result(profit=None)])
def test_tests_that_were_not_made_have_no_notes(untested: Robustness) -> None:
    page = robustness_page(untested, "demo-1", "../../runs")

    assert untested.notes == ()
    assert "Assumptions" not in page
    assert "Assumptions" in robustness_page(survivor(), "demo-1", "../../runs")


def test_few_trades_have_an_exit_code_of_their_own() -> None:
    assert result(trades=30).exit_code == result(profit=-1.0).exit_code == 0
    assert result(trades=29).exit_code == 65
    # That of the failed run goes before it.
    assert result(profit=None, trades=0).exit_code == 76


def test_the_files_have_every_run(tmp_path: Path) -> None:
    survivor().write(tmp_path, "page")

    found = json.loads((tmp_path / "robustness.json").read_text())
    assert [each["run_id"] for each in found["shaken"]] == ["run-2", "run-3", "run-4"]
    assert found["bootstrap"]["profit_percent_median"] == 10.0
    rows = pq.read_table(tmp_path / "runs.parquet").to_pylist()
    assert [row["run_id"] for row in rows] == [f"run-{number}" for number in range(1, 5)]
    assert found["costs"]["fee doubled"] == {"cost_percent": 7.5, "profit_percent": 2.5}
    resamples = pq.read_table(tmp_path / "resamples.parquet").to_pydict()
    assert resamples == {"profit_percent": [10.0] * 20, "drawdown_percent": [0.0] * 20}


def test_the_json_has_each_run_over_the_windows() -> None:
    walks = [
        dataclasses.replace(outcome(5, profit=1.0), timerange=str(WINDOWS[0].training)),
        dataclasses.replace(outcome(6), timerange=str(WINDOWS[0].test)),
    ]

    found = survivor().walked((), walks).to_json()["walks"]

    assert found == [
        {"timerange": "20250101-20250302", **walks[0].to_json()},
        {"timerange": "20250302-20250401", **walks[1].to_json()},
    ]


def test_the_json_has_all_that_the_page_shows() -> None:
    bootstrap = Bootstrap(profits=(-50.0, 20.0, 30.0), drawdowns=(5.0, 8.0, 90.0), block=3.0)
    made = result().tested(
        shaken=[outcome(2, profit=8.0)], costs={"fee": 75.0}, bootstrap=bootstrap
    )

    document = made.to_json()

    assert list(document) == [
        *("schema_version", "problem", "findings", "notices", "notes", "base", "shaken", "costs"),
        *("bootstrap", "walk_forward", "walks"),
    ]
    assert document["schema_version"] == 1
    assert document["problem"] is None
    assert document["findings"] == [
        {"test": each.test, "sentence": each.sentence} for each in made.findings
    ]
    assert document["notes"] == list(made.notes)
    assert document["base"] == made.base.to_json()
    assert document["shaken"] == [made.shaken[0].to_json()]
    assert document["costs"] == {"fee": {"cost_percent": 7.5, "profit_percent": 2.5}}
    assert document["bootstrap"] == {
        "resamples": 3,
        "mean_block": 3.0,
        "share_with_profit": 2 / 3,
        "profit_percent_low": -5.0,
        "profit_percent_median": 2.0,
        "drawdown_percent_high": 9.0,
    }


def test_each_run_has_a_row_with_its_changes() -> None:
    base = dataclasses.replace(outcome(profit=10.0), figures={"profit_percent": 10, "trades": 40})
    shaken_run = outcome(2, profit=8.0, stoploss="-0.1")
    made = dataclasses.replace(result(), base=base, shaken=(shaken_run,))

    heads = (
        *("run", "trades", "profit on the start", "largest drawdown, closed trades only"),
        "changes",
    )
    assert made.columns == heads
    first, second = made.rows()
    assert first == ("configuration", "40", "+10.00 %", "-", "-")
    assert (second[0], second[-1]) == ("shaken 1", shaken_run.variant.label)


def test_the_drawdown_of_a_run_counts_open_positions_where_it_is_known() -> None:
    figures = {"profit_percent": 10, "max_drawdown_percent": 4, "equity_drawdown_percent": 5}
    base = dataclasses.replace(outcome(profit=10.0), figures=figures)
    made = dataclasses.replace(result(), base=base)

    assert made.columns[3] == "largest drawdown"
    assert next(made.rows())[3] == "\N{MINUS SIGN}5.00 %"
    assert ">largest drawdown</th>" in robustness_page(made, "demo-1", "../../runs")


def test_the_page_has_findings_runs_resamples_and_assumptions() -> None:
    page = robustness_page(survivor(), "demo-1", "../../runs")

    for finding in survivor().findings:
        assert finding.sentence in page
    assert 'href="../../runs/run-2/report.html"' in page
    assert 'id="curves-bootstrap"' in page
    assert "Slippage is an assumption" in page
    assert "charged on the orders of the backtest, and change no trade" in page


def test_the_page_has_a_run_without_a_result_with_its_verdict_and_without_a_link() -> None:
    shaken_runs = (outcome(2, profit=-5.0), outcome(3))
    page = robustness_page(
        dataclasses.replace(survivor(), shaken=shaken_runs), "demo-1", "../../runs"
    )

    assert "<span>shaken 2: failed</span>" in page
    assert "run-3/report.html" not in page
    heads = re.findall("<th[^>]*>([^<]+)</th>", page.partition("<h2>Findings")[2])
    assert heads[:2] == ["Test", "Result"]


def test_the_page_says_what_all_runs_have_in_common() -> None:
    page = robustness_page(survivor(), "demo-1", "runs", [Figure("Pairs", "BTC/USDT")])

    assert "<h2>All runs</h2>" in page
    assert "BTC/USDT" in page


def test_a_notice_of_all_runs_is_said_once_on_the_page_and_in_the_json() -> None:
    notices = ("the candles are synthetic", "bias was found in this strategy source by run a")
    runs = [dataclasses.replace(outcome(n, profit=8.0), notices=notices[:n]) for n in (1, 2)]
    noted = dataclasses.replace(survivor(), base=runs[0], shaken=tuple(runs[1:]))

    page = robustness_page(noted, "demo-1", "runs")

    assert noted.to_json()["notices"] == list(notices)
    assert [page.count(each) for each in notices] == [1, 1]


def test_a_run_in_a_folder_with_any_letters_is_linked() -> None:
    page = robustness_page(survivor(), "demo-1", "../../runs #1?")

    assert 'href="../../runs%20%231%3F/run-2/report.html"' in page


def test_the_page_without_tests_gives_the_reason_and_has_no_script() -> None:
    page = robustness_page(result(trades=3), "demo-1", "../../runs")

    assert "Too few trades to say: the backtest has 3 trades" in page
    assert "<script" not in page


def test_a_full_disk_leaves_no_part_of_an_analysis(tmp_path: Path, page_without_room: str) -> None:
    folder = tmp_path / "page"

    with pytest.raises(StorageError, match="the disk is full"):
        survivor().write(folder, page_without_room)

    assert not folder.exists()
