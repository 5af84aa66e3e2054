"""Record of a training: rows, errors and features of its models, as JSON beside its page."""

from datetime import datetime
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias, final

from pydantic import BaseModel, ConfigDict, ValidationError

from tradai.core import file_errors
from tradai.core.exceptions import StorageError
from tradai.entrypoint._runs.record import field_problems

TRAINING_NAME: Final = "training.json"

Measure: TypeAlias = Literal["RMSE", "error rate"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


@final
class LabelErrors(_Value):
    """Errors of a model for one label, on its train rows and on its test rows.

    Each stands beside that of a baseline that needs no model: the mean of the train rows, or their
    most frequent class. None is an error that is not known, as all of the test are without a test.

    Attributes:
        measure: Root of the mean squared error, in the unit of the label; the share of wrong
            classes for a label of classes.
        is_constant: Whether the label had a single value in all train rows.
    """

    label: str
    measure: Measure
    is_constant: bool
    train: float | None
    train_baseline: float | None
    test: float | None
    test_baseline: float | None

    @property
    def train_ratio(self) -> float | None:
        """The train error as a ratio of the baseline's."""
        return _ratio(self.train, self.train_baseline)

    @property
    def test_ratio(self) -> float | None:
        """The test error as a ratio of the baseline's; below 1 the model is better."""
        return _ratio(self.test, self.test_baseline)


@final
class TrainedModel(_Value):
    """One model.

    Attributes:
        name: Stem of its files.
        first: Opening of the first candle that it learnt from or was tested on.
        last: Opening of the last one.
        seconds: Time that its training took.
        rows: Candles of its window, of which those without all features and labels were left out.
        train_rows: Rows that it learnt from.
        test_rows: Rows that it was tested on.
        features: Number of its features.
    """

    name: str
    pair: str
    first: datetime
    last: datetime
    seconds: float
    rows: int
    train_rows: int
    test_rows: int
    features: int
    errors: tuple[LabelErrors, ...]


@final
class Importance(_Value):
    """Importance of the features for one label of a pair, as a mean over its models.

    Attributes:
        method: Meaning of the numbers, in the words of the library of the model.
        shares: Share of each feature; they sum up to 1, unless the models use none.
    """

    pair: str
    label: str
    method: str
    shares: dict[str, float]


@final
class TrainingRecord(_Value):
    """All that is known of the models of a training.

    Attributes:
        kind: Class of the models.
        models: The models whose errors are known, by pair and time.
        features: Names of the features of each pair.
        importances: Importance of features; empty for a model that knows none.
    """

    kind: str
    models: tuple[TrainedModel, ...]
    features: dict[str, tuple[str, ...]]
    importances: tuple[Importance, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the record in the file at `path`.

        Raises:
            NotFoundError: It does not exist.
            StorageError: It cannot be read, or is no record of a training.
        """
        with file_errors("read", path):
            data = path.read_bytes()
        try:
            return cls.model_validate_json(data)
        except ValidationError as exc:
            message = (
                f"the record of the training in {path} cannot be read "
                f"({next(field_problems(exc))}): put it back as the run wrote it, or train again"
            )
            raise StorageError(message, operation="read") from exc


def _ratio(error: float | None, baseline: float | None) -> float | None:
    return error / baseline if error is not None and baseline else None
