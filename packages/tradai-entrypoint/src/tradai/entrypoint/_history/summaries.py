"""Summaries of the recorded runs of a folder, without the cost of a whole manifest each.

This module needs no pydantic: importing that takes longer than reading thousands of manifests.
"""

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self, final

from tradai.core import FileKind, read_regular_file
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._history.run_figures import DRAWDOWNS, block_of, first_known, run_figures
from tradai.entrypoint._store.names import BIAS, KILLED, MANIFEST_NAME, RUNNING, SCHEMA_VERSION

_TYPES: Final = {
    "run_id": str,
    "mode": str | None,
    "state": str,
    "exit_code": int | None,
    "verdict": str | None,
    "config_id": str | None,
}

# Figures of each order of runs, of which the first known one counts, and the sign: the best is the
# smallest.
_ORDERS: Final[Mapping[str, tuple[tuple[str, ...], int]]] = {
    "profit": (("profit_percent",), -1),
    "drawdown": (DRAWDOWNS, 1),
    "trades": (("trades",), -1),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The facts of a run that a list of runs shows, from its manifest; see `RunManifest`.

    Attributes:
        folder: Folder of the run; for a run in a store the one that it is pulled to.
        state: That of the manifest, or ``killed`` where that is ``running`` and no process of this
            machine has the run.
        strategy: Name of the strategy; None for a run that was refused before it was known.
        figures: The figures of `FIGURES` and `DRAWDOWNS` that its result has; of a dry-run, also of
            one that goes on, those of closed trades.
        is_bias_check: Whether it is an analysis for bias in the place of its backtest.
        bias: Its result.
        source: Digest of the strategy source, as far as it is known.
        biased_by: Id of the analysis that found bias in the source; see `with_found_bias`.
        part_of: Kind of the command that made it among others, and the trace id unless that is the
            run's own id, as ``sweep trend-573cef2e``; None for a run of its own.
        uri: URI of a run in a store; None for one on this machine.
        has_process: Whether a process of this machine was seen to have it.
    """

    folder: Path
    run_id: str
    mode: str | None
    state: str
    started_at: datetime
    exit_code: int | None
    verdict: str | None
    config_id: str | None
    strategy: str | None
    figures: Mapping[str, float]
    has_result: bool
    is_bias_check: bool = False
    bias: object = None
    source: str | None = None
    biased_by: str | None = None
    part_of: str | None = None
    schema_version: int = SCHEMA_VERSION
    uri: str | None = None
    has_process: bool = False

    @property
    def is_in_own_folder(self) -> bool:
        """Whether the folder has the name of the run, which that of a copy has not."""
        return self.folder.name == self.run_id

    @property
    def label(self) -> str:
        """The id; that of a copy with its folder."""
        return self.run_id if self.is_in_own_folder else f"{self.run_id} in {self.folder.name}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRun:
    """A run whose manifest cannot be read: its folder or URI, and the reason."""

    run_id: str
    place: str
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunListing:
    """Runs, newest first, and those that cannot be read, by id."""

    runs: list[RunSummary]
    unreadable: list[UnreadableRun]

    @classmethod
    def of(cls, found: Iterable[RunSummary | UnreadableRun | None]) -> Self:
        """Return a listing of `found`; of two runs with the same folder the first is kept."""
        runs: dict[str, RunSummary] = {}
        unreadable: dict[str, UnreadableRun] = {}
        for run in found:
            if isinstance(run, RunSummary):
                runs.setdefault(str(run.folder), run)
            elif run is not None:
                unreadable.setdefault(run.run_id, run)
        newest_first = sorted(runs.values(), key=lambda run: run.started_at, reverse=True)
        return cls(runs=newest_first, unreadable=[unreadable[each] for each in sorted(unreadable)])

    def chosen(self, *, mode: str | None = None, strategy: str | None = None) -> Self:
        """Return the runs of a mode and of a strategy, None being any.

        Those that cannot be read stay: each might be one of them.
        """
        runs = [
            run
            for run in self.runs
            if mode in {None, run.mode} and strategy in {None, run.strategy}
        ]
        return replace(self, runs=runs)

    def without_parts(self) -> Self:
        """Return the runs that no command made among others."""
        return replace(self, runs=[run for run in self.runs if run.part_of is None])

    def sorted(self, by: str | None) -> Self:
        """Return the runs by a key of `_ORDERS`, the best first and those without it last."""
        if by is None:
            return self
        names, sign = _ORDERS[by]

        def place(run: RunSummary) -> float:
            known = first_known(run.figures, names)
            return sign * known[1] if known else math.inf

        return replace(self, runs=sorted(self.runs, key=place))


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
    results = block_of(facts, "results")
    return RunSummary(
        folder=folder,
        started_at=started_at,
        strategy=_text(block_of(facts, "config").get("name")),
        figures=run_figures(facts, folder),
        is_bias_check=BIAS in results,
        bias=results.get(BIAS),
        source=_text(block_of(facts, "digests").get("source")),
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
