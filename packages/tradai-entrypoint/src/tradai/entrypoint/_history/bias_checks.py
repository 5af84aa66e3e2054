"""Analyses for bias in a folder of runs: the last one of a strategy source."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._runs.record import RunManifest

BIAS: Final = "bias"
CLEAN: Final = "clean"


def new_bias_id(now: datetime) -> str:
    """Return the id of an analysis, by which it is found among runs."""
    return f"{now:%Y%m%dT%H%M%SZ}-bias-{secrets.token_hex(4)}"


def last_bias_check(root: Path, source_digest: str) -> RunManifest | None:
    """Return the last analysis of the source that came to a result; None without one."""
    checks = _newest_first(root)
    return next((each for each in checks if each.digests.get("source") == source_digest), None)


def last_bias_checks(root: Path) -> set[str]:
    """Return the run ids of the last analysis of each source that came to a result."""
    found: dict[str | None, str] = {}
    for check in _newest_first(root):
        found.setdefault(check.digests.get("source"), check.run_id)
    return set(found.values())


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
    """Return when the analysis was done, its result, and whether `planned` has another plan.

    A source reads its configuration, so that other values may hide what it does.
    """
    if check is None:
        return "never done for this source: `tradai-entrypoint analyse CONFIG --bias` does it"
    result = check.results[BIAS]
    if result == CLEAN and not is_clean(check):
        result = f"not known, as its run ended with exit code {check.exit_code}"
    other = "" if check.config_id == planned.config_id else ", with another configuration"
    return f"{result}, {check.started_at:%Y-%m-%d %H:%M} UTC, run {check.run_id}{other}"
