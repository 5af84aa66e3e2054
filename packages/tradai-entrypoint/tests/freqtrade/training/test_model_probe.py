"""Digests of the predictions of models, as the probe makes them."""

import json
import math
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tradai.entrypoint.freqtrade._training.model_probe import main, probe
from tradai.entrypoint.freqtrade._training.record import TrainingRecord

if TYPE_CHECKING:
    import pandas as pd


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

    assert (one["models"], one["others"]) == (2, 0)
    assert one == probe(trained(tmp_path / "again", Model(1.0), Model(2.0)))
    assert one["digest"] != probe(trained(tmp_path / "other", Model(1.0), Model(3.0)))["digest"]
    assert one["digest"] != probe(trained(tmp_path / "turned", Model(2.0), Model(1.0)))["digest"]


@pytest.mark.parametrize("suffix", ["zip", "h5"])
def test_models_in_the_form_of_their_own_library_are_counted_apart(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", pickle)
    folder = trained(tmp_path, Model(1.0))
    before = probe(folder)
    (folder / f"sub-train-0/cb_9_model.{suffix}").write_bytes(b"weights")

    assert probe(folder) == {**before, "models": 1, "others": 1}


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


class Doubled:
    """A transformation that has models learn twice each label."""

    def inverse_transform(self, labels: "pd.DataFrame") -> "tuple[pd.DataFrame, None, None]":
        return labels / 2, None, None


class Chooser(Classifier):
    """A classifier that knows its classes, as those of scikit-learn do."""

    classes_ = ("down", "up")


def keep(folder: Path, name: str, pair: str, **tables: "pd.DataFrame") -> None:
    """Keep of a training what the recorder in the engine's process keeps."""
    import pandas as pd

    folder.mkdir(exist_ok=True)
    kept = {
        "pair": pair,
        "seconds": 0.5,
        "first": "2025-01-01T00:00:00+00:00",
        "last": "2025-01-02T00:00:00+00:00",
        "rows": 4,
        "labels": ["&-rise"],
        "train_labels": pd.DataFrame({"&-rise": [1.0, 4.0]}),
        "test_labels": pd.DataFrame({"&-rise": [6.0]}, index=[7]),
        "test_features": pd.DataFrame({"first": [3.0]}, index=[7]),
        **tables,
    }
    (folder / f"{name}.pkl").write_bytes(pickle.dumps(kept))


def test_models_are_measured_by_what_was_kept_of_their_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", pickle)
    models = trained(tmp_path / "models", Model(1.0), Model(2.0))
    for number in range(2):
        pipeline = models / f"sub-train-{number}" / f"cb_{number}_label_pipeline.pkl"
        pipeline.write_bytes(pickle.dumps(Doubled()))
    # Of the first model nothing was kept.
    keep(tmp_path / "kept", "cb_1", "BTC/USDT")

    main(str(models), str(tmp_path / "kept"))

    answer = json.loads(capsys.readouterr().out)
    assert answer["models"] == 2
    assert answer["digest"] == probe(models)["digest"]
    record = TrainingRecord.model_validate(answer["training"])
    (model,) = record.models
    assert (model.name, model.pair, model.seconds) == ("cb_1", "BTC/USDT", 0.5)
    assert (model.rows, model.train_rows, model.test_rows, model.features) == (4, 2, 1, 1)
    # It predicts 2 and 4 of 1 and 4, and 6 of 6; labels are half of what is learnt.
    (errors,) = model.errors
    assert errors.train == pytest.approx(math.sqrt(0.5**2 / 2))
    assert errors.test == 0.0
    assert errors.test_baseline == pytest.approx(3 - 1.25)
    assert record.kind == "Model"
    assert record.features == {"BTC/USDT": ("first",)}
    assert record.importances == ()


def test_a_classifier_is_measured_by_its_wrong_classes_and_without_a_transformation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    monkeypatch.setitem(sys.modules, "cloudpickle", pickle)
    models = trained(tmp_path / "models", Chooser(["down", "up"]))
    (models / "sub-train-0/cb_0_label_pipeline.pkl").write_bytes(pickle.dumps(Doubled()))
    labels = {"train_labels": ["up", "up"], "test_labels": ["down"]}
    keep(
        tmp_path / "kept",
        "cb_0",
        "BTC/USDT",
        **{name: pd.DataFrame({"&-rise": values}) for name, values in labels.items()},
    )

    main(str(models), str(tmp_path / "kept"))

    record = TrainingRecord.model_validate(json.loads(capsys.readouterr().out)["training"])
    (errors,) = record.models[0].errors
    # It says up to odd numbers: of the train rows 1 and 2, and the test row 3.
    assert (errors.measure, errors.train, errors.test) == ("error rate", 0.5, 1.0)
