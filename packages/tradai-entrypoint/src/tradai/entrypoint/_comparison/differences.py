"""Facts that must be the same in runs for their figures to compare."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from tradai.entrypoint._comparison.compared_run import ComparedRun

_RANGES: Final = "The runs cover different time ranges: totals such as profit do not compare."
# A fact is falsy where a run has none, because it was refused early; it differs from no other then.
_FACTS: Final[tuple[tuple[Callable[[ComparedRun], object], str], ...]] = (
    (lambda run: run.pairs, "The runs trade different pairs."),
    (lambda run: run.currency, "The runs have different stake currencies: only ratios compare."),
    (
        lambda run: run.starting_balance,
        (
            "The runs start with different balances: amounts of money do not compare, nor do "
            "percentages where the stake is a fixed amount."
        ),
    ),
    (
        lambda run: run.record.digests.get("data"),
        "The runs used different candles (their digests of data differ).",
    ),
    (lambda run: run.record.mode, "The runs are of different modes."),
)
# Contents of digests, by their names in the manifest.
_DIGESTS: Final = {
    "source": "The source of the strategy differs",
    "markets": "The market rules differ",
    "leverage_tiers": "The leverage tiers differ",
    "models": "The trained models differ",
}
# They cover the pairs of a run alone.
_OF_PAIRS: Final = frozenset({"markets", "leverage_tiers"})
_SHORT: Final = 8


def differences(runs: Sequence[ComparedRun]) -> Iterator[str]:
    """Yield a sentence for each fact that is not the same in all `runs`."""
    if _differs(run.covered for run in runs) or (
        not all(run.covered for run in runs) and _differs(run.asked for run in runs)
    ):
        yield _RANGES
    for fact, sentence in _FACTS:
        if _differs(map(fact, runs)):
            yield sentence
    have_same_pairs = not _differs(run.pairs for run in runs)
    for name, sentence in _DIGESTS.items():
        if digests_differ(runs, name) and (have_same_pairs or name not in _OF_PAIRS):
            values = {run.name: run.record.digests.get(name, "")[:_SHORT] for run in runs}
            yield f"{sentence}: {_listed(values)}."
    packages = dict.fromkeys(name for run in runs for name in run.record.versions)
    for name in packages:
        values = {run.name: run.record.versions.get(name, "") for run in runs}
        if _differs(values.values()):
            yield f"The version of {name} differs: {_listed(values)}."


def digests_differ(runs: Iterable[ComparedRun], name: str) -> bool:
    """Return whether those of `runs` that have the digest `name` have different ones."""
    return _differs(run.record.digests.get(name) for run in runs)


def _differs(facts: Iterable[object]) -> bool:
    return len({fact for fact in facts if fact}) > 1


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value)
