"""TRAIN from start to verdict, on a stand-in for the engine that is a process of its own."""

import pickle
import signal
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tradai.core import TradingMode
from tradai.core.testing import MemoryTracker
from tradai.entrypoint import ExitCode
from tradai.entrypoint.freqtrade._modes.model_probe import probe

if TYPE_CHECKING:
    import pandas as pd

TRAIN = TradingMode.TRAIN
MODELS = {
    "waves/sub-train-BTC_1735689600/cb_btc_1735689600_model.joblib": "model of BTC",
    "waves/sub-train-ETH_1735689600/cb_eth_1735689600_model.joblib": "model of ETH",
    "waves/pair_dictionary.json": "{}",
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


class Model:
    """Predicts a multiple of its first feature."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def predict(self, features: "pd.DataFrame") -> "pd.Series[float]":
        return features["first"] * self.factor


class Classifier:
    """Predicts the name of a class."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def predict(self, features: "pd.DataFrame") -> list[str]:
        return [self.names[round(value) % len(self.names)] for value in features["first"]]


def trained(folder: Path, *models: object) -> Path:
    import pandas as pd

    for number, model in enumerate(models):
        stem = folder / f"sub-train-{number}" / f"cb_{number}"
        stem.parent.mkdir(parents=True)
        Path(f"{stem}_model.joblib").write_bytes(pickle.dumps(model))
        pd.DataFrame({"first": [1.0, 2.0]}).to_pickle(f"{stem}_trained_df.pkl")
    return folder


def test_the_probe_digests_what_every_model_predicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Models are read with cloudpickle, which writes pickles that pickle reads as well.
    monkeypatch.setitem(sys.modules, "cloudpickle", pickle)
    one = probe(trained(tmp_path / "one", Model(1.0), Model(2.0)))

    assert one["models"] == 2
    assert one == probe(trained(tmp_path / "again", Model(1.0), Model(2.0)))
    assert one["digest"] != probe(trained(tmp_path / "other", Model(1.0), Model(3.0)))["digest"]
    assert one["digest"] != probe(trained(tmp_path / "turned", Model(2.0), Model(1.0)))["digest"]


def test_the_probe_digests_the_names_of_classes_that_a_classifier_predicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", pickle)
    one = probe(trained(tmp_path / "one", Classifier(["down", "up"])))

    assert one == probe(trained(tmp_path / "again", Classifier(["down", "up"])))
    assert one["digest"] != probe(trained(tmp_path / "other", Classifier(["up", "down"])))["digest"]
    assert (
        one["digest"] != probe(trained(tmp_path / "joined", Classifier(["downu", "p"])))["digest"]
    )
