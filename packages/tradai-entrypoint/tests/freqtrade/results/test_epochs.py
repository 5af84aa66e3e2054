"""Epochs of a hyperopt are read from the lines that the engine wrote."""

import json
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint.freqtrade import read_epochs
from tradai.entrypoint.freqtrade._results.epochs import EpochProgress

METRICS = {"total_trades": 3, "profit_total": 0.1}
WHOLE = json.dumps(
    {"loss": -1.0, "current_epoch": 1, "results_metrics": METRICS, "params_details": {}}
)


@pytest.mark.parametrize("line", [WHOLE[:40], "[]", "{}", "7", "[" * 1_000_000])
def test_a_line_that_is_cut_is_named_with_what_to_do(tmp_path: Path, line: str) -> None:
    path = tmp_path / "epochs.jsonl"
    path.write_text(f"{WHOLE}\n{line}")

    with pytest.raises(StorageError) as caught:
        read_epochs(path)

    assert str(caught.value) == (
        f"line 2 of {path} is not a whole epoch: get the file again, or remove that line to read "
        "the other epochs"
    )


def test_whole_lines_are_epochs_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "epochs.jsonl"
    path.write_text(f"{WHOLE}\n{WHOLE.replace(': 1,', ': 2,')}\n")

    assert [epoch.number for epoch in read_epochs(path)] == [1, 2]


def test_epochs_are_counted_while_their_lines_are_written(tmp_path: Path) -> None:
    path = tmp_path / "epochs.fthypt"
    progress = EpochProgress(lambda: path if path.exists() else None)
    assert not progress.read()
    # The engine writes no spaces, and the loss first.
    losses = ("100000", "0.5", "-2.5e-1", "0.75")
    text = "".join(f"{WHOLE.replace(' ', '').replace('-1.0', loss)}\n" for loss in losses)
    seen = []

    for byte in text:
        with path.open("a") as file:
            file.write(byte)
        if progress.read():
            seen.append(progress.sentence(9))

    assert seen == [
        "epoch 1 of 9, none ranked yet",
        "epoch 2 of 9, best loss 0.5",
        "epoch 3 of 9, best loss -0.25",
        "epoch 4 of 9, best loss -0.25",
    ]
    assert not progress.read()


def test_epochs_without_a_loss_at_the_beginning_are_counted_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "epochs.fthypt"
    path.write_text('{"other":1}\n{"loss":1-2}\nhalf')
    progress = EpochProgress(lambda: path)

    assert progress.read()
    assert progress.sentence(2) == "epoch 2 of 2, none ranked yet"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"the hyperopt result .*epochs\.jsonl cannot be read"):
        read_epochs(tmp_path / "epochs.jsonl")
