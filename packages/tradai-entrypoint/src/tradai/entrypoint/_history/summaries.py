"""Summaries of the recorded runs of a folder, without the cost of a whole manifest each.

This module needs no pydantic: importing that takes longer than reading thousands of manifests.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

from tradai.core import FileKind, read_regular_file
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._history.run_figures import block_of, run_figures
from tradai.entrypoint._history.run_listing import RunListing, RunSummary, UnreadableRun
from tradai.entrypoint._store.names import (
    BIAS,
    KILLED,
    MANIFEST_NAME,
    RUNNING,
    SCHEMA_VERSION,
    is_bias_id,
)

_TYPES: Final = {
    "run_id": str,
    "mode": str | None,
    "state": str,
    "exit_code": int | None,
    "verdict": str | None,
    "config_id": str | None,
}


def list_runs(root: Path) -> list[RunSummary]:
    """Return the runs below `root`, newest first; those without a usable manifest are left out."""
    return RunListing.of(local_runs(root)).runs


def local_runs(root: Path) -> Iterator[RunSummary | UnreadableRun | None]:
    """Yield a summary of each run below `root`, or the reason why it has none.

    None stands for a folder without a manifest.
    """
    for folder in _folders(root):
        try:
            run = _with_process(_read(Path(folder)))
        except (FileNotFoundError, NotADirectoryError):
            yield None
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            yield UnreadableRun(run_id=Path(folder).name, place=folder, reason=reason)
        else:
            yield run


def is_killed(folder: Path) -> bool:
    """Return whether the run in `folder` did not end, and no process of this machine has it."""
    try:
        run = _with_process(_read(folder))
    except OSError:
        return False
    return isinstance(run, RunSummary) and run.state == KILLED


def _read(folder: Path) -> RunSummary | UnreadableRun:
    return summary_of(read_regular_file(f"{folder}/{MANIFEST_NAME}", FileKind.MANIFEST), folder)


def _with_process(run: RunSummary | UnreadableRun) -> RunSummary | UnreadableRun:
    """Return `run`; one that is recorded as running, and that no process has, was killed."""
    if isinstance(run, UnreadableRun) or run.state != RUNNING:
        return run
    has_process = _has_process(run.folder)
    if has_process is not False:
        return replace(run, has_process=has_process is True)
    # Read again: a process that is gone may have written its end meanwhile.
    again = _read(run.folder)
    if isinstance(again, RunSummary) and again.state == RUNNING:
        return replace(again, state=KILLED)
    return again


def _has_process(folder: Path) -> bool | None:
    """Return whether a process has the run in `folder`; None when that is not known."""
    # Only here: few runs of many go on.
    from tradai.entrypoint._paper.run_process import lives

    try:
        return lives(folder)
    except TradAIError:
        # A journal that is missing or cannot be read says nothing of a process.
        return None


def summary_of(data: bytes, folder: Path, uri: str | None = None) -> RunSummary | UnreadableRun:
    """Return the summary of the run whose manifest is `data`, with the few checks a list needs.

    Checking a whole manifest takes four times as long as reading it as JSON.
    """
    try:
        facts = json.loads(data)
        started_at = datetime.fromisoformat(facts["started_at"])
        return _summary(facts, started_at, folder, uri)
    # Deep nesting is a RecursionError, and a number of hundreds of digits an OverflowError.
    except (ValueError, LookupError, TypeError, RecursionError, OverflowError) as exc:
        reason = str(exc) if isinstance(exc, _UnusableError) else "it is damaged"
        return UnreadableRun(run_id=folder.name, place=uri or str(folder), reason=reason)


@final
class _UnusableError(ValueError):
    """A manifest has a fact that a list cannot show."""


def _summary(
    facts: dict[str, Any], started_at: datetime, folder: Path, uri: str | None
) -> RunSummary:
    schema_version = facts.get("schema_version", SCHEMA_VERSION)
    values: dict[str, Any] = {name: facts.get(name) for name in _TYPES}
    unusable = [name for name, kind in _TYPES.items() if not isinstance(values[name], kind)]
    if unusable or not _is_instant(started_at):
        newer = f"; {newer_schema(schema_version)}" if schema_version != SCHEMA_VERSION else ""
        message = f"its {', '.join(unusable or ['started_at'])} cannot be read{newer}"
        raise _UnusableError(message)
    results, digests = block_of(facts, "results"), block_of(facts, "digests")
    return RunSummary(
        folder=folder,
        started_at=started_at,
        strategy=_text(block_of(facts, "config").get("name")),
        figures=run_figures(facts, folder),
        is_bias_check=BIAS in results or is_bias_id(facts["run_id"]),
        bias=results.get(BIAS),
        source=_text(digests.get("source")),
        had_engine="run" in digests,
        part_of=_part_of(facts),
        has_result=bool(facts.get("results") or facts.get("artifacts")),
        schema_version=schema_version if isinstance(schema_version, int) else 0,
        uri=uri,
        **values,
    )


def _is_instant(at: datetime) -> bool:
    """Return whether `at` has an offset, and a time of UTC in the years 1 to 9999."""
    try:
        at.astimezone(UTC)
    except OverflowError:
        return False
    return at.tzinfo is not None


def _part_of(facts: dict[str, Any]) -> str | None:
    kind, parent = facts.get("part_of"), facts.get("trace_id")
    if not isinstance(kind, str):
        return None
    return f"{kind} {parent}" if parent != facts["run_id"] else kind


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def newer_schema(version: int) -> str:
    """Return a clause that says that a later version wrote a manifest."""
    return f"written by a newer tradai-entrypoint (manifest schema {version})"


def stored_runs(
    documents: Mapping[str, bytes | TradAIError], root: Path, uri: str
) -> Iterator[RunSummary | UnreadableRun]:
    """Yield a summary of each run in the store at `uri`, whose `documents` were read before."""
    for run_id, document in documents.items():
        if isinstance(document, bytes):
            yield summary_of(document, root / run_id, f"{uri}{run_id}/")
        else:
            yield UnreadableRun(run_id=run_id, place=f"{uri}{run_id}/", reason=str(document))


def _folders(root: Path) -> list[str]:
    """Return the folders below `root`; a hidden one is a run that is being pulled."""
    try:
        with os.scandir(root) as entries:
            return [entry.path for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []
