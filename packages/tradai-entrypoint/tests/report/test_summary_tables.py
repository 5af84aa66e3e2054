"""The terminal shows the trades of a run by pair and by exit reason, in a few rows."""

import json
from pathlib import Path

import pytest

from tradai.entrypoint._report.data import report_data
from tradai.entrypoint._report.model import RunReportParts, TradeStats
from tradai.entrypoint._report.summary_tables import summary_tables

# The commands print these tables, which have no public name.


def group(name: str, profit: float, *, wins: int = 1, losses: int = 1) -> TradeStats:
    trades = wins + losses
    return TradeStats(
        name=name,
        trades=trades,
        wins=wins,
        draws=0,
        losses=losses,
        profit_abs=profit,
        profit_ratio=profit / 1000,
        winrate=wins / trades if trades else None,
        profit_factor=None,
        expectancy=None,
        mean_duration_s=None,
    )


def store(folder: Path, *pairs: TradeStats, exit_reasons: tuple[TradeStats, ...] = ()) -> None:
    parts = RunReportParts(currency="USDT", pairs=pairs, exit_reasons=exit_reasons)
    (folder / "report.json").write_text(report_data(parts))


def later(**values: object) -> str:
    """Return the data of a report of one pair; `values` are those of a later version."""
    columns = {"name": "A/USDT", "trades": 2, "wins": 1, "profit_abs": 5.0} | values
    pairs = {key: each if isinstance(each, list) else [each] for key, each in columns.items()}
    return json.dumps({"currency": "USDT", "pairs": pairs})


def test_pairs_and_exit_reasons_with_trades_are_listed_by_profit(tmp_path: Path) -> None:
    pairs = (group("A/USDT", -13.561), group("B/USDT", 0, wins=0, losses=0), group("C/USDT", 65.9))
    store(tmp_path, *pairs, exit_reasons=(group("roi", 52.339, wins=4, losses=0),))

    by_pair, by_reason = summary_tables(tmp_path)

    assert by_pair.heads == ("pair", "trades", "profit", "win rate")
    assert by_pair.rows == (
        ("C/USDT", "2", "+65.90 USDT", "50.0 %"),
        ("A/USDT", "2", "\N{MINUS SIGN}13.56 USDT", "50.0 %"),
    )
    assert by_reason.heads == ("exit reason", "trades", "profit")
    assert by_reason.rows == (("roi", "4", "+52.34 USDT"),)


def test_of_many_pairs_the_best_and_the_worst_are_shown_and_the_sum_of_the_others(
    tmp_path: Path,
) -> None:
    store(tmp_path, *(group(f"{i:02}/USDT", 20 - i, wins=1, losses=3) for i in range(13)))

    (table,) = summary_tables(tmp_path)

    names = [row[0] for row in table.rows]
    assert names[:6] == ["00/USDT", "01/USDT", "02/USDT", "03/USDT", "04/USDT", "and 3 more"]
    assert names[6:] == ["08/USDT", "09/USDT", "10/USDT", "11/USDT", "12/USDT"]
    assert table.rows[5] == ("and 3 more", "12", "+42.00 USDT", "25.0 %")


@pytest.mark.parametrize("count", [10, 11])
def test_no_pair_is_left_out_for_a_sum_that_takes_its_row(tmp_path: Path, count: int) -> None:
    store(tmp_path, *(group(f"{i:02}/USDT", 20 - i) for i in range(count)))

    (table,) = summary_tables(tmp_path)

    assert [row[0] for row in table.rows] == [f"{i:02}/USDT" for i in range(count)]


def test_a_long_exit_reason_leaves_the_numbers_in_sight(tmp_path: Path) -> None:
    store(tmp_path, exit_reasons=(group("x" * 100_000, 5),))

    (table,) = summary_tables(tmp_path)

    assert table.rows == ((f"{'x' * 40}\N{HORIZONTAL ELLIPSIS}", "2", "+5.0000 USDT"),)


def test_a_run_without_exit_reasons_has_the_table_of_its_pairs(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(later())

    (table,) = summary_tables(tmp_path)

    assert table.rows == (("A/USDT", "2", "+5.0000 USDT", "50.0 %"),)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", None, '{"currency": "USDT", "pairs": {}}', '{"currency": "USDT", "pairs": 3}'),
        '{"currency": "USDT", "pairs": {"name": ["A"]}}',
        later(name=5),
        later(wins="1"),
        later(trades=[2, 1]),
        "[" * 100_000,
    ],
)
def test_a_run_without_such_data_has_no_tables(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "report.json").write_text(text)

    assert not list(summary_tables(tmp_path))
