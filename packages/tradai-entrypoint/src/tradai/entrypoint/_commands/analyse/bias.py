"""`tradai-entrypoint analyse --bias`: look for signals that read candles of the future."""

import argparse

from tradai.core import SystemClock
from tradai.entrypoint._commands.arguments import read_settings, start_logging
from tradai.entrypoint._commands.run import print_result
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._store.names import new_bias_id
from tradai.entrypoint.freqtrade import BiasEntrypoint


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Analyse, print the result and return the exit code."""
    start_logging(args)
    settings, request = read_settings(args)
    entrypoint = BiasEntrypoint(
        settings.model_copy(update={"id": new_bias_id(SystemClock().now())}),
        request=request,
        interrupts=interrupts,
        progress=Progress(enabled=not args.json, has_lines=True),
    )
    entrypoint.most_trades = args.trades
    verdict = entrypoint.run_to_verdict()
    print_result(entrypoint.record, verdict, settings.folder, as_json=args.json)
    return int(verdict.exit_code)
