"""Cautions to read before models are trusted."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tradai.core import JsonValue
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint.freqtrade._training.record import (
    LabelErrors,
    TrainedModel,
    TrainingRecord,
)

# With fewer train rows for each feature a model mostly learns their accidents.
FEW_ROWS: Final = 10
# Test error over train error, each as a ratio of the baseline's.
OVERFIT: Final = 1.5


def is_better(model: TrainedModel) -> bool:
    """Return whether a model beats the baseline on test rows, for every label."""
    ratios = [each.test_ratio for each in model.errors]
    return bool(ratios) and all(ratio is not None and ratio < 1 for ratio in ratios)


def cautions(record: TrainingRecord, freqai: Mapping[str, JsonValue]) -> Iterator[str]:
    """Yield a sentence for each reason to doubt the models of a training.

    Args:
        record: The models.
        freqai: FreqAI's part of the configuration.
    """
    for fits, sentence in _REASONS:
        doubted = [model for model in record.models if fits(model)]
        if doubted:
            pairs = ", ".join(dict.fromkeys(model.pair for model in doubted))
            number = f"{len(doubted):,} of {counted(len(record.models), 'model')}"
            yield f"{number} ({pairs}): {sentence}"
    split = freqai.get("data_split_parameters")
    if isinstance(split, Mapping) and split.get("shuffle") is True:
        yield (
            "test rows were drawn from among the train rows (data_split_parameters.shuffle): "
            "neighbours in time are alike, so the test errors are too small"
        )


def _is_constant(model: TrainedModel) -> bool:
    return any(each.is_constant for each in model.errors)


def _is_not_tested(model: TrainedModel) -> bool:
    return not model.test_rows


def _is_no_better(model: TrainedModel) -> bool:
    return bool(model.test_rows) and not _is_constant(model) and not is_better(model)


def _is_overfit(model: TrainedModel) -> bool:
    return any(map(_exceeds, model.errors))


def _exceeds(errors: LabelErrors) -> bool:
    train, test = errors.train_ratio, errors.test_ratio
    return train is not None and test is not None and test > OVERFIT * train


def _has_few_rows(model: TrainedModel) -> bool:
    return model.train_rows < FEW_ROWS * model.features


_REASONS: Final[tuple[tuple[Callable[[TrainedModel], bool], str], ...]] = (
    (_is_constant, "a label has the same value in all train rows, so there is nothing to learn"),
    (
        _is_no_better,
        "on test rows no better than the baseline, which is the mean, or the most frequent class",
    ),
    (
        _is_overfit,
        f"overfit: beside the baseline, the test error is over {OVERFIT:g} times the train error",
    ),
    (_has_few_rows, f"fewer than {FEW_ROWS} train rows for each feature"),
    (_is_not_tested, "without test rows (data_split_parameters.test_size), so not tested"),
)
