"""`tradai-entrypoint hyperopt list`: list the epochs of a hyperopt."""

import argparse
import json
from collections.abc import Mapping, Sequence

from tradai.entrypoint._commands.console import print_csv, print_json, print_table, print_text
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
    """Print the chosen epochs, the best first."""
    _, epochs = epochs_of(args, interrupts=interrupts)
    shown = best_first([each for each in epochs if _is_chosen(each, args)], args.sort)[: args.first]
    if args.json:
        print_json([epoch_json(each) for each in shown])
    elif args.csv:
        _print_csv(shown)
    elif shown:
        names = _names(shown)
        rows = [epoch_cells(each) | _parameter_cells(each, names) for each in shown]
        print_table(tuple(rows[0]), (tuple(row.values()) for row in rows))
    else:
        print_text(f"none of {len(epochs)} epochs is as asked for")
    return 0


def _is_chosen(epoch: Epoch, args: argparse.Namespace) -> bool:
    most = epoch.trades if args.max_trades is None else args.max_trades
    is_profitable = epoch.profit_ratio > 0 or not args.profitable
    return args.min_trades <= epoch.trades <= most and is_profitable


def _names(epochs: Sequence[Epoch]) -> list[str]:
    return list(dict.fromkeys(name for epoch in epochs for name in epoch.parameters))


def _parameter_cells(epoch: Epoch, names: Sequence[str]) -> dict[str, str]:
    parameters = epoch.parameters
    return {name: result_text(parameters.get(name)) for name in names}


def _print_csv(epochs: Sequence[Epoch]) -> None:
    names = _names(epochs)
    facts = ("epoch", "loss", "trades", "profit_percent", "max_drawdown_percent")
    rows = ((epoch_json(each), each.parameters) for each in epochs)
    print_csv(
        (*facts, *names),
        (
            (*map(values.get, facts), *(_csv_cell(parameters.get(name)) for name in names))
            for values, parameters in rows
        ),
    )


def _csv_cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, Mapping) else value
