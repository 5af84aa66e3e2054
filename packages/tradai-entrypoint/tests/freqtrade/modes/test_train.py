"""TRAIN from start to verdict, on a stand-in for the engine that is a process of its own."""

import json
import shutil
import signal
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.core.testing import MemoryTracker
from tradai.entrypoint import ExitCode, RunManifest
from tradai.entrypoint._report.data import report_data
from tradai.entrypoint.freqtrade import recorded_parts

TRAIN = TradingMode.TRAIN
MODELS = {
    "waves/sub-train-BTC_1735689600/cb_btc_1735689600_model.joblib": "model of BTC",
    "waves/sub-train-ETH_1735689600/cb_eth_1735689600_model.joblib": "model of ETH",
    "waves/pair_dictionary.json": "{}",
}
# Errors of a training of the real engine: two pairs, two models each.
TRAINING: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parent.parent / "training/data/training.json").read_text()
)
MEASURED = {
    f"waves/sub-train-{model['name']}/{model['name']}_model.joblib": "a model"
    for model in TRAINING["models"]
}

Run = Callable[..., Any]


@pytest.fixture
def train(run: Run, strategy: Path) -> Run:
    """Train with FreqAI's settings laid over the configuration."""
    patch = str(strategy.parent / "freqai.yaml")
    return partial(run, TRAIN, patches=(patch,))


def test_a_training_leaves_models_that_predict_the_same_when_loaded_again(train: Run) -> None:
    done = train(models=MODELS)

    manifest = done.manifest
    assert done.code == manifest.exit_code == ExitCode.DONE
    assert done.verdict == "2 models trained; loaded again, each predicts the same"
    assert done.events == ["run started", "engine starting", "engine ended", "run ended"]
    assert manifest.results["models"] == 2
    assert manifest.results["trades"] == 12
    assert manifest.digests["models"] == "model of BTC"
    assert tuple(manifest.artifacts) == (
        "trades.parquet",
        "candles.parquet",
        "engine-result.zip",
        "models",
    )
    kept = {str(path.relative_to(done.folder / "models")) for path in done.folder.rglob("*_*.j*")}
    assert kept == MODELS.keys()


def test_a_training_is_tracked_with_its_models(train: Run, tracker: MemoryTracker) -> None:
    train(models=MODELS)

    seen = tracker.views["run-0"]
    models = {name for name in seen.artifacts if name.startswith("models/")}
    assert models == {f"models/{name}" for name in MODELS}
    assert seen.tags["tradai.digest.models"] == "model of BTC"


def test_a_repeated_training_says_whether_models_and_trades_are_the_same(
    train: Run, captured: dict[str, Any]
) -> None:
    first = train(models=MODELS)
    other = deepcopy(captured)
    other["strategy"]["WaveRider"]["trades"].pop()
    others = dict.fromkeys(MODELS, "another model")

    again = train(models=MODELS, replay=first.folder)
    other_trades = train(models=MODELS, result=other, replay=first.folder)
    other_models = train(models=others, replay=first.folder)

    assert again.code == ExitCode.DONE
    assert again.verdict.endswith("predicts the same, the same trades as run run-0")
    assert other_trades.code == other_models.code == ExitCode.MISMATCH
    assert "trade 12 is missing" in other_trades.verdict
    assert "run run-0 trained models that predict otherwise" in other_models.verdict


def test_a_training_without_trades_says_what_is_known_of_its_signals(
    train: Run, captured: dict[str, Any]
) -> None:
    nothing = deepcopy(captured)
    figures = {"trades": [], "total_trades": 0, "final_balance": 1000, "rejected_signals": 7}
    nothing["strategy"]["WaveRider"] |= figures

    done = train(models=MODELS, result=nothing)

    assert done.code == ExitCode.DONE
    assert "; no trades: 7 entry signals found no free slot" in done.verdict


def test_the_engine_keeps_its_models(train: Run) -> None:
    done = train(models=MODELS)

    assert done.given["config"]["freqai"]["save_backtest_models"] is True
    assert done.given["config"]["config_files"] == ["strategies/wave_rider.py"]
    assert "--freqaimodel LightGBMRegressor" in " ".join(done.given["arguments"])
    assert done.given["arguments"][0] == "backtesting"


def test_a_training_without_a_model_has_no_result(train: Run) -> None:
    done = train(models={"waves/pair_dictionary.json": "{}"})

    assert done.code == ExitCode.RESULT
    assert "without a result" in done.verdict
    assert "models" not in done.files


def test_a_training_without_a_backtest_has_no_result(train: Run) -> None:
    done = train(models=MODELS, result=None)

    assert done.code == ExitCode.RESULT
    assert "no usable backtest result of WaveRider" in done.verdict


def test_a_model_that_could_not_be_trained_is_bad_data(train: Run) -> None:
    log = Path(__file__).resolve().parent.parent / "evidence/engine_log" / "model-untrained.txt"
    said = [line for line in log.read_text().splitlines() if "No history" not in line]

    done = train(models=MODELS, says=[line for line in said if "No data found" not in line])

    assert done.code == ExitCode.DATA
    assert "Training BTC/USDT raised exception" in done.verdict
    assert tuple(done.manifest.artifacts) == (
        "trades.parquet",
        "candles.parquet",
        "engine-result.zip",
        "models",
    )
    assert done.manifest.results["is_partial"]


def test_nothing_trainable_is_bad_data_and_not_a_missing_result(train: Run) -> None:
    log = Path(__file__).resolve().parent.parent / "evidence/engine_log" / "model-untrained.txt"
    said = [line for line in log.read_text().splitlines() if "No history" not in line]

    done = train(says=[line for line in said if "No data found" not in line])

    assert done.code == ExitCode.DATA
    assert "all training data dropped due to NaNs" in done.verdict


def test_an_interrupted_training_keeps_the_models_it_has(train: Run) -> None:
    done = train(models=MODELS, signals_parent=int(signal.SIGINT), waits=True, result=None)

    assert done.code == ExitCode.INTERRUPTED
    assert tuple(done.manifest.artifacts) == ("models",)
    assert done.manifest.results["is_partial"]
    assert len(list((done.folder / "models").rglob("*_model.joblib"))) == 2


@pytest.mark.parametrize(
    ("probe", "why"),
    [("differs", "the predictions differ"), ("fails", "No module named 'lightgbm'")],
)
def test_models_that_do_not_predict_the_same_twice_are_not_trusted(
    train: Run, probe: str, why: str
) -> None:
    done = train(models=MODELS, probe=probe)

    assert done.code == ExitCode.RESULT
    assert "cannot be trusted" in done.verdict
    assert why in done.verdict
    assert "models" not in done.manifest.digests


def test_a_signal_while_the_models_are_proven_ends_the_run_and_keeps_them(
    train: Run, tell: Callable[[int], Callable[[], None]]
) -> None:
    done = train(
        models=MODELS,
        reactions={"loading the models a second time": tell(signal.SIGTERM)},
    )

    assert done.code == ExitCode.TERMINATED
    assert tuple(done.manifest.artifacts) == (
        "trades.parquet",
        "candles.parquet",
        "engine-result.zip",
        "models",
    )
    assert "models" not in done.manifest.digests


def test_a_strategy_without_freqai_is_refused_before_the_engine_is_started(run: Run) -> None:
    done = run(TRAIN, models=MODELS)

    assert done.code == ExitCode.CONFIGURATION
    assert "freqai.enabled" in done.verdict
    assert done.given is None


def test_the_errors_of_the_models_are_recorded_and_cautions_are_noticed(train: Run) -> None:
    done = train(models=MEASURED, training=TRAINING)

    assert done.code == ExitCode.DONE
    assert json.loads((done.folder / "training.json").read_text()) == TRAINING
    assert "training.json" in done.manifest.artifacts
    assert done.manifest.results["models_better_than_baseline"] == 1
    assert done.manifest.results["test_error_ratio"] == 1.1443
    assert any("on test rows no better than" in each for each in done.manifest.notices)
    assert not any("are not known" in each for each in done.manifest.notices)
    assert json.loads((done.folder / "report.json").read_text())["training"] == TRAINING
    page = (done.folder / "report.html").read_text()
    assert page.index("Train and test error") < page.index("Exit reasons")


def test_a_page_is_made_again_without_the_models(train: Run) -> None:
    done = train(models=MEASURED, training=TRAINING)
    shutil.rmtree(done.folder / "models")
    notices = list(done.manifest.notices)

    record = RunManifest.read(done.folder)
    parts = recorded_parts(done.folder, record)

    assert parts
    assert report_data(parts) == (done.folder / "report.json").read_text()
    assert record.notices == notices


def test_a_training_of_an_earlier_version_has_the_page_of_its_backtest(train: Run) -> None:
    done = train(models=MEASURED, training=TRAINING)
    (done.folder / "training.json").unlink()

    parts = recorded_parts(done.folder, RunManifest.read(done.folder))

    assert parts
    assert parts.trades
    assert "training" not in parts.numbers


def test_models_that_cannot_be_measured_are_proven_all_the_same(train: Run) -> None:
    done = train(models=MODELS, training=None)

    assert done.code == ExitCode.DONE
    assert "training.json" not in done.files
    assert "train and test errors are not known: ModuleNotFoundError" in str(done.manifest.notices)


def test_models_whose_training_was_not_recorded_are_counted(train: Run) -> None:
    three = {**TRAINING, "models": TRAINING["models"][:3]}

    done = train(models=MEASURED, training=three)

    assert "train and test errors of 1 of 4 models are not known" in done.manifest.notices


def test_the_reason_for_which_no_training_was_recorded_is_said_with_the_engine(train: Run) -> None:
    done = train(models=MODELS, unrecorded="FreqAI lacks save_data")

    assert done.code == ExitCode.DONE
    assert (
        "train and test errors of 2 of 2 models are not known: FreqAI lacks save_data, with "
        "freqtrade 2026.9"
    ) in done.manifest.notices


def test_models_that_are_not_joblib_are_counted_and_said_to_be_without_proof(train: Run) -> None:
    stored = "waves/sub-train-SOL_1735689600/cb_sol_1735689600_model.zip"

    done = train(models={**MODELS, stored: "weights"})

    assert done.code == ExitCode.DONE
    assert done.manifest.results["models"] == 3
    assert done.manifest.digests["models"] == "model of BTC"
    assert "3 models trained; 1 without proof: stored in the form of the library" in done.verdict
    assert "predicts the same" not in done.verdict
    assert "train and test errors of 3 of 3 models are not known" in done.manifest.notices


def test_a_training_without_a_joblib_model_has_no_digest_of_predictions(train: Run) -> None:
    stored = {"waves/sub-train-BTC_1735689600/cb_btc_1735689600_model.zip": "weights"}

    first = train(models=stored)
    again = train(models=stored, replay=first.folder)

    assert "1 model trained; 1 without proof: stored" in first.verdict
    assert "models" not in first.manifest.digests
    assert again.code == ExitCode.DONE


def test_models_are_measured_when_others_could_not_be_trained(train: Run) -> None:
    log = Path(__file__).resolve().parent.parent / "evidence/engine_log" / "model-untrained.txt"
    said = [line for line in log.read_text().splitlines() if "No history" not in line]

    done = train(
        models=MEASURED,
        training=TRAINING,
        says=[line for line in said if "No data found" not in line],
    )

    assert done.code == ExitCode.DATA
    assert "training.json" in done.files
    assert "models" not in done.manifest.digests
