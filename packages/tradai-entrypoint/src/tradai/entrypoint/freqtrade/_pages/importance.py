"""Importance of the parameters of a hyperopt: how much of the loss each explains by itself."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradai.entrypoint.freqtrade._results.epochs import Epoch

METHOD: Final = (
    "Importance is the share of the variance of the losses' ranks that lies between groups of "
    "epochs with alike values of the parameter: epsilon squared, which is the correlation ratio "
    "less what chance gives. It looks at one parameter at a time, so parameters that matter only "
    "together show little, and the sampler prefers good regions."
)
# With fewer epochs chance alone explains too much.
FEWEST_EPOCHS: Final = 20
_FEWEST_GROUPS: Final = 2
_MOST_GROUPS: Final = 8
_LEAST_PER_GROUP: Final = 5


def importances(epochs: Sequence[Epoch]) -> dict[str, float]:
    """Return the share of the loss that each parameter explains, from 0 to 1, greatest first.

    Parameters that had one value are left out; there are none with too few epochs.
    """
    if len(epochs) < FEWEST_EPOCHS:
        return {}
    ranks = _ranks([epoch.loss for epoch in epochs])
    every = [epoch.parameters for epoch in epochs]
    names = dict.fromkeys(name for parameters in every for name in parameters)
    shares = {name: _share([each.get(name) for each in every], ranks) for name in names}
    known = {name: share for name, share in shares.items() if share is not None}
    return dict(sorted(known.items(), key=lambda item: (-item[1], item[0])))


def _share(values: Sequence[Any], ranks: Sequence[float]) -> float | None:
    """Return epsilon squared of `ranks` over groups of `values`; None for a single value."""
    groups = _groups(values)
    members: dict[int, list[float]] = {}
    for group, rank in zip(groups, ranks, strict=True):
        members.setdefault(group, []).append(rank)
    if len(members) < _FEWEST_GROUPS or len(members) >= len(ranks):
        return None
    mean = math.fsum(ranks) / len(ranks)
    total = math.fsum((rank - mean) ** 2 for rank in ranks)
    within = math.fsum(_spread(each) for each in members.values())
    if not total:
        return 0.0
    # The part that groups explain by chance is taken off.
    unexplained = within / (len(ranks) - len(members)) * (len(ranks) - 1)
    return max(0.0, 1.0 - unexplained / total)


def _groups(values: Sequence[Any]) -> list[int]:
    """Return the group of each value: one for each of few values, else quantiles of numbers."""
    texts = [repr(value) for value in values]
    distinct = sorted(set(texts))
    if len(distinct) <= _MOST_GROUPS or not all(_is_number(value) for value in values):
        return [distinct.index(text) for text in texts]
    count = max(_FEWEST_GROUPS, min(_MOST_GROUPS, len(values) // _LEAST_PER_GROUP))
    ranks = _ranks([float(value) for value in values])
    return [min(count - 1, int(rank * count / len(values))) for rank in ranks]


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 0; equal values share their mean rank."""
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values)):
        places.setdefault(value, []).append(place)
    mean: Mapping[float, float] = {value: sum(each) / len(each) for value, each in places.items()}
    return [mean[value] for value in values]


def _spread(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
