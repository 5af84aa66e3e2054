"""`tradai-entrypoint hyperopt show`: show one epoch of a hyperopt."""

import argparse
from collections.abc import Sequence

from tradai.core.exceptions import NotFoundError
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._commands.hyperopt.epochs_of import (
    best_first,
    epoch_cells,
    epoch_json,
    epochs_of,
)
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.formatting import result_text
from tradai.entrypoint.freqtrade import Epoch


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print an epoch with its parameters; without a number the best."""
    folder, epochs = epochs_of(args, interrupts=interrupts)
    epoch = _epoch(epochs, args.epoch, folder.name)
    if args.json:
        print_json(epoch_json(epoch))
        return 0
    parameters = {name: result_text(value) for name, value in epoch.parameters.items()}
    rows = {**epoch_cells(epoch), **parameters}
    print_table(("result", folder.name), rows.items())
    patch = folder / "best.yaml"
    if epoch == best_first(epochs)[0] and patch.is_file():
        print_text(f"patch: {patch} has these parameters, for --patch")
    return 0


def _epoch(epochs: Sequence[Epoch], number: int | None, run_id: str) -> Epoch:
    found = best_first(epochs) if number is None else [e for e in epochs if e.number == number]
    if not found:
        wanted = "epochs" if number is None else f"epoch {number}"
        message = f"run {run_id!r} has no {wanted}: `hyperopt list {run_id}` lists its epochs"
        raise NotFoundError(message, kind="epoch", key=str(number))
    return found[0]
