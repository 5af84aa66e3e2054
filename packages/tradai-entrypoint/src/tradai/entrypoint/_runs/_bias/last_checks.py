"""The analyses for bias that count, of all that were done.

This module needs no pydantic: importing that takes longer than reading thousands of manifests.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, TypeVar

CLEAN: Final = "clean"
FOUND: Final = "found"
# Results of an analysis beside its answer.
CHECKED: Final = "trades_checked"
MADE: Final = "trades_in_backtest"

_Check = TypeVar("_Check")
# Digest of its source, id of its configuration, result.
CheckFacts: TypeAlias = tuple[str | None, str | None, object]


def last_checks(
    newest_first: Iterable[_Check], facts_of: Callable[[_Check], CheckFacts]
) -> tuple[_Check, ...]:
    """Return the last analysis of each source and configuration, the newest first.

    Where that has no answer, bias that the last one with an answer found counts.
    """
    last: dict[tuple[str | None, str | None], _Check] = {}
    answered = set[tuple[str | None, str | None]]()
    for check in newest_first:
        source, config_id, result = facts_of(check)
        key = source, config_id
        if key not in last or (result == FOUND and key not in answered):
            last[key] = check
        if result in (CLEAN, FOUND):
            answered.add(key)
    return tuple(last.values())
