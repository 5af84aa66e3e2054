"""`tradai-entrypoint hyperopt list`: list the epochs of a hyperopt."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence

from tradai.entrypoint._commands.console import print_csv, print_json, print_table, print_text
from tradai.entrypoint._commands.hyperopt.epochs_of import best_first, epoch_json, epochs_of
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.formatting import percent, result_text
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
        heads = ("epoch", "loss", "trades", "profit", "closed drawdown", *names)
        print_table(heads, (tuple(_cells(each, names)) for each in shown))
    else:
        print_text(f"none of {len(epochs)} epochs is as asked for")
    return 0


def _is_chosen(epoch: Epoch, args: argparse.Namespace) -> bool:
    most = epoch.trades if args.max_trades is None else args.max_trades
    is_profitable = epoch.profit_ratio > 0 or not args.profitable
    return args.min_trades <= epoch.trades <= most and is_profitable


def _names(epochs: Sequence[Epoch]) -> list[str]:
    return list(dict.fromkeys(name for epoch in epochs for name in epoch.parameters))


def _cells(epoch: Epoch, names: Sequence[str]) -> Iterator[str]:
    fall = epoch.drawdown_ratio
    yield str(epoch.number)
    yield f"{epoch.loss:.6g}" if epoch.is_ranked else "not ranked"
    yield str(epoch.trades)
    yield percent(epoch.profit_ratio, with_sign=True)
    yield percent(None if fall is None else 0.0 - fall, with_sign=True)
    parameters = epoch.parameters
    yield from (result_text(parameters.get(name)) for name in names)


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
