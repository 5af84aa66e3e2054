"""Notices of several runs that a page about all of them shows."""

from collections.abc import Iterable, Sequence
from itertools import chain

from tradai.entrypoint._runs._bias.bias_checks import BIAS_FOUND
from tradai.entrypoint._sweep.outcomes import RunOutcome


def common_notices(runs: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the notices that all `runs` have, and bias that was found in the source of one.

    >>> common_notices([("made rules", "no trades"), ("made rules",)])
    ('made rules',)
    """
    every = dict.fromkeys(chain.from_iterable(runs))
    return tuple(
        each
        for each in every
        if each.startswith(BIAS_FOUND) or all(each in notices for notices in runs)
    )


def notices_of(outcomes: Iterable[RunOutcome]) -> tuple[str, ...]:
    """Return `common_notices` of the outcomes that have a result."""
    return common_notices([each.notices for each in outcomes if each.is_success])
