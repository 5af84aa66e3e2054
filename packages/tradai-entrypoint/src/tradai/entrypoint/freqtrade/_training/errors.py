"""Errors of a model on its train rows and test rows, beside those of a baseline without a model."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from tradai.entrypoint.freqtrade._training.record import LabelErrors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    # The true labels of some rows, and the predictions for them.
    Outcome: TypeAlias = tuple[pd.DataFrame, npt.NDArray[np.generic]]
    # The same of one label.
    Column: TypeAlias = tuple[pd.Series[Any], pd.Series[Any]]


class LabelPipeline(Protocol):
    """FreqAI's transformation of labels, which models learn instead of the labels themselves."""

    def inverse_transform(self, labels: "pd.DataFrame") -> "tuple[pd.DataFrame, object, object]":
        """Return the labels in their own unit."""


def label_errors(
    labels: Sequence[str],
    train: "Outcome",
    test: "Outcome | None",
    *,
    pipeline: LabelPipeline | None,
) -> Iterator[LabelErrors]:
    """Yield the errors for each label, in its own unit.

    Args:
        labels: Names of the labels.
        train: Outcome of the train rows.
        test: Outcome of the test rows; None without them.
        pipeline: FreqAI's transformation of the labels; None for classes, which have none.
    """
    learnt = _tables(labels, train, pipeline)
    tested = None if test is None else _tables(labels, test, pipeline)
    errors = _class_errors if pipeline is None else _number_errors
    for label in labels:
        column = None if tested is None else (tested[0][label], tested[1][label])
        yield errors(label, (learnt[0][label], learnt[1][label]), column)


def _tables(
    labels: Sequence[str], outcome: "Outcome", pipeline: LabelPipeline | None
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    import numpy as np
    import pandas as pd

    true, predicted = outcome
    shaped = pd.DataFrame(np.reshape(predicted, (-1, len(labels))), columns=list(labels))
    true = true[list(labels)].reset_index(drop=True)
    if pipeline is None:
        return true, shaped
    return pipeline.inverse_transform(true)[0], pipeline.inverse_transform(shaped)[0]


def _number_errors(label: str, train: "Column", test: "Column | None") -> LabelErrors:
    mean = float(train[0].mean())
    return LabelErrors(
        label=label,
        measure="RMSE",
        is_constant=_is_constant(train[0]),
        train=_rms(train[0] - train[1]),
        train_baseline=_rms(train[0] - mean),
        test=None if test is None else _rms(test[0] - test[1]),
        test_baseline=None if test is None else _rms(test[0] - mean),
    )


def _class_errors(label: str, train: "Column", test: "Column | None") -> LabelErrors:
    most = train[0].mode().iloc[0]
    names = sorted(train[0].unique())
    return LabelErrors(
        label=label,
        measure="error rate",
        is_constant=_is_constant(train[0]),
        train=float((train[0] != _named(train[1], names)).mean()),
        train_baseline=float((train[0] != most).mean()),
        test=None if test is None else float((test[0] != _named(test[1], names)).mean()),
        test_baseline=None if test is None else float((test[0] != most).mean()),
    )


def _named(predicted: "pd.Series[Any]", names: Sequence[object]) -> "pd.Series[Any]":
    """Return predictions as names, where FreqAI had the model learn the numbers of the names."""
    import pandas as pd

    if not isinstance(names[0], str) or not pd.api.types.is_numeric_dtype(predicted):
        return predicted
    return predicted.map(lambda number: names[int(number)])


def _is_constant(true: "pd.Series[Any]") -> bool:
    return bool((true == true.iloc[0]).all())


def _rms(differences: "pd.Series[float]") -> float | None:
    """Return the root of the mean square; None where it is not finite."""
    root = float((differences**2).mean() ** 0.5)
    return root if isfinite(root) else None
