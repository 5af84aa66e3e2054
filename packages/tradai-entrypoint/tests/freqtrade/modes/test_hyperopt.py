"""HYPEROPT from start to verdict, on a stand-in for the engine that is a process of its own."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode

LOGS = Path(__file__).resolve().parent.parent / "evidence/engine_log"
HYPEROPT = TradingMode.HYPEROPT

Run = Callable[..., Any]


def epoch(number: int, loss: float, *, trades: int = 90, **details: object) -> dict[str, Any]:
    """A line of the engine's file, cut down to what is read."""
    return {
        "loss": loss,
        "current_epoch": number,
        "params_details": details or {"buy": {"buy_fast": 5}},
        "results_metrics": {"total_trades": trades, "profit_total": -0.0021},
        "fthypt_fileversion": 2,
    }


EVERY_SPACE: dict[str, Any] = {
    "buy": {"buy_fast": 5},
    "roi": {"0": 0.03, "60": 0.01},
    "stoploss": {"stoploss": -0.08},
    "trailing": {"trailing_stop": True, "trailing_stop_positive": 0.02},
    "max_open_trades": {"max_open_trades": 3},
}


def test_a_search_leaves_its_epochs_and_the_best_as_a_patch(run: Run) -> None:
    details = EVERY_SPACE | {"sell": {"sell_slow": 40}}
    epochs = [epoch(1, 6.5), epoch(2, 2.25, **details), epoch(3, 100_000, trades=0)]

    done = run(HYPEROPT, "run.epochs=3", epochs=epochs)

    manifest = done.manifest
    assert done.code == manifest.exit_code == ExitCode.DONE
    assert done.verdict == (
        f"epoch 2 is best; run with --patch {done.folder / 'best.yaml'} to use it"
    )
    assert done.events == ["run started", "engine starting", "engine ended", "run ended"]
    assert manifest.results == {
        "ranked_epochs": 2,
        "best_loss": 2.25,
        "epoch_2": "loss 2.25, 90 trades, profit -0.21 %",
        "epoch_1": "loss 6.5, 90 trades, profit -0.21 %",
    }
    assert tuple(manifest.artifacts) == ("epochs.jsonl", "best.yaml")
    lines = (done.folder / "epochs.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == epochs
    assert "sell_params:\n  sell_slow: 40\n" in (done.folder / "best.yaml").read_text()


def test_the_patch_is_accepted_by_the_next_run(run: Run) -> None:
    found = run(HYPEROPT, epochs=[epoch(1, 1.0, **EVERY_SPACE)])

    used = run(TradingMode.BACKTEST, patches=(str(found.folder / "best.yaml"),))

    execution = used.manifest.config["execution"]
    assert used.code == ExitCode.DONE
    assert used.manifest.config["buy_params"] == {"buy_fast": 5}
    assert used.given["config"]["stoploss"] == -0.08
    assert used.given["config"]["minimal_roi"] == {"0": 0.03, "60": 0.01}
    assert used.given["config"]["trailing_stop_positive"] == 0.02
    assert isinstance(execution, dict)
    assert execution["max_open_trades"] == 3


def test_the_search_is_given_its_parameters(run: Run) -> None:
    done = run(
        HYPEROPT,
        *("run.epochs=7", "run.spaces=[buy, roi]", "run.random_state=5", "run.jobs=2"),
        "run.loss=CalmarHyperOptLoss",
        epochs=[epoch(1, 1.0)],
    )

    words = " ".join(done.given["arguments"])
    assert words.startswith("hyperopt --config - ")
    assert "--epochs 7 --spaces buy roi --hyperopt-loss CalmarHyperOptLoss" in words
    assert "--random-state 5 --job-workers 2 --disable-param-export" in words


@pytest.mark.parametrize("loss", [100_000, float("inf"), float("nan")])
def test_a_search_without_an_epoch_worth_ranking_has_no_patch(run: Run, loss: float) -> None:
    done = run(HYPEROPT, epochs=[epoch(1, loss, trades=0)])

    assert done.code == ExitCode.RESULT
    assert "no epoch of the hyperopt made enough trades" in done.verdict
    assert "best.yaml" not in done.files
    assert tuple(done.manifest.artifacts) == ("epochs.jsonl",)


def test_a_loss_in_stake_currency_may_be_greater_than_that_of_an_epoch_without_trades(
    run: Run,
) -> None:
    done = run(HYPEROPT, epochs=[epoch(1, 250_000.5), epoch(2, 100_000), epoch(3, 180_000)])

    assert done.code == ExitCode.DONE
    assert done.verdict.startswith("epoch 3 is best")
    assert "<dt>best loss</dt><dd>180,000</dd>" in (done.folder / "report.html").read_text()
    assert done.manifest.results["ranked_epochs"] == 2


def test_of_two_epochs_that_are_as_good_the_first_is_best(run: Run) -> None:
    done = run(HYPEROPT, epochs=[epoch(4, 1.5), epoch(2, 1.5)])

    assert done.verdict.startswith("epoch 2 is best")


def test_only_the_best_epochs_are_shown(run: Run) -> None:
    done = run(HYPEROPT, epochs=[epoch(number, 10.0 - number) for number in range(1, 8)])

    shown = [name for name in done.manifest.results if name.startswith("epoch_")]
    assert shown == ["epoch_7", "epoch_6", "epoch_5", "epoch_4", "epoch_3"]
    assert done.manifest.results["ranked_epochs"] == 7


def test_epochs_that_cannot_be_read_are_a_missing_result(run: Run) -> None:
    done = run(HYPEROPT, epochs=[{"loss": 1.0}])

    assert done.code == ExitCode.RESULT
    assert "cannot be read: KeyError" in done.verdict


def test_an_unknown_loss_is_a_configuration_error(run: Run) -> None:
    said = (LOGS / "hyperopt-loss-unknown.txt").read_text().splitlines()

    done = run(HYPEROPT, says=said, exit_code=2)

    assert done.code == ExitCode.CONFIGURATION
    assert "'NopeLoss'" in done.verdict


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ({"signals_parent": int(signal.SIGTERM), "waits": True}, ExitCode.TERMINATED),
        ({"signals_parent": int(signal.SIGINT), "waits": True}, ExitCode.INTERRUPTED),
        ({"killed_by": int(signal.SIGKILL)}, ExitCode.CRASHED),
        ({"exit_code": 1}, ExitCode.CRASHED),
    ],
    ids=["SIGTERM", "Ctrl-C", "killed", "failed"],
)
def test_a_search_that_did_not_finish_keeps_its_epochs_and_the_best_so_far(
    run: Run, end: dict[str, Any], expected: ExitCode
) -> None:
    done = run(HYPEROPT, epochs=[epoch(1, 6.5), epoch(2, 2.25, **EVERY_SPACE)], **end)

    assert done.code == expected
    assert "; of the epochs so far, epoch 2 is best; run with --patch" in done.verdict
    assert tuple(done.manifest.artifacts) == ("epochs.jsonl", "best.yaml")
    assert done.manifest.results["is_partial"]
    assert done.manifest.results["ranked_epochs"] == 2
    assert len((done.folder / "epochs.jsonl").read_text().splitlines()) == 2
    patch = (done.folder / "best.yaml").read_text()
    assert patch.startswith("# partial: ")
    assert yaml.safe_load(patch)["execution"]["stoploss"] == -0.08


def test_a_search_that_did_not_finish_may_have_no_usable_epoch(run: Run) -> None:
    done = run(HYPEROPT, epochs=[{"loss": 1.0}], exit_code=1)

    assert done.code == ExitCode.CRASHED
    assert tuple(done.manifest.artifacts) == ("epochs.jsonl",)


def test_a_search_is_stopped_when_all_missing_candles_are_known(run: Run) -> None:
    said = (LOGS / "informative-missing.txt").read_text().splitlines()

    done = run(HYPEROPT, says=said, epochs=[epoch(1, 1.0)], waits=True)

    assert done.code == ExitCode.DATA
    assert "XRP/USDT" in done.verdict
    assert "best.yaml" in done.files
