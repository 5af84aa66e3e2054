"""Suggestions for mistyped names: "did you mean"."""

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that suggests the name in `known` closest to `name`.

    It is empty when none is close, and never quotes `name`, which may be a misplaced secret.

    >>> did_you_mean("pair", ["name", "pairs"])
    "; did you mean 'pairs'?"
    """
    match = closest(name, known)
    return "" if match is None else f"; did you mean {match!r}?"


def closest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the name in `known` that is most similar to `name`; None when all are below `cutoff`.

    Args:
        name: The name that was written.
        known: The names there are.
        cutoff: Least similarity: 0 for any name, 1 for the same one.
    """
    # Only for a mistake: the import costs a millisecond.
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)
