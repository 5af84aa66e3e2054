"""Importance of features, as trained models know it themselves."""

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Final, TypeAlias

# Meaning of the numbers, and the share of each feature.
Shares: TypeAlias = tuple[str, Mapping[str, float]]

# By the attribute `importance_type` of LightGBM and XGBoost.
_TYPES: Final = {
    "split": "number of splits",
    "weight": "number of splits",
    "gain": "gain",
    "total_gain": "total gain",
    "cover": "cover",
    "total_cover": "total cover",
}
# By library, where the type is not set or there is none.
_DEFAULTS: Final = {
    "xgboost": "gain",
    "catboost": "change of the prediction",
    "sklearn": "decrease of impurity",
}


def label_shares(
    model: object, features: Sequence[str], labels: Sequence[str]
) -> dict[str, Shares]:
    """Return the importance of `features` by label; empty for a model that knows none.

    A model that learns several labels at once has one importance for all of them.
    """
    own = _shares(model, features)
    if own is not None:
        return {", ".join(labels): own}
    parts = getattr(model, "estimators_", ())
    if len(parts) != len(labels):
        return {}
    each = {label: _shares(part, features) for label, part in zip(labels, parts, strict=True)}
    return {label: shares for label, shares in each.items() if shares is not None}


def _shares(model: object, features: Sequence[str]) -> Shares | None:
    numbers = getattr(model, "feature_importances_", None)
    if numbers is None or len(numbers) != len(features):
        return None
    total = fsum(map(float, numbers))
    shares = (float(number) / total if total else 0.0 for number in numbers)
    return _method(model), dict(zip(features, shares, strict=True))


def _method(model: object) -> str:
    library = type(model).__module__.partition(".")[0]
    default = _DEFAULTS.get(library, "the model's own")
    return _TYPES.get(str(getattr(model, "importance_type", None)), default)
