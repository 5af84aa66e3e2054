"""Remove a run from the folder of runs, unless something waits for it."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from tradai.core import Tracker
from tradai.core.exceptions import NotFoundError, StorageError, TradAIError
from tradai.entrypoint._history.run_listing import RunSummary
from tradai.entrypoint._paper.run_process import locked_run
from tradai.entrypoint._store.names import TRACKING_NAME

# The folder of a run that is being removed is hidden, and no run any more.
_REMOVED: Final = ".removed-"


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


def remove_run(folder: Path) -> str | None:
    """Remove the run in `folder`, and return None, or the reason why it stays.

    A removal that is cut off leaves no half of a run behind. A run that is gone already counts as
    removed.

    Raises:
        StorageError: The disk refused; the run has its name again.
    """
    try:
        with locked_run(folder) as is_free:
            if not is_free:
                return "a process has it just now"
            _remove(folder)
    except NotFoundError:
        # It has no journal that a process could hold.
        _remove(folder)
    return None


def _remove(folder: Path) -> None:
    doomed = folder.with_name(f"{_REMOVED}{folder.name}")
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        # Another process removed it.
        return
    except OSError as exc:
        raise _removal_error(folder, "could not be removed", exc) from exc
    try:
        shutil.rmtree(doomed)
    except FileNotFoundError:
        # Another process finishes the removal.
        shutil.rmtree(doomed, ignore_errors=True)
    except OSError as exc:
        with suppress(OSError):
            doomed.rename(folder)
        raise _removal_error(folder, "could not be removed whole", exc) from exc


def _removal_error(folder: Path, problem: str, exc: OSError) -> StorageError:
    return StorageError(f"{folder} {problem}: {exc.strerror or exc}", operation="remove")


def finish_removals(root: Path) -> None:
    """Remove what is left of runs below `root` whose removal was cut off."""
    for leftover in root.glob(f"{_REMOVED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
