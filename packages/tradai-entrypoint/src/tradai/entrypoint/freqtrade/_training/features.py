"""Names of FreqAI's features: the pair and the timeframe that each is computed on."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, final

from tradai.entrypoint.freqtrade._training.record import TrainingRecord

OWN: Final = "the pair itself"
NEITHER: Final = "neither"
# FreqAI (2026.9) appends both to all features but those of `feature_engineering_standard`, and
# leaves out the colon of futures.
_PLACE: Final = re.compile(r"(?P<name>.+)_(?P<pair>[^_]+/[^_]+)_(?P<timeframe>\d+[smhdwMy])")


@final
class FeatureName(NamedTuple):
    """A feature, as the models of different pairs share it.

    Attributes:
        name: Its name, without pair and timeframe.
        source: Its pair, `OWN` for that of the model, or `NEITHER`.
        timeframe: Its timeframe; empty with `NEITHER`.
    """

    name: str
    source: str
    timeframe: str

    @property
    def place(self) -> str:
        """Its pair and its timeframe in one text."""
        return f"{self.source}, {self.timeframe}" if self.timeframe else self.source


@final
class FeatureGroup(NamedTuple):
    """Features of one pair and timeframe: their number in a model, and their share."""

    place: str
    features: int
    share: float | None


def feature_name(full: str, pair: str) -> FeatureName:
    """Return the feature with the `full` name in a model of `pair`."""
    found = _PLACE.fullmatch(full)
    if found is None:
        return FeatureName(full, NEITHER, "")
    is_own = found["pair"] == pair.replace(":", "")
    return FeatureName(found["name"], OWN if is_own else found["pair"], found["timeframe"])


def feature_shares(record: TrainingRecord) -> dict[str, dict[FeatureName, float]]:
    """Return the mean share of each feature over all pairs, by label, the greatest first.

    A pair whose models do not have a feature counts as a share of 0.
    """
    totals: dict[str, dict[FeatureName, float]] = {}
    pairs: Counter[str] = Counter()
    for each in record.importances:
        pairs[each.label] += 1
        total = totals.setdefault(each.label, {})
        for full, share in each.shares.items():
            name = feature_name(full, each.pair)
            total[name] = total.get(name, 0.0) + share
    return {label: _means(total, pairs[label]) for label, total in totals.items()}


def feature_groups(record: TrainingRecord) -> tuple[FeatureGroup, ...]:
    """Return the features by pair and timeframe, the groups in the order of the features."""
    counts: dict[str, Counter[str]] = {}
    for pair, names in record.features.items():
        for place, count in Counter(feature_name(each, pair).place for each in names).items():
            counts.setdefault(place, Counter())[pair] = count
    shares = _group_shares(feature_shares(record).values())
    return tuple(
        FeatureGroup(place, max(by_pair.values()), shares.get(place) if shares else None)
        for place, by_pair in counts.items()
    )


def _means(total: Mapping[FeatureName, float], pairs: int) -> dict[FeatureName, float]:
    means = {name: share / pairs for name, share in total.items()}
    return dict(sorted(means.items(), key=lambda item: (-item[1], item[0])))


def _group_shares(labels: Iterable[Mapping[FeatureName, float]]) -> dict[str, float]:
    every = list(labels)
    groups: dict[str, float] = {}
    for shares in every:
        for name, share in shares.items():
            groups[name.place] = groups.get(name.place, 0.0) + share / len(every)
    return groups
