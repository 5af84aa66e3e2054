"""Part of a report that shows the epochs of a hyperopt."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint.freqtrade import Epoch, recorded_parts
from tradai.entrypoint.freqtrade._pages.epochs_page import (
    FEW_TRADES,
    MOST_ROWS,
    epochs_parts,
    few_trades_warning,
)
from tradai.entrypoint.freqtrade._pages.importance import FEWEST_EPOCHS, importances

UNRANKED = 100_000.0


def epoch(number: int, loss: float, *, trades: int = 90, **values: object) -> Epoch:
    return Epoch(
        number=number,
        loss=loss,
        trades=trades,
        profit_ratio=-loss / 100,
        drawdown_ratio=0.01,
        details={"buy": values or {"fast": number}},
        exact={},
    )


def test_the_parameter_that_makes_the_loss_is_the_most_important() -> None:
    chance = np.random.default_rng(1)
    epochs = []
    for number in range(1, 201):
        fast, slow, mood = int(chance.integers(1, 41)), chance.random(), "ab"[number % 2]
        loss = 2 * fast + (5 if mood == "a" else 0) + chance.random()
        epochs.append(epoch(number, loss, fast=fast, slow=slow, mood=mood))

    shares = importances(epochs)

    assert next(iter(shares)) == "buy.fast"
    assert shares["buy.fast"] > 0.9
    assert shares["buy.slow"] < 0.1
    assert all(0 <= share <= 1 for share in shares.values())


def test_a_parameter_that_only_chance_links_to_the_loss_has_no_importance_on_average() -> None:
    chance = np.random.default_rng(2)
    shares = [
        importances([epoch(n, chance.random(), x=chance.random()) for n in range(60)])["buy.x"]
        for _ in range(30)
    ]

    assert sum(shares) / len(shares) < 0.06


def test_steps_of_roi_which_each_epoch_has_at_other_minutes_have_no_importance() -> None:
    epochs = [
        replace(epoch(n, float(n), fast=n % 5), details={"roi": {"0": n, str(n): 0.1}})
        for n in range(1, 41)
    ]

    assert importances(epochs) == {}


def test_a_parameter_with_one_value_is_left_out() -> None:
    epochs = [epoch(n, float(n), x=n % 2, fixed=3) for n in range(FEWEST_EPOCHS)]

    assert list(importances(epochs)) == ["buy.x"]


def test_few_epochs_have_no_importance() -> None:
    assert importances([epoch(n, float(n), x=n % 2) for n in range(FEWEST_EPOCHS - 1)]) == {}


@pytest.mark.parametrize(("trades", "has_warning"), [(FEW_TRADES - 1, True), (FEW_TRADES, False)])
def test_a_best_epoch_of_few_trades_is_warned_of(trades: int, *, has_warning: bool) -> None:
    assert (few_trades_warning(epoch(1, 0.0, trades=trades)) is not None) is has_warning


def test_the_page_has_the_best_first_and_those_not_ranked_last() -> None:
    parts = epochs_parts([epoch(1, 3.0), epoch(2, UNRANKED, trades=1), epoch(3, 1.0)])

    assert parts
    table = parts.sections[-1].content
    places = [table.index(f'<th scope="row">{number}</th>') for number in (3, 1, 2)]
    assert places == sorted(places)
    assert parts.highlights[0].value == "3"


def test_the_chart_has_each_ranked_epoch_and_the_best_so_far() -> None:
    parts = epochs_parts([epoch(2, 1.0), epoch(1, 3.0), epoch(3, 2.0), epoch(4, UNRANKED)])

    assert parts
    best, points = parts.curves[0].curves
    assert (list(best.at), list(best.values)) == ([1, 2, 3], [3.0, 1.0, 1.0])
    assert list(points.values) == [3.0, 1.0, 2.0]


def test_a_page_says_when_it_leaves_epochs_out() -> None:
    parts = epochs_parts([epoch(number, float(number)) for number in range(MOST_ROWS + 1)])

    assert parts
    assert f"The best {MOST_ROWS} of {MOST_ROWS + 1} epochs" in parts.sections[-1].content


def test_epochs_of_which_none_is_ranked_are_listed_without_a_chart() -> None:
    parts = epochs_parts([epoch(1, UNRANKED, trades=0)])

    assert parts
    assert not parts.curves
    assert [each.title for each in parts.sections] == ["Epochs"]
    assert epochs_parts([]) is None


def test_a_page_that_is_made_again_warns_of_few_trades_as_the_first_one_does(
    tmp_path: Path,
) -> None:
    metrics = {"total_trades": 3, "profit_total": 0.1}
    line = {"loss": -1.0, "current_epoch": 1, "results_metrics": metrics, "params_details": {}}
    (tmp_path / "epochs.jsonl").write_text(f"{json.dumps(line)}\n")
    record = RunManifest.model_validate(
        {
            "run_id": "run-1",
            "trace_id": "run-1",
            "mode": "hyperopt",
            "state": "ended",
            "started_at": "2026-01-02T00:00:00Z",
        }
    )

    for _ in range(2):
        assert recorded_parts(tmp_path, record)

    assert [notice for notice in record.notices if "made 3 trades" in notice] == record.notices
    assert len(record.notices) == 1
