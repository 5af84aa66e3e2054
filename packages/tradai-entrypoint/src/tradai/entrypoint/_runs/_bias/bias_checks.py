"""Analyses for bias in a folder of runs: the one that counts for a strategy."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._runs._bias.last_checks import CHECKED, CLEAN, FOUND, MADE, last_checks
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.names import BIAS

# Begins the notice of a run whose source was found biased.
BIAS_FOUND: Final = "bias was found in this strategy source"


def bias_check_of(root: Path, planned: RunManifest) -> RunManifest | None:
    """Return the analysis that counts for the planned source; None without one.

    Of the analyses of one configuration the last one with a result counts. The first of these that
    found bias goes before the one of the planned configuration, and that one before others: what a
    source reads with some values is not undone by others, such as fewer pairs, and not by an
    analysis without an answer, such as one of a shorter range.
    """
    return _check_among(counted_checks(root), planned)


def _check_among(checks: Iterable[RunManifest], planned: RunManifest) -> RunManifest | None:
    source = planned.digests.get("source")
    last = [each for each in checks if each.digests.get("source") == source]
    ranks = (
        lambda check: check.results[BIAS] == FOUND,
        lambda check: check.config_id == planned.config_id,
        lambda _: True,
    )
    return next((check for ranked in ranks for check in last if ranked(check)), None)


def last_bias_checks(root: Path) -> set[str]:
    """Return the run ids of the analyses that count for a source and its configurations."""
    return {check.run_id for check in counted_checks(root)}


def counted_checks(root: Path) -> tuple[RunManifest, ...]:
    """Return the analyses below `root` that count for a source and its configurations."""
    return last_checks(
        _newest_first(root),
        lambda check: (check.digests.get("source"), check.config_id, check.results[BIAS]),
    )


def _newest_first(root: Path) -> Iterator[RunManifest]:
    for folder in sorted(root.glob("*-bias-*"), reverse=True):
        with suppress(NotFoundError, StorageError):
            manifest = RunManifest.read(folder)
            if BIAS in manifest.results:
                yield manifest


def is_clean(check: RunManifest | None) -> bool:
    """Return whether there is an analysis that found no bias and had no other fault."""
    return check is not None and check.results[BIAS] == CLEAN and check.exit_code == ExitCode.DONE


def bias_sentence(check: RunManifest | None, planned: RunManifest) -> str:
    """Return the result of the analysis, its time, and whether `planned` has another plan.

    A clean one says of how many trades.

    A source reads its configuration, so that other values may hide what it does.
    """
    if check is None:
        return "never done for this source: `tradai-entrypoint analyse CONFIG --bias` does it"
    result = check.results[BIAS]
    if is_clean(check) and check.results.keys() >= {CHECKED, MADE}:
        result = f"{CLEAN} in {check.results[CHECKED]} of {check.results[MADE]} trades"
    elif not is_clean(check) and result == CLEAN:
        result = f"not known, as its run ended with exit code {check.exit_code}"
    other = "" if check.config_id == planned.config_id else ", with another configuration"
    return f"{result}, {check.started_at:%Y-%m-%d %H:%M} UTC, run {check.run_id}{other}"


def bias_notices(
    root: Path, record: RunManifest, *, checks: Iterable[RunManifest] | None = None
) -> tuple[str, ...]:
    """Return a notice for the reader of a run whose source was found biased; else none.

    An analysis has its own result.

    Args:
        root: Folder of the runs, among which analyses are looked for. One that cannot be read
            has none.
        record: The run.
        checks: Its `counted_checks`, which are read when they are not given.
    """
    if "source" not in record.digests or BIAS in record.results:
        return ()
    check = None
    with suppress(OSError):
        check = _check_among(counted_checks(root) if checks is None else checks, record)
    if check is None or check.results[BIAS] != FOUND:
        return ()
    outcome = "no result of it can be believed until that is explained"
    return (f"{BIAS_FOUND} by run {check.run_id}: {outcome}",)


def add_bias_notices(
    root: Path, record: RunManifest, *, checks: Iterable[RunManifest] | None = None
) -> None:
    """Put `bias_notices` into `record`, as an analysis may be later than the run.

    They replace the notice of an earlier analysis; without any, that notice stays.
    """
    if found := bias_notices(root, record, checks=checks):
        others = [each for each in record.notices if not each.startswith(BIAS_FOUND)]
        record.notices = [*others, *found]
