"""Measure trained models: errors on train and test rows, importance of features."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from tradai.entrypoint.freqtrade._training.errors import LabelPipeline, label_errors
from tradai.entrypoint.freqtrade._training.importance import label_shares
from tradai.entrypoint.freqtrade._training.record import Importance, TrainedModel, TrainingRecord

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_PARTS: Final = "estimators_"


class Model(Protocol):
    """A trained model."""

    def predict(self, features: "pd.DataFrame") -> "npt.NDArray[np.generic]":
        """Return the predictions for rows of `features`."""


@final
class Measurement:
    """Measures one model after the other, each by what the recorder kept of its training."""

    def __init__(self, kept: Path) -> None:
        """Take the folder of the recorder."""
        self._kept = kept
        self._kind = ""
        self._models: list[TrainedModel] = []
        self._features: dict[str, tuple[str, ...]] = {}
        self._shares: dict[tuple[str, str, str], list[Mapping[str, float]]] = {}

    def add(
        self,
        name: str,
        model: Model,
        features: "pd.DataFrame",
        predicted: "npt.NDArray[np.generic]",
        pipeline: LabelPipeline,
    ) -> None:
        """Measure the model `name`; leave it out when nothing was kept of its training.

        Args:
            name: Stem of its files.
            model: The model.
            features: Its train rows.
            predicted: Its predictions for them.
            pipeline: FreqAI's transformation of the labels.
        """
        file = self._kept / f"{name}.pkl"
        if not file.is_file():
            return
        # The recorder in the engine's process wrote it, for the run that started this one.
        kept = pickle.loads(file.read_bytes())  # noqa: S301
        self._kind = _kind(model)
        self._models.append(_measured(name, kept, model, features, predicted, pipeline))
        self._add_features(kept, model, list(features.columns))

    def result(self) -> TrainingRecord:
        """Return the measures of all models."""
        return TrainingRecord(
            kind=self._kind,
            models=tuple(sorted(self._models, key=lambda each: (each.pair, each.last))),
            features=self._features,
            importances=tuple(
                Importance(pair=pair, label=label, method=method, shares=_mean(shares))
                for (pair, label, method), shares in self._shares.items()
            ),
        )

    def _add_features(self, kept: Mapping[str, Any], model: Model, names: Sequence[str]) -> None:
        pair = kept["pair"]
        self._features[pair] = tuple(dict.fromkeys((*self._features.get(pair, ()), *names)))
        for label, (method, shares) in label_shares(model, names, kept["labels"]).items():
            self._shares.setdefault((pair, label, method), []).append(shares)


def _measured(
    name: str,
    kept: Mapping[str, Any],
    model: Model,
    features: "pd.DataFrame",
    predicted: "npt.NDArray[np.generic]",
    pipeline: LabelPipeline,
) -> TrainedModel:
    rows = kept["test_features"]
    tested = None if rows is None else (kept["test_labels"], model.predict(rows))
    return TrainedModel(
        name=name,
        pair=kept["pair"],
        first=kept["first"],
        last=kept["last"],
        seconds=kept["seconds"],
        rows=kept["rows"],
        train_rows=len(features),
        test_rows=0 if rows is None else len(rows),
        features=features.shape[1],
        errors=tuple(
            label_errors(
                kept["labels"],
                (kept["train_labels"], predicted),
                tested,
                pipeline=None if hasattr(model, "classes_") else pipeline,
            )
        ),
    )


def _kind(model: Model) -> str:
    """Return the class of a model; of one for several labels, that of its parts."""
    parts: Sequence[object] = getattr(model, _PARTS, ())
    is_whole = hasattr(model, "feature_importances_") or not len(parts)
    return type(model if is_whole else parts[0]).__name__


def _mean(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean share of each feature, the greatest first; a model without it has 0."""
    names = dict.fromkeys(name for each in shares for name in each)
    means = {name: sum(each.get(name, 0.0) for each in shares) / len(shares) for name in names}
    return dict(sorted(means.items(), key=lambda item: (-item[1], item[0])))
