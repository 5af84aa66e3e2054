"""Importance of features, as trained models know it."""

from dataclasses import dataclass, field

from tradai.entrypoint.freqtrade._training.importance import label_shares

NAMES = ("first", "second")


@dataclass
class Trees:
    feature_importances_: list[int]
    importance_type: str | None = "split"


@dataclass
class Several:
    estimators_: list[object]


@dataclass
class Forest:
    """Trees of one model, which learns all labels at once."""

    feature_importances_: list[float]
    estimators_: list[object] = field(default_factory=list)


def test_shares_sum_up_to_one_and_say_their_meaning() -> None:
    assert label_shares(Trees([3, 1]), NAMES, ["&-rise"]) == {
        "&-rise": ("number of splits", {"first": 0.75, "second": 0.25})
    }
    assert label_shares(Trees([1, 1], "gain"), NAMES, ["&-rise"])["&-rise"][0] == "gain"


def test_each_part_of_a_model_of_several_labels_has_its_own_shares() -> None:
    model = Several([Trees([1, 0]), Trees([0, 1])])

    shares = label_shares(model, NAMES, ["&-low", "&-high"])

    assert shares["&-low"][1] == {"first": 1.0, "second": 0.0}
    assert shares["&-high"][1] == {"first": 0.0, "second": 1.0}


def test_a_model_that_learns_several_labels_at_once_has_one_importance_for_all() -> None:
    model = Forest([0.5, 0.5], [object(), object()])

    shares = label_shares(model, NAMES, ["&-low", "&-high"])

    assert shares == {"&-low, &-high": ("the model's own", {"first": 0.5, "second": 0.5})}


def test_a_model_without_importance_has_none() -> None:
    assert label_shares(object(), NAMES, ["&-rise"]) == {}
    assert label_shares(Several([object()]), NAMES, ["&-rise"]) == {}
    assert label_shares(Trees([1, 2, 3]), NAMES, ["&-rise"]) == {}


def test_a_model_that_uses_no_feature_has_shares_of_zero() -> None:
    shares = label_shares(Trees([0, 0]), NAMES, ["&-rise"])

    assert shares["&-rise"][1] == {"first": 0.0, "second": 0.0}
