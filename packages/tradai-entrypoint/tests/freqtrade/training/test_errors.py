"""Errors of a model for each label, beside those of a baseline without a model."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tradai.entrypoint.freqtrade._training.errors import label_errors
from tradai.entrypoint.freqtrade._training.record import LabelErrors

if TYPE_CHECKING:
    import pandas as pd


class Halved:
    """A transformation that has models learn half of each label."""

    def inverse_transform(self, labels: "pd.DataFrame") -> "tuple[pd.DataFrame, None, None]":
        return labels * 2, None, None


class Unchanged:
    def inverse_transform(self, labels: "pd.DataFrame") -> "tuple[pd.DataFrame, None, None]":
        return labels, None, None


def table(**columns: list[object]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame({f"&-{name}": values for name, values in columns.items()})


def test_an_error_is_the_root_of_the_mean_square_beside_that_of_the_mean_of_the_train_rows() -> (
    None
):
    train = table(rise=[0.0, 2.0]), np.array([0.0, 1.0])
    test = table(rise=[1.0, 5.0]), np.array([1.0, 3.0])

    (errors,) = label_errors(["&-rise"], train, test, pipeline=Unchanged())

    assert errors == LabelErrors(
        label="&-rise",
        measure="RMSE",
        is_constant=False,
        train=math.sqrt(1 / 2),
        train_baseline=1.0,
        test=math.sqrt(4 / 2),
        # The mean of the train rows is 1.
        test_baseline=math.sqrt(16 / 2),
    )
    assert errors.test_ratio == pytest.approx(0.5)


def test_an_error_is_in_the_unit_of_the_label_and_not_in_that_of_what_is_learnt() -> None:
    train = table(rise=[0.0, 2.0]), np.array([0.0, 1.0])

    (plain,) = label_errors(["&-rise"], train, None, pipeline=Unchanged())
    (halved,) = label_errors(["&-rise"], train, None, pipeline=Halved())

    assert plain.train is not None
    assert halved.train == pytest.approx(2 * plain.train)
    assert halved.train_ratio == plain.train_ratio


def test_a_model_of_several_labels_has_an_error_for_each() -> None:
    train = table(low=[0.0, 1.0], high=[5.0, 7.0]), np.array([[0.0, 5.0], [1.0, 6.0]])

    low, high = label_errors(["&-low", "&-high"], train, None, pipeline=Unchanged())

    assert (low.label, low.train) == ("&-low", 0.0)
    assert (high.label, high.train) == ("&-high", math.sqrt(1 / 2))


def test_without_test_rows_no_test_error_is_known() -> None:
    (errors,) = label_errors(
        ["&-rise"], (table(rise=[0.0, 2.0]), np.array([0.0, 1.0])), None, pipeline=Unchanged()
    )

    assert (errors.test, errors.test_baseline, errors.test_ratio) == (None, None, None)


def test_the_error_of_classes_is_the_share_of_wrong_ones_beside_that_of_the_most_frequent() -> None:
    train = table(move=["up", "up", "down", "up"]), np.array(["up", "down", "down", "up"])
    test = table(move=["down", "up"]), np.array(["down", "up"])

    (errors,) = label_errors(["&-move"], train, test, pipeline=None)

    assert errors.measure == "error rate"
    assert (errors.train, errors.train_baseline) == (0.25, 0.25)
    assert (errors.test, errors.test_baseline) == (0.0, 0.5)


def test_numbers_of_classes_are_read_as_their_names_in_the_order_of_the_alphabet() -> None:
    train = table(move=["up", "down", "up"]), np.array([1, 0, 0])

    (errors,) = label_errors(["&-move"], train, None, pipeline=None)

    assert errors.train == pytest.approx(1 / 3)


def test_classes_that_are_numbers_are_compared_as_they_are() -> None:
    train = table(move=[1, 2, 2]), np.array([1, 2, 1])

    (errors,) = label_errors(["&-move"], train, None, pipeline=None)

    assert errors.train == pytest.approx(1 / 3)


def test_a_label_with_one_value_is_constant_and_has_no_ratio() -> None:
    train = table(rise=[2.0, 2.0]), np.array([2.0, 2.0])

    (errors,) = label_errors(["&-rise"], train, train, pipeline=Unchanged())

    assert errors.is_constant
    assert (errors.train_ratio, errors.test_ratio) == (None, None)


def test_an_error_of_infinite_predictions_is_not_known() -> None:
    train = table(rise=[1.0, 2.0]), np.array([np.inf, 2.0])

    (errors,) = label_errors(["&-rise"], train, None, pipeline=Unchanged())

    assert errors.train is None
    assert errors.train_baseline == 0.5
