"""`tradai-entrypoint hyperopt show`: show one epoch of a hyperopt."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tradai.core import FileStore, file_path
from tradai.core.exceptions import ConfigurationError, ConflictError, NotFoundError
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._commands.hyperopt.epochs_of import (
    best_first,
    epoch_cells,
    epoch_json,
    epochs_of,
)
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.formatting import result_text
from tradai.entrypoint.freqtrade import Epoch, recorded_patch


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print an epoch with its parameters, and write its patch; without a number the best."""
    folder, epochs = epochs_of(args, interrupts=interrupts)
    epoch = _epoch(epochs, args.epoch, folder.name)
    if args.patch is not None:
        _write_new(file_path(args.patch), recorded_patch(epoch, folder))
    if args.json:
        print_json(epoch_json(epoch))
        return 0
    parameters = {name: result_text(value) for name, value in epoch.parameters.items()}
    rows = {**epoch_cells(epoch), **parameters}
    print_table(("result", folder.name), rows.items())
    best = folder / "best.yaml"
    is_best = epoch == best_first(epochs)[0] and best.is_file()
    patch = args.patch or (best if is_best else None)
    if patch is not None:
        print_text(f"patch: {patch} has these parameters, for --patch")
    return 0


def _write_new(path: Path, text: str) -> None:
    """Write `text` to the new file `path`, whole or not at all.

    Raises:
        ConfigurationError: There is a file.
        StorageError: It cannot be written.
    """
    try:
        FileStore().write(path.absolute().as_uri(), text.encode(), if_absent=True)
    except ConflictError as exc:
        message = f"{path} is there already and is not overwritten: name another file"
        raise ConfigurationError(message, key="--patch", source=str(path)) from exc


def _epoch(epochs: Sequence[Epoch], number: int | None, run_id: str) -> Epoch:
    found = best_first(epochs) if number is None else [e for e in epochs if e.number == number]
    if not found:
        wanted = "epochs" if number is None else f"epoch {number}"
        message = f"run {run_id!r} has no {wanted}: `hyperopt list {run_id}` lists its epochs"
        raise NotFoundError(message, kind="epoch", key=str(number))
    return found[0]
