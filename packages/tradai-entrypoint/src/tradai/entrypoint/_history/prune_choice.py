"""Choose the old runs that may be removed from the folder of runs, and those that are needed."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Self, final

from tradai.core import TradingMode
from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._history.linked_runs import linked_runs
from tradai.entrypoint._history.run_listing import RunSummary
from tradai.entrypoint._history.run_need import RunNeed
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs._bias.bias_checks import last_bias_checks
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.names import (
    BIAS_MODE,
    ENDED,
    KILLED,
    TRACKING_NAME,
    UNFINISHED_SENTENCE,
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PruneChoice:
    """Runs to remove, and the reason of each old run that stays.

    Attributes:
        removed: Runs to remove, the oldest first.
        kept: Old runs that stay, each with its reason.
    """

    removed: Sequence[RunSummary]
    kept: Sequence[tuple[RunSummary, str]]

    @classmethod
    def of(cls, old: Sequence[RunSummary], needs: "RunNeeds") -> Self:
        """Choose among the `old` runs, newest first, by what each of them is needed for."""
        reasons = needs.reasons({run.folder for run in old})
        by_age = list(reversed(old))
        return cls(
            removed=[run for run in by_age if run.folder not in reasons],
            kept=[(run, reasons[run.folder]) for run in by_age if run.folder in reasons],
        )


def old_runs(
    runs: Sequence[RunSummary], *, keep: int, before: datetime, mode: str | None = None
) -> list[RunSummary]:
    """Return the runs, newest first, after the first `keep`, that started before an instant.

    Runs that a sweep or another command made among others are not counted, nor are refused ones,
    nor analyses for bias, unless `mode` says that all `runs` are such analyses.
    """
    own = [run.started_at for run in runs if _is_counted(run, mode)]
    if len(own) < keep:
        return []
    before = min(before, own[keep - 1]) if keep else before
    return [run for run in runs if run.started_at < before]


def _is_counted(run: RunSummary, mode: str | None) -> bool:
    is_other_check = run.is_bias_check and mode != BIAS_MODE
    return not (run.part_of or run.is_noise or is_other_check)


@final
class RunNeeds:
    """Reasons to keep runs of a folder."""

    def __init__(
        self, root: Path, runs: Sequence[RunSummary], *, ignored: Collection[RunNeed]
    ) -> None:
        """Take all `runs` of the folder `root`, newest first, and kinds that are no reason."""
        self._runs = runs
        self._ignored = ignored
        self._ids = {run.run_id for run in runs}
        self._analyses = last_bias_checks(root)
        self._pages = {} if RunNeed.PAGES in ignored else linked_runs(root)
        # What runs that stay say about the runs that they refer to, by the ids of these.
        self._references: dict[str, str] = {}

    def reasons(self, old: Collection[Path]) -> dict[Path, str]:
        """Return the reasons of the `old` folders of runs that stay."""
        reasons: dict[Path, str] = {}
        # Runs refer to older ones, which come later here.
        for run in self._runs:
            manifest = _manifest(run)
            reason = self._reason(run, manifest) if run.folder in old else None
            if reason is not None:
                reasons[run.folder] = reason
            if manifest is not None and (_may_wait(run) or run.folder not in old or reason):
                self._references |= _references(manifest)
        return reasons

    def _reason(self, run: RunSummary, manifest: RunManifest | None) -> str | None:
        if run.state not in {ENDED, KILLED}:
            return f"it {_without_end(run)}"
        if run.mode == TradingMode.LIVE:
            return "it traded live"
        if run.folder.is_symlink():
            return "it is a link to another folder: remove the link by hand"
        # A run that is gone needs no reason to stay.
        if manifest is None:
            return "its manifest cannot be read whole" if run.folder.exists() else None
        found = chain(_end_needs(run), self._needs(manifest))
        needs = ((kind, text) for kind, text in found if kind not in self._ignored)
        return next((f"{text} (--also {kind})" for kind, text in needs), None)

    def _needs(self, manifest: RunManifest) -> Iterator[tuple[RunNeed, str]]:
        positions = manifest.results.get("open_trades")
        is_taken_over = manifest.continuation.get("continued_by") in self._ids
        if isinstance(positions, int) and positions > 0 and not is_taken_over:
            yield RunNeed.OPEN_TRADES, f"it has {counted(positions, 'open trade')}"
        if manifest.run_id in self._references:
            yield RunNeed.REFERENCES, self._references[manifest.run_id]
        if manifest.run_id in self._analyses:
            yield RunNeed.BIAS_CHECKS, "it is the last analysis for bias of its source"
        if manifest.run_id in self._pages:
            page = self._pages[manifest.run_id][-1]
            yield RunNeed.PAGES, f"{page} links to it"


def _end_needs(run: RunSummary) -> Iterator[tuple[RunNeed, str]]:
    if run.state == KILLED:
        yield RunNeed.KILLED, "it did not end: its process was killed"


def _without_end(run: RunSummary) -> str:
    return "did not end: it goes on" if run.has_process else UNFINISHED_SENTENCE


def _manifest(run: RunSummary) -> RunManifest | None:
    try:
        return RunManifest.read(run.folder)
    except (NotFoundError, StorageError):
        return None


def _may_wait(run: RunSummary) -> bool:
    return (run.folder / TRACKING_NAME).exists()


def _references(manifest: RunManifest) -> dict[str, str]:
    """Return a sentence on this run for the id of each run that it refers to."""
    before = manifest.continuation.get("continues")
    found = {str(before): f"run {manifest.run_id} goes on with it"} if before else {}
    if manifest.replay_of:
        found[manifest.replay_of] = f"run {manifest.run_id} repeats it"
    return found
