"""Results of the engine's analyses for bias, as the engine writes them (freqtrade 2026.9)."""

from pathlib import Path

import pytest

from tradai.core import TimeRange
from tradai.core.exceptions import StorageError

# Not public: the command `analyse --bias` is made of them, and is tested on the real engine.
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named
from tradai.entrypoint.freqtrade._modes._bias.lookahead import Lookahead, lookahead_plan
from tradai.entrypoint.freqtrade._modes._bias.recursive import (
    MOST_PAIRS,
    Difference,
    Recursion,
    enough_candles,
    pairs_notices,
    recursive_notice,
    recursive_plan,
    tried_counts,
)
from tradai.entrypoint.freqtrade._preparation.plan import EnginePlan

HEAD = (
    "filename,strategy,has_bias,total_signals,biased_entry_signals,biased_exit_signals,"
    "biased_indicators,biased_orders,trades_in_backtest,clean_indicators\n"
)
TABLE = """\
        Recursive Analysis
┏━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┓
┃ Indicators ┃ 60 (from strategy) ┃
┡━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━┩
│       slow │           {slow} │
│       long │               nan% │
│      short │            -0.000% │
└────────────┴────────────────────┘
"""
BTC = "tradai: the engine has ended for BTC/USDT\n"
ETH = "tradai: the engine has ended for ETH/USDT\n"
CALM = "No variance on indicator(s) found due to recursive formula.\n"
BACKTEST = EnginePlan(
    subcommand="backtesting",
    common=("--config", "-"),
    timerange=None,
    specific=("--cache", "none"),
    exchange=exchange_named("binance"),
    config={"stake_amount": 100},
    params_name="demo.json",
    params_file=None,
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "lookahead.csv"


def test_columns_that_change_are_bias_without_the_targets_of_freqai(table: Path) -> None:
    table.write_text(
        HEAD + 'demo.py,Demo,True,12,0,0,"later,&-target",0,30,"[""a, b"", ""&-x""]"\n'
    )

    found = Lookahead.read(table)

    assert found.is_found
    assert found.indicators == ("later",)
    assert found.figures()["trades_checked"] == 12
    assert found.figures()["clean_indicators"] == ["a, b"]


@pytest.mark.parametrize("counts", ["12,1,0", "12,0,1"])
def test_an_entry_or_an_exit_that_is_not_made_again_is_bias(table: Path, counts: str) -> None:
    table.write_text(f"{HEAD}demo.py,Demo,True,{counts},,0,30,[]\n")

    assert Lookahead.read(table).is_found


def test_trades_that_change_without_a_column_may_have_another_cause_than_the_future(
    table: Path,
) -> None:
    table.write_text(f"{HEAD}demo.py,Demo,True,20,0,10,,0,30,[]\n")
    without = Lookahead.read(table).explanation()
    table.write_text(f"{HEAD}demo.py,Demo,True,20,0,10,later,0,30,[]\n")

    assert "the strategy reads candles of the future" not in without
    assert "10 exits are not made" in without
    assert "depends on chance or on the other pairs" in without
    assert "columns that change: later" in Lookahead.read(table).explanation()


def test_columns_that_change_under_the_same_trades_are_explained_without_a_contradiction(
    table: Path,
) -> None:
    table.write_text(f"{HEAD}demo.py,Demo,True,20,0,0,later,0,30,[]\n")

    assert Lookahead.read(table).explanation() == (
        "the strategy reads candles of the future, so its backtest cannot be believed: no entry, "
        "exit or order of 20 trades changes without the candles after it, but columns do: later"
    )


def test_a_single_trade_is_counted_as_one(table: Path) -> None:
    table.write_text(f"{HEAD}demo.py,Demo,True,1,1,0,,0,30,[]\n")

    assert "of 1 trade, 1 entry and 0 exits are not made" in Lookahead.read(table).explanation()


def test_other_orders_of_the_same_trades_are_bias(table: Path) -> None:
    table.write_text(f"{HEAD}demo.py,Demo,False,20,0,0,,3,30,[]\n")

    found = Lookahead.read(table)

    assert found.is_found
    assert "0 entries and 0 exits are not made, and 3 have other stakes" in found.explanation()


def test_targets_alone_are_no_bias(table: Path) -> None:
    table.write_text(HEAD + "demo.py,Demo,True,12,0,0,&-target,0,30,[]\n")

    assert not Lookahead.read(table).is_found


@pytest.mark.parametrize(
    "row",
    ["demo.py", "demo.py,Demo,True,20,1", "demo.py,Demo,True,20,1,0", "demo.py,Demo,True,20,1,0,"],
)
def test_a_table_that_ends_within_a_row_is_named(table: Path, row: str) -> None:
    table.write_text(f"{HEAD}{row}\n")

    with pytest.raises(StorageError, match=r"lookahead\.csv cannot be read"):
        Lookahead.read(table)


def test_a_table_without_a_row_has_checked_no_trade(table: Path) -> None:
    table.write_text(HEAD)

    assert Lookahead.read(table).figures() == {
        "trades_checked": 0,
        "trades_in_backtest": 0,
        "biased_entries": 0,
        "biased_exits": 0,
        "biased_orders": 0,
        "biased_indicators": [],
        "clean_indicators": [],
    }


def test_the_figures_of_a_table_are_those_of_its_row(table: Path) -> None:
    table.write_text(f'{HEAD}demo.py,Demo,True,20,3,4,"later,sooner",5,30,"[""slow""]"\n')

    assert Lookahead.read(table).figures() == {
        "trades_checked": 20,
        "trades_in_backtest": 30,
        "biased_entries": 3,
        "biased_exits": 4,
        "biased_orders": 5,
        "biased_indicators": ["later", "sooner"],
        "clean_indicators": ["slow"],
    }


def test_so_many_trades_are_checked_and_one_is_enough_for_a_row() -> None:
    plan = lookahead_plan(BACKTEST, 35)

    assert (plan.subcommand, *plan.arguments) == (
        *("lookahead-analysis", "--config", "-", "--minimum-trade-amount", "1"),
        *("--targeted-trade-amount", "35"),
        *("--lookahead-analysis-exportfilename", "user_data/lookahead.csv"),
    )


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", HEAD + "demo.py,Demo,True,many,0,0,,0,30,[]\n", None]
)
def test_a_table_that_cannot_be_read_is_an_error(table: Path, text: str | None) -> None:
    if text is not None:
        table.write_text(text)

    with pytest.raises(StorageError, match=r"lookahead\.csv cannot be read"):
        Lookahead.read(table)


def test_differences_are_read_from_the_last_table_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text(TABLE.format(slow="9.999%") + TABLE.format(slow="0.125%") + "done\n" + BTC)

    differences = Recursion.read(log, [60]).by_count

    assert differences == {60: {"slow": (0.125, "BTC/USDT"), "long": (None, "BTC/USDT")}}
    notice = recursive_notice(differences)
    assert notice is not None
    assert "long (no ratio, BTC/USDT)" in notice
    assert "slow" not in notice
    assert "a longer --timerange lets more candles be tried" in notice


def test_each_number_of_candles_has_a_column_and_a_long_name_has_two_rows(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text(
        """\
        Recursive Analysis
┏━━━━━━━━━━━━┳━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━┓
┃            ┃ 60  (from ┃         ┃        ┃
┃ Indicators ┃ strategy) ┃     120 ┃    240 ┃
┡━━━━━━━━━━━━╇━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━┩
│       slow │   -9.000% │ -2.000% │ 0.900% │
│  an_averag │      nan% │       - │      - │
│    e_of_50 │           │         │        │
└────────────┴───────────┴─────────┴────────┘
"""
        + ETH
    )

    differences = Recursion.read(log, [60, 120, 240]).by_count

    assert differences == {
        60: {"slow": (-9.0, "ETH/USDT"), "an_average_of_50": (None, "ETH/USDT")},
        120: {"slow": (-2.0, "ETH/USDT")},
        240: {"slow": (0.9, "ETH/USDT")},
    }
    assert enough_candles(differences) == 240
    notice = str(recursive_notice(differences))
    assert "slow (-9.000 %, ETH/USDT), an_average_of_50 (no ratio, ETH/USDT); with 240" in notice
    assert "with 240 not one does" in notice


def test_a_number_of_candles_that_is_never_enough_is_said() -> None:
    differences = {60: {"slow": Difference(9.0, "A/B")}, 120: {"slow": Difference(2.0, "A/B")}}

    assert enough_candles(differences) is None
    assert "with 120 there are still slow, so raise" in str(recursive_notice(differences))


@pytest.mark.parametrize(
    ("timerange", "tried"),
    [
        (None, [60]),
        ("20250101-20250102", [60, 120]),
        ("20250101-20250103", [60, 120, 240]),
    ],
)
def test_no_more_candles_are_tried_than_half_of_the_range(
    timerange: str | None, tried: list[int]
) -> None:
    wanted = TimeRange.parse(timerange) if timerange else None

    assert tried_counts(60, wanted, candle_s=300) == tried


def test_half_of_the_range_itself_is_tried() -> None:
    day = TimeRange.parse("20250101-20250102")

    assert tried_counts(60, day, candle_s=360) == [60, 120]
    assert tried_counts(60, day, candle_s=361) == [60]


def test_a_difference_of_a_percent_is_the_usual_rest() -> None:
    assert not Difference(1.0, "A/B").is_large
    assert not Difference(-1.0, "A/B").is_large
    assert Difference(-1.001, "A/B").is_large
    assert Difference(None, "A/B").is_large


def test_the_analysis_is_that_of_a_backtest_for_each_pair_in_one_process() -> None:
    plan = recursive_plan(BACKTEST, [60, 120], ["BTC/USDT", "ETH/USDT"])

    assert plan.launcher == ("pairs", "strategies")
    assert plan.config == BACKTEST.config
    assert (plan.subcommand, *plan.arguments) == (
        *("recursive-analysis", "--config", "-", "--startup-candle", "60", "120"),
        *("--pairs", "BTC/USDT", "ETH/USDT"),
    )


def test_what_else_has_edges_is_no_row_of_the_table(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    others = "│ of the strategy │ 9.000% │ 9.000% │\n│  │ 9.000% │\n"
    log.write_text(TABLE.format(slow="9.000%") + others + BTC)

    assert list(Recursion.read(log, [60]).by_count[60]) == ["slow", "long"]


def test_the_pairs_that_are_left_out_are_those_after_the_first_ones() -> None:
    pairs = [f"C{number}/USDT" for number in range(MOST_PAIRS + 1)]

    assert pairs_notices(pairs[:MOST_PAIRS], pairs[:MOST_PAIRS]) == []
    (notice,) = pairs_notices(pairs[:MOST_PAIRS], pairs)
    assert f"of C{MOST_PAIRS}/USDT are not known: the analysis takes the first" in notice


def test_an_engine_that_prints_no_table_found_no_difference(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text(CALM + BTC)

    assert Recursion.read(log, [60, 120]) == (("BTC/USDT",), {60: {}, 120: {}}, ())
    assert recursive_notice({60: {}, 120: {}}) is None
    assert enough_candles({60: {}, 120: {}}) == 60


@pytest.mark.parametrize(
    ("first", "second", "worst"),
    [
        ("2.000%", "-3.000%", (-3.0, "ETH/USDT")),
        ("-3.000%", "2.000%", (-3.0, "BTC/USDT")),
        ("2.000%", "2.000%", (2.0, "BTC/USDT")),
        ("200.000%", "nan%", (None, "ETH/USDT")),
        ("nan%", "200.000%", (None, "BTC/USDT")),
        ("0.000%", "0.125%", (0.125, "ETH/USDT")),
    ],
)
def test_the_largest_difference_over_the_pairs_counts(
    tmp_path: Path, first: str, second: str, worst: tuple[float | None, str]
) -> None:
    log = tmp_path / "engine.log"
    log.write_text(TABLE.format(slow=first) + BTC + TABLE.format(slow=second) + ETH)

    found = Recursion.read(log, [60])

    assert found.pairs == ("BTC/USDT", "ETH/USDT")
    assert found.by_count[60]["slow"] == worst


def test_a_pair_whose_end_is_not_in_the_log_is_not_known(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text(TABLE.format(slow="9.000%") + BTC + TABLE.format(slow="99.000%"))

    found = Recursion.read(log, [60])

    assert found.by_count[60]["slow"] == (9.0, "BTC/USDT")
    assert pairs_notices(found.pairs, ["BTC/USDT"]) == []
    (notice,) = pairs_notices(found.pairs, ["BTC/USDT", "ETH/USDT", "SOL/USDT"])
    assert "recursive indicators of ETH/USDT, SOL/USDT are not known" in notice
    assert "the end of the analysis of each is not in the engine's log" in notice
    assert "first 5 pairs" not in notice


def test_each_pair_that_is_not_known_has_its_own_reason() -> None:
    pairs = [f"C{number}/USDT" for number in range(MOST_PAIRS + 1)]

    lost, after = pairs_notices(pairs[1:MOST_PAIRS], pairs)

    assert "of C0/USDT are not known: the end of" in lost
    assert f"of C{MOST_PAIRS}/USDT are not known: the analysis takes" in after


@pytest.mark.parametrize(
    ("log", "enough"),
    [
        ("", None),
        (CALM + BTC, None),
        (CALM + BTC + CALM + ETH, 60),
        (TABLE.format(slow="9.000%") + BTC + CALM + ETH, None),
    ],
)
def test_a_number_of_candles_is_enough_only_for_pairs_that_are_all_in_the_log(
    tmp_path: Path, log: str, enough: int | None
) -> None:
    (tmp_path / "engine.log").write_text(log)

    found = Recursion.read(tmp_path / "engine.log", [60])

    assert found.enough_candles(["BTC/USDT", "ETH/USDT"]) == enough


@pytest.mark.parametrize(
    "rows",
    [
        ["a│b │ -99.000%"],
        ["mean │ 9.000%", "mean │ 0.001%"],
        # A column without a name.
        [" │ 9.000%"],
        # A number on two lines.
        ["slow │ 1234567", "e │ 89.000%"],
    ],
)
def test_a_pair_whose_rows_cannot_be_told_apart_is_not_known(
    tmp_path: Path, rows: list[str]
) -> None:
    more = "".join(f"│ {row} │\n" for row in rows)
    broken = TABLE.format(slow="9.000%").replace("└", f"{more}└")
    log = tmp_path / "engine.log"
    log.write_text(broken + BTC + TABLE.format(slow="0.125%").replace("nan%", "-") + ETH)

    found = Recursion.read(log, [60])

    assert (found.pairs, found.unread) == (("ETH/USDT",), ("BTC/USDT",))
    assert found.by_count == {60: {"slow": (0.125, "ETH/USDT")}}
    assert found.enough_candles(["BTC/USDT", "ETH/USDT"]) is None
    (notice,) = pairs_notices(found.pairs, ["BTC/USDT", "ETH/USDT"], found.unread)
    assert "recursive indicators of BTC/USDT are not known: the table in the" in notice
    assert "take │ out of" in notice


@pytest.mark.parametrize(
    "text", ["Start checking for recursive bias\n", "Recursive Analysis\n└───┘\n"]
)
def test_a_pair_without_a_table_and_without_a_word_for_it_is_not_known(
    tmp_path: Path, text: str
) -> None:
    log = tmp_path / "engine.log"
    log.write_text(CALM + BTC + text + ETH)

    found = Recursion.read(log, [60])

    assert (found.pairs, found.unread) == (("BTC/USDT",), ("ETH/USDT",))
    assert found.enough_candles(["BTC/USDT", "ETH/USDT"]) is None


def test_an_indicator_with_the_name_of_the_table_is_a_row(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text(TABLE.format(slow="9.000%").replace("short", "Recursive Analysis") + BTC)

    assert list(Recursion.read(log, [60]).by_count[60]) == ["slow", "long"]
