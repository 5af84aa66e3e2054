"""Epochs of a recorded hyperopt, and each as JSON and as cells of a table."""

import argparse
import math
import os
from collections.abc import Sequence
from pathlib import Path

from tradai.core import JsonValue
from tradai.core.exceptions import NotFoundError
from tradai.entrypoint._commands.console import print_text
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._history.summaries import is_killed
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.figures import fall
from tradai.entrypoint._report.formatting import counted, percent
from tradai.entrypoint._store.names import EPOCHS_NAME
from tradai.entrypoint.freqtrade import Epoch, read_epochs, unfinished_epochs


def epochs_of(args: argparse.Namespace, *, interrupts: Interrupts) -> tuple[Path, Sequence[Epoch]]:
    """Return the folder of the run that `args` name, and its epochs in the order they ended.

    Those of a run that did not end are read where the engine writes them.

    Raises:
        NotFoundError: The run does not exist, or it has no epochs.
        StorageError: Its epochs cannot be read.
        TradAIError: As `RunSource.folder`.
    """
    with interrupts.raising():
        folder = RunSource.of(args.runs, args.store, os.environ).folder(args.run)
        path = folder / EPOCHS_NAME
        if path.is_file():
            return folder, read_epochs(path)
        epochs = unfinished_epochs(folder)
        if not epochs:
            message = (
                f"run {folder.name!r} has no epochs: it is no hyperopt, or ended before the first; "
                "`tradai-entrypoint runs list --mode hyperopt` lists the runs that may have some"
            )
            raise NotFoundError(message, kind="epochs", key=str(path))
        end = "was killed" if is_killed(folder) else "goes on"
        note = f"note: run {folder.name!r} {end}; it has {counted(len(epochs), 'epoch')} so far"
        print_text(note, is_error=True)
        return folder, epochs


def best_first(epochs: Sequence[Epoch], by: str = "loss") -> list[Epoch]:
    """Return `epochs` with the best by a figure first, those without it last."""

    def place(epoch: Epoch) -> tuple[float, int]:
        places = {
            "loss": epoch.loss if epoch.is_ranked else math.inf,
            "profit": -epoch.profit_ratio,
            "drawdown": math.inf if epoch.drawdown_ratio is None else epoch.drawdown_ratio,
            "trades": -epoch.trades,
            "epoch": epoch.number,
        }
        return places[by], epoch.number

    return sorted(epochs, key=place)


def epoch_json(epoch: Epoch) -> dict[str, JsonValue]:
    """Return an epoch as JSON; the loss of one that was not ranked is null."""
    fall = epoch.drawdown_ratio
    return {
        "epoch": epoch.number,
        "loss": epoch.loss if epoch.is_ranked else None,
        "trades": epoch.trades,
        "profit_percent": round(100 * epoch.profit_ratio, 4),
        "max_drawdown_percent": None if fall is None else round(100 * fall, 4),
        "parameters": epoch.parameters,
    }


def epoch_cells(epoch: Epoch) -> dict[str, str]:
    """Return the figures of an epoch as they are shown, by their labels."""
    return {
        "epoch": str(epoch.number),
        "loss": f"{epoch.loss:.6g}" if epoch.is_ranked else "not ranked",
        "trades": str(epoch.trades),
        "profit": percent(epoch.profit_ratio, with_sign=True),
        "closed drawdown": fall(epoch.drawdown_ratio),
    }
