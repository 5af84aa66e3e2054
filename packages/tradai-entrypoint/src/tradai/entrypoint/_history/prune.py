"""Choose the runs that may be removed from the folder of runs, and remove one."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self, final

from tradai.core import Tracker, TradingMode
from tradai.core.exceptions import StorageError, TradAIError
from tradai.entrypoint._history.summaries import RunSummary
from tradai.entrypoint._store.names import TRACKING_NAME

# The folder of a run that is being removed is hidden, and no run any more.
_REMOVED: Final = ".removed-"


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
    def of(cls, runs: Sequence[RunSummary], *, keep: int, before: datetime) -> Self:
        """Choose among `runs`, newest first: all but the first `keep`, started before an instant.

        Args:
            runs: The runs, of which no other counts.
            keep: Number of the newest that stay.
            before: Only runs that started before it are removed.
        """
        old = [run for run in runs[keep:] if run.started_at < before]
        reasons = [(run, _reason_to_keep(run)) for run in reversed(old)]
        return cls(
            removed=[run for run, reason in reasons if reason is None],
            kept=[(run, reason) for run, reason in reasons if reason is not None],
        )


def _reason_to_keep(run: RunSummary) -> str | None:
    if run.state != "ended":
        return "it did not end: it goes on, or its supervisor died"
    if run.mode == TradingMode.LIVE:
        return "it traded live"
    return None


def waiting_reason(run: RunSummary, tracker: Tracker | None) -> str | None:
    """Return why facts of `run` may still be wanted by a tracking server; None when they are not.

    What waits is sent first, if that is possible.
    """
    if not (run.folder / TRACKING_NAME).exists():
        return None
    if tracker is None:
        return "its facts may wait for a tracking server: name it by MLFLOW_TRACKING_URI"
    try:
        delivery = tracker.deliver(run.folder)
    except TradAIError as exc:
        return f"its facts could not be sent to the tracking server: {exc}"
    if delivery.waiting or delivery.is_alive:
        return "its facts wait for the tracking server: `tradai-entrypoint sync` sends them"
    return None


def remove_run(folder: Path) -> None:
    """Remove the run in `folder`; one that is cut off leaves no half of a run behind.

    Raises:
        StorageError: The disk refused.
    """
    doomed = folder.with_name(f"{_REMOVED}{folder.name}")
    try:
        folder.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as exc:
        message = f"the run {folder} could not be removed: {exc.strerror}"
        raise StorageError(message, operation="remove") from exc


def finish_removals(root: Path) -> None:
    """Remove what is left of runs below `root` whose removal was cut off."""
    for leftover in root.glob(f"{_REMOVED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
