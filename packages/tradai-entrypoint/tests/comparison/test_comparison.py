"""Comparison of recorded runs: figures with deltas, settings, caveats, files and page."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tradai.core import JsonValue, TradingMode
from tradai.core.exceptions import StorageError, ValidationError
from tradai.entrypoint import RunManifest
from tradai.entrypoint._comparison.compared_run import ComparedRun
from tradai.entrypoint._comparison.page import comparison_page
from tradai.entrypoint._comparison.result import RunComparison
from tradai.entrypoint._report.formatting import MINUS, NOTHING
from tradai.entrypoint._report.model import BalancePoint, EquityPoint, RunReportParts

START = datetime(2025, 1, 1, tzinfo=UTC)


def run(
    name: str,
    *values: float,
    pairs: tuple[str, ...] = ("BTC/USDT",),
    currency: str = "USDT",
    **results: JsonValue,
) -> ComparedRun:
    """A run whose account has `values`, a day apart."""
    equity = tuple(
        EquityPoint(START + timedelta(days=day), value, 0.0, None)
        for day, value in enumerate(values)
    )
    record = RunManifest(
        state="ended",
        run_id=name,
        trace_id=name,
        mode=TradingMode.BACKTEST,
        started_at=START,
        ended_at=START,
        exit_code=0,
        verdict="done",
        config={
            "name": "trend",
            "stake_currency": currency,
            "pairs": list(pairs),
            "buy_params": {"fast": len(name)},
        },
        results=results,
    )
    return ComparedRun(
        folder=Path("runs", name), name=name, record=record, parts=RunReportParts(equity=equity)
    )


def test_deltas_are_against_the_first_run() -> None:
    compared = RunComparison(
        (run("a", profit_percent=2.0), run("b", profit_percent=-1.0, sharpe=0.5))
    )

    first, second = compared.runs

    assert (compared.delta(first, "profit_percent"), compared.delta(second, "profit_percent")) == (
        0.0,
        -3.0,
    )
    assert compared.delta(second, "sharpe") is None


def test_the_table_of_the_terminal_has_the_labels_and_signs_of_the_page() -> None:
    first = run("a", profit_percent=2.0, max_drawdown_percent=4.0, expectancy=0.1 + 0.2)
    second = run(
        "b", profit_percent=-1.0, max_drawdown_percent=5.5, expectancy=0.3, sharpe=0.5, epochs=3.0
    )

    assert list(RunComparison((first, second)).rows()) == [
        ("Profit on the start", "+2.00 %", f"{MINUS}1.00 % ({MINUS}3.00)"),
        ("Largest drawdown, closed trades only", f"{MINUS}4.00 %", f"{MINUS}5.50 % ({MINUS}1.50)"),
        ("Expectancy", "0.3000 USDT", "0.3000 USDT (same)"),
        ("Sharpe (engine)", NOTHING, "0.50"),
        ("Epochs", NOTHING, "3"),
    ]


def test_the_page_shows_the_small_difference_of_amounts_in_bitcoin(tmp_path: Path) -> None:
    runs = (
        run("a", currency="BTC", expectancy=0.00001),
        run("b", currency="BTC", expectancy=0.00003),
        run("c", currency="BTC", expectancy=0.00001),
    )

    page = comparison_page(RunComparison(runs), tmp_path)

    assert '0.00003000 BTC<span class="delta good">+0.00002000</span>' in page
    assert '0.00001000 BTC<span class="delta even">same</span>' in page


@pytest.mark.parametrize(
    ("figure", "values", "row"),
    [
        ("trades", (1400, 1300), ("Trades", "1,400", "1,300", "-100")),
        ("profit_percent", (5.6, -7.0704), ("Profit on the start", "+5.60 %", "-7.07 %", "-12.67")),
        ("profit_USDT", (56.341, -141.407), ("Profit", "+56.34 USDT", "-141.41 USDT", "-197.75")),
        ("cagr_percent", (12.18, -35.5167), ("Growth per year", "12.2 %", "-35.5 %", "-47.7")),
        (
            "equity_drawdown_percent",
            (0, 10.2587),
            ("Largest drawdown", "none", "-10.26 %", "-10.26"),
        ),
        ("best_loss", (0.7350915, -1.5), ("Best loss", "0.7350915", "-1.5", "-2.2350915")),
    ],
)
def test_the_page_shows_a_figure_as_the_report_of_a_run_does(
    tmp_path: Path, figure: str, values: tuple[float, float], row: tuple[str, ...]
) -> None:
    runs = (run("a", final_balance=1056.0), run("b", final_balance=859.0))
    for each, value in zip(runs, values, strict=True):
        each.record.results[figure] = value

    page = comparison_page(RunComparison(runs), tmp_path)

    label, first, second, delta = (each.replace("-", "\N{MINUS SIGN}") for each in row)
    assert f">{label}</th><td>{first}</td><td>{second}<span" in page
    assert f">{delta}</span></td>" in page


def test_a_difference_that_the_decimals_do_not_show_is_neither_better_nor_worse(
    tmp_path: Path,
) -> None:
    page = comparison_page(
        RunComparison((run("a", sharpe=1.021), run("b", sharpe=1.024))), tmp_path
    )

    assert '1.02<span class="delta even">0.00</span>' in page


def test_an_amount_without_a_known_currency_is_a_number_alone(tmp_path: Path) -> None:
    runs = (run("a", final_balance=1056.0), run("b", final_balance=859.0))
    for each in runs:
        del each.record.config["stake_currency"]

    page = comparison_page(RunComparison(runs), tmp_path)

    assert ">Final balance</th><td>1,056.00</td><td>859.00<span" in page


def test_the_decimals_of_an_account_do_not_depend_on_those_of_another_currency(
    tmp_path: Path,
) -> None:
    small = run("a", currency="DOGE", final_balance=0.05)
    runs = (small, run("b", final_balance=1000.0), run("c", currency="DOGE", final_balance=0.5))

    page = comparison_page(RunComparison(runs), tmp_path)

    assert all(text in page for text in ("0.0500 DOGE", "1,000.00 USDT", "0.5000 DOGE"))


def test_runs_with_names_are_headed_by_them_and_have_their_ids_beside(tmp_path: Path) -> None:
    runs = (replace(run("c1b"), name="old.yaml"), replace(run("Cross-95"), name="new.yaml"))
    compared = RunComparison(runs)

    page = comparison_page(compared, tmp_path)

    assert next(iter(compared.rows())) == ("run", "c1b", "Cross-95")
    assert all(text in page for text in ("old.yaml", "new.yaml", "c1b", "Cross-95"))
    assert [each["name"] for each in json.loads(json.dumps(compared.to_json()))["runs"]] == [
        *("old.yaml", "new.yaml")
    ]
    assert ">Id<" not in comparison_page(RunComparison((run("a"), run("b"))), tmp_path)


def test_texts_and_switches_are_no_figures() -> None:
    figures = run("a", is_partial=True, first_candle="2025", trades=3, sharpe=None).figures

    assert figures == {"trades": 3.0}


@pytest.mark.parametrize(
    ("figure", "delta", "tone"),
    [
        ("profit_percent", 1.0, "good"),
        ("max_drawdown_percent", 1.0, "bad"),
        ("max_drawdown_percent", -1.0, "good"),
        ("trades", 5.0, "even"),
        ("sharpe", 0.0, "even"),
    ],
)
def test_a_delta_is_good_by_the_sense_of_its_figure(figure: str, delta: float, tone: str) -> None:
    first, second = run("a"), run("b")
    first.record.results[figure], second.record.results[figure] = 7.0, 7.0 + delta

    assert RunComparison((first, second)).tone(second, figure) == tone


@pytest.mark.parametrize(
    ("account", "caveat"),
    [
        ({"execution": {"starting_balance": "5000"}}, "start with different balances"),
        ({"stake_currency": "EUR"}, "different stake currencies"),
    ],
)
def test_money_of_accounts_that_differ_is_neither_better_nor_worse(
    account: dict[str, JsonValue], caveat: str, tmp_path: Path
) -> None:
    runs = [run(name, final_balance=1.0 + len(name), sharpe=len(name)) for name in ("a", "bb")]
    for each in runs:
        each.record.config.update(stake_currency="USDT", execution={"starting_balance": "1000.0"})
    same = RunComparison(tuple(runs))
    assert (same.tone(runs[1], "final_balance"), same.caveats) == ("good", ())
    runs[1].record.config.update(account)

    compared = RunComparison(tuple(runs))

    assert compared.tone(runs[1], "final_balance") == "even"
    assert compared.tone(runs[1], "sharpe") == "good"
    assert [caveat in each for each in compared.caveats] == [True]
    page = comparison_page(compared, tmp_path)
    assert caveat in page
    assert '<span class="delta even">+1' in page


def test_only_settings_that_differ_are_listed() -> None:
    compared = RunComparison((run("a"), run("bb")))

    assert compared.differing_settings == {"buy_params.fast": ("1", "2")}


def test_notices_of_all_runs_and_bias_of_one_are_said(tmp_path: Path) -> None:
    one, other = run("a"), run("b")
    one.record.notices += ["the candles are synthetic", "no trades"]
    found = "bias was found in this strategy source by run c"
    other.record.notices += ["the candles are synthetic", found]
    compared = RunComparison((one, other))

    page = comparison_page(compared, tmp_path)

    assert compared.to_json()["notices"] == [f"b: {found}", "the candles are synthetic"]
    assert page.count("the candles are synthetic") == page.count(f"b: {found}") == 1
    assert "no trades" not in page


def test_bias_that_was_found_after_a_run_is_said_of_it(tmp_path: Path) -> None:
    made = run("a").record.model_copy(update={"digests": {"source": "5" * 64}})
    check = made.model_copy(update={"run_id": "2026-bias-1", "results": {"bias": "found"}})
    for each in (made, check):
        (tmp_path / each.run_id).mkdir()
        (tmp_path / each.run_id / "manifest.json").write_text(each.as_json())

    read = ComparedRun.read(tmp_path / "a")

    assert [each.partition(":")[0] for each in read.record.notices] == [
        "bias was found in this strategy source by run 2026-bias-1"
    ]


def test_other_ranges_and_pairs_are_said() -> None:
    one = run("a", first_candle="2025-01-01", last_candle="2025-02-01")
    other = run("b", pairs=("ETH/USDT",), first_candle="2025-03-01", last_candle="2025-04-01")

    caveats = "\n".join(RunComparison((one, other)).caveats)

    assert "different time ranges" in caveats
    assert "different pairs" in caveats
    assert RunComparison((one, one)).caveats == ()


def test_an_edited_strategy_is_said_with_its_digests_on_the_page_and_in_json(
    tmp_path: Path,
) -> None:
    runs = (run("a"), run("b"))
    for each in runs:
        each.record.config["buy_params"] = {}
        each.record.digests["source"] = f"{each.name}{'0' * 63}"
    compared = RunComparison(runs)

    page = comparison_page(compared, tmp_path)

    caveat = "The source of the strategy differs: a a0000000, b b0000000."
    assert compared.to_json()["caveats"] == [caveat]
    assert caveat in page
    assert "same configuration and parameters, and not the same source of the strategy." in page


def test_the_engine_market_rules_and_models_that_differ_are_said() -> None:
    runs = (run("a"), run("b"), run("c"))
    for each, engine in zip(runs, ("2026.8", "2026.9", None), strict=True):
        if engine:
            each.record.versions["freqtrade"] = engine
            each.record.digests.update(markets=f"{engine}-rules", models=f"{engine}-models")

    assert RunComparison(runs).caveats == (
        "The market rules differ: a 2026.8-r, b 2026.9-r.",
        "The trained models differ: a 2026.8-m, b 2026.9-m.",
        "The version of freqtrade differs: a 2026.8, b 2026.9.",
    )


def test_market_rules_of_different_pairs_are_not_compared() -> None:
    runs = (run("a"), run("b", pairs=("ETH/USDT",)))
    for each in runs:
        each.record.digests["markets"] = each.name

    assert RunComparison(runs).caveats == ("The runs trade different pairs.",)


def test_a_failed_run_of_the_same_range_differs_in_nothing_but_its_end() -> None:
    done = run("a", first_candle="2025-02-01 00:00 UTC", last_candle="2025-02-05 00:00 UTC")
    failed = run("moved")
    done.record.digests["data"] = "0"
    failed.record.exit_code = 65
    for each in (done, failed):
        each.record.data["timerange"] = "20250201-20250205"

    assert RunComparison((done, failed)).caveats == ("Run moved did not succeed (exit 65).",)

    failed.record.data["timerange"] = "20250301-20250305"

    assert "different time ranges" in RunComparison((done, failed)).caveats[0]


def test_ranges_with_the_same_candles_do_not_differ_however_they_were_asked_for() -> None:
    runs = [run(name, first_candle="2025-02-01", last_candle="2025-02-05") for name in ("a", "b")]
    for each, timerange in zip(runs, ("20250201-20250205", "20250201-"), strict=True):
        each.record.data["timerange"] = timerange
        each.record.config["buy_params"] = {}

    assert RunComparison(tuple(runs)).caveats == ()


def test_a_run_without_a_value_of_the_account_has_the_curve_of_its_closed_trades() -> None:
    balance = (BalancePoint(START, 200.0, 0.0), BalancePoint(START, 150.0, 0.25))
    closed = ComparedRun(
        folder=Path("c"), name="c", record=run("c").record, parts=RunReportParts(balance=balance)
    )

    assert [point[1:] for point in closed.curve] == [(0.0, 0.0), (-0.25, -0.25)]
    mixed = RunComparison((closed, run("a", 1.0, 2.0)))
    assert any("closed trades only" in each for each in mixed.caveats)
    folder = Path("comparisons")
    closed_alone = (
        "Profit of the account with open positions (of c, closed trades alone), in percent"
    )
    assert closed_alone in comparison_page(mixed, folder)
    assert "Profit of closed trades, in percent" in comparison_page(
        RunComparison((closed,)), folder
    )
    assert "open positions (" not in comparison_page(RunComparison((run("a", 1.0, 2.0),)), folder)


def test_the_report_of_a_run_is_linked_whatever_its_folder_is_called(tmp_path: Path) -> None:
    name = "50% of #1: a?b"
    (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "runs" / name / "report.html").touch()
    one = replace(run("a"), folder=tmp_path / "runs" / name)

    page = comparison_page(RunComparison((one,)), tmp_path / "compared")

    assert 'href="../runs/50%25%20of%20%231%3A%20a%3Fb/report.html"' in page


def test_page_and_files_have_the_same_curves_and_figures(tmp_path: Path) -> None:
    compared = RunComparison(
        (run("a", 100.0, 110.0, profit_percent=10.0), run("b", 50.0, 45.0, profit_percent=-10.0))
    )
    folder = tmp_path / compared.name

    compared.write(folder, comparison_page(compared, folder))

    curves = pq.read_table(folder / "curves.parquet").to_pydict()
    assert curves["run_id"] == ["a", "a", "b", "b"]
    assert curves["profit"] == pytest.approx([0.0, 0.1, 0.0, -0.1])
    figures = pq.read_table(folder / "figures.parquet").to_pydict()
    assert (figures["value"], figures["delta"]) == ([10.0, -10.0], [0.0, -20.0])
    page = (folder / "report.html").read_text()
    data = json.loads(page.partition('<template id="charts">')[2].split("</template")[0])
    assert data["curves"][0]["curves"][1] == ["b", "steps", curves["at_s"][2:], [0.0, -0.1]]
    stored = json.loads((folder / "comparison.json").read_text())
    assert stored["runs"][1]["deltas"] == {"profit_percent": -20.0}


def test_the_page_of_runs_without_curves_runs_no_script(tmp_path: Path) -> None:
    page = comparison_page(RunComparison((run("a", ranked_epochs=1), run("b"))), tmp_path)

    assert "<script" not in page


def test_a_run_that_goes_on_is_not_compared(tmp_path: Path) -> None:
    record = run("a").record
    record.state = "running"
    (tmp_path / "manifest.json").write_text(record.as_json())

    with pytest.raises(ValidationError, match="a has not ended"):
        ComparedRun.read(tmp_path)
    (tmp_path / "journal.jsonl").touch()
    with pytest.raises(ValidationError, match="a was killed"):
        ComparedRun.read(tmp_path)


def test_a_full_disk_leaves_no_part_of_a_comparison(tmp_path: Path, page_without_room: str) -> None:
    folder = tmp_path / "page"

    with pytest.raises(StorageError, match="the disk is full"):
        RunComparison((run("a"), run("b"))).write(folder, page_without_room)

    assert not folder.exists()
