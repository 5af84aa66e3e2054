"""`hyperopt list` and `hyperopt show`, on epochs as the engine writes them."""

import csv
import io
import json
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradai.core import FileJournal, TradingMode
from tradai.entrypoint import Interrupts, RunManifest
from tradai.entrypoint._cli import run_command

Call = Callable[..., tuple[int, str, str]]
START = datetime(2025, 1, 1, tzinfo=UTC)


def line(number: int, loss: float, trades: int, profit: float) -> str:
    metrics = {"total_trades": trades, "profit_total": profit, "max_drawdown_account": number / 100}
    values = {
        "loss": loss,
        "current_epoch": number,
        "params_details": {"buy": {"fast": 10 * number}},
        "results_metrics": metrics,
    }
    return f"{json.dumps(values)}\n"


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command on the runs `h`, a hyperopt, and `empty`, one without epochs."""
    for name in ("h", "empty"):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        record = RunManifest(
            state="ended",
            run_id=name,
            trace_id=name,
            mode=TradingMode.HYPEROPT,
            started_at=START,
            ended_at=START,
            exit_code=0,
            verdict="done",
        )
        (folder / "manifest.json").write_text(record.as_json())
    epochs = [
        line(1, 3.0, 40, -0.01),
        line(2, 1.0, 5, 0.02),
        line(3, 100_000.0, 0, 0.0),
        line(4, 2.0, 60, 0.03),
    ]
    (tmp_path / "runs/h/epochs.jsonl").write_text("".join(epochs))
    (tmp_path / "runs/h/best.yaml").write_text("buy_params:\n  fast: 20\n")

    def run(*words: str) -> tuple[int, str, str]:
        places = ("--runs", str(tmp_path / "runs"))
        code = run_command(["hyperopt", *words, *places], interrupts=Interrupts())
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def numbers(call: Call, *words: str) -> list[int]:
    code, out, _ = call("list", "h", "--json", *words)
    assert code == 0
    epochs: list[dict[str, Any]] = json.loads(out)
    return [each["epoch"] for each in epochs]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [2, 4, 1, 3]),
        (("--sort", "profit"), [4, 2, 3, 1]),
        (("--sort", "drawdown"), [1, 2, 3, 4]),
        (("--sort", "trades"), [4, 1, 2, 3]),
        (("--sort", "epoch"), [1, 2, 3, 4]),
        (("--min-trades", "40"), [4, 1]),
        (("--max-trades", "5"), [2, 3]),
        (("--profitable",), [2, 4]),
        (("--first", "1"), [2]),
    ],
)
def test_epochs_are_sorted_and_chosen(
    call: Call, words: tuple[str, ...], expected: list[int]
) -> None:
    assert numbers(call, *words) == expected


def test_the_table_has_a_column_for_each_parameter(call: Call) -> None:
    _, out, _ = call("list", "h")

    head, first, *_ = out.splitlines()
    names = ["epoch", "loss", "trades", "profit", "closed drawdown", "buy.fast"]
    assert re.split(r"  +", head.strip()) == names
    assert first.split() == ["2", "1", "5", "+2.00", "%", "\u22122.00", "%", "20"]


def test_the_csv_has_no_loss_for_an_epoch_that_was_not_ranked(call: Call) -> None:
    _, out, _ = call("list", "h", "--csv")

    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["loss"] for row in rows] == ["1.0", "2.0", "3.0", ""]
    assert rows[0]["profit_percent"] == "2.0"


def test_the_best_epoch_is_shown_with_its_patch(call: Call, tmp_path: Path) -> None:
    _, out, _ = call("show", "h")

    rows = [line.split(maxsplit=1) for line in out.splitlines()]
    assert rows[:4] == [["result", "h"], ["epoch", "2"], ["loss", "1"], ["trades", "5"]]
    assert rows[4] == ["profit", "+2.00 %"]
    assert rows[5] == ["closed", "drawdown  \N{MINUS SIGN}2.00 %"]
    assert rows[6] == ["buy.fast", "20"]
    assert str(tmp_path / "runs/h/best.yaml") in out
    assert "best.yaml" not in call("show", "h", "4")[1]


def test_an_epoch_is_shown_as_json(call: Call) -> None:
    _, out, _ = call("show", "h", "3", "--json")

    assert json.loads(out) == {
        "epoch": 3,
        "loss": None,
        "trades": 0,
        "profit_percent": 0.0,
        "max_drawdown_percent": 3.0,
        "parameters": {"buy.fast": 30},
    }


@pytest.mark.parametrize("words", [("show", "h", "9"), ("list", "empty"), ("show", "none")])
def test_an_epoch_or_run_that_is_not_there_is_refused_by_name(
    call: Call, words: tuple[str, ...]
) -> None:
    code, out, err = call(*words)

    assert (code, out) == (65, "")
    assert words[-1] in err


def test_an_empty_choice_is_said(call: Call) -> None:
    assert call("list", "h", "--min-trades", "99")[1] == "none of 4 epochs is as asked for\n"


def test_the_table_of_a_search_for_roi_has_one_column_for_it(call: Call, tmp_path: Path) -> None:
    epochs = [json.loads(line(number, -number, 40, 0.01)) for number in (1, 2)]
    for number, each in enumerate(epochs, start=1):
        each["params_details"]["roi"] = {"0": 0.5, str(40 + number): 0.1, str(90 + number): 0}
    text = "".join(f"{json.dumps(each)}\n" for each in epochs)
    (tmp_path / "runs/h/epochs.jsonl").write_text(text)

    head, first, *_ = call("list", "h")[1].splitlines()
    best, _ = csv.DictReader(io.StringIO(call("list", "h", "--csv")[1]))

    assert head.split()[-2:] == ["buy.fast", "roi"]
    assert first.endswith("0 0.5, 42 0.1, 92 0")
    assert json.loads(best["roi"]) == {"0": 0.5, "42": 0.1, "92": 0}


@pytest.mark.parametrize("has_process", [False, True])
def test_the_epochs_of_a_run_that_did_not_end_are_read_where_the_engine_wrote_them(
    call: Call, tmp_path: Path, *, has_process: bool
) -> None:
    run = tmp_path / "runs/h"
    manifest = run / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "state": "running"}))
    results = run / "scratch/user_data/hyperopt_results"
    results.mkdir(parents=True)
    (run / "epochs.jsonl").unlink()
    # The process died while it wrote the third.
    lines = line(1, 3.0, 40, -0.01), line(2, 1.0, 50, 0.02), line(3, 0.5, 60, 0.04)[:40]
    (results / "strategy_X.fthypt").write_text("".join(lines))

    with closing(FileJournal(run / "journal.jsonl")) as journal:
        journal.append("run started")
        if not has_process:
            journal.close()
        _, out, err = call("list", "h", "--json")
        shown = call("show", "h")[1]

    assert [each["epoch"] for each in json.loads(out)] == [2, 1]
    assert (
        err
        == f"note: run 'h' {'goes on' if has_process else 'was killed'}; it has 2 epochs so far\n"
    )
    assert "buy.fast" in shown
