"""Command-line grammar of `runs`, `report` and `sync`; importing it imports no command."""

import argparse
from typing import Final

from tradai.core import TradingMode
from tradai.entrypoint._commands.flags import (
    RUN,
    Commands,
    add_comparisons,
    add_folder,
    add_output,
    add_store,
    add_table_output,
    add_verbs,
    add_words,
    whole_number,
)
from tradai.entrypoint._history.run_need import RunNeed
from tradai.entrypoint._store.names import BIAS_MODE, LISTED_STATES

# Further back there is no calendar.
_MOST_DAYS: Final = 100_000
_MODES: Final = [*(each.value for each in TradingMode), BIAS_MODE]


def add_runs(commands: Commands) -> None:
    """Add the commands `runs`."""
    verbs = add_verbs(commands, "runs", "list, show, compare, prune, push and pull runs")
    _add_list(verbs)
    _add_prune(verbs)
    show = verbs.add_parser("show", help="show one run")
    show.set_defaults(module="runs.show")
    show.add_argument("run", metavar="RUN", help=RUN)
    diff = verbs.add_parser("diff", help="compare two runs")
    diff.set_defaults(module="runs.diff")
    diff.add_argument("run", metavar="RUN", help="first run")
    diff.add_argument("other", metavar="OTHER", help="second run")
    for verb in (show, diff, _add_push(verbs), _add_pull(verbs)):
        add_folder(verb)
        add_store(verb)
        add_output(verb)


def _add_list(verbs: Commands) -> None:
    listing = verbs.add_parser("list", help="list runs, newest first")
    listing.set_defaults(module="runs.list")
    listing.add_argument("--mode", choices=_MODES, help="runs of this mode")
    listing.add_argument(
        "--strategy", metavar="NAME", help="runs of this strategy, or of those whose names begin so"
    )
    listing.add_argument(
        "--state",
        choices=LISTED_STATES,
        help="runs in this state; refused are those that failed before an engine was started",
    )
    listing.add_argument(
        "--all",
        action="store_true",
        help="also the runs of sweeps, comparisons, analyses and verifications, and refused runs",
    )
    listing.add_argument(
        "--sort",
        choices=("profit", "drawdown", "trades"),
        help="the best first; the drawdown is that with open positions, where it is known",
    )
    add_folder(listing)
    add_store(listing)
    add_table_output(listing)


def _add_prune(verbs: Commands) -> None:
    prune = verbs.add_parser(
        "prune",
        help="remove old runs from the folder of runs",
        description="Show which runs would be removed from the folder of runs, or remove them. "
        "Runs that go on, LIVE runs and runs whose facts wait for a tracking server stay, "
        "and so do those that are needed, unless --also names the reason: dry-runs with open "
        "trades, runs whose process was killed, runs that another one goes on with or repeats, the "
        "last analysis for bias of each source, and runs that a page of a sweep, a comparison or "
        "an analysis links to. The run store is not touched.",
    )
    prune.set_defaults(module="runs.prune")
    prune.add_argument(
        "--keep",
        metavar="N",
        type=whole_number(0),
        help="keep the N newest runs; parts of others, refused ones and analyses for bias do "
        "not count",
    )
    prune.add_argument(
        "--older-than",
        metavar="DAYS",
        type=whole_number(0, _MOST_DAYS),
        help="keep the runs of the last DAYS days",
    )
    prune.add_argument("--mode", choices=_MODES, help="runs of this mode alone")
    prune.add_argument(
        "--also",
        choices=[each.value for each in RunNeed],
        action="append",
        default=[],
        help="remove needed runs of this kind too",
    )
    prune.add_argument("--yes", action="store_true", help="remove them")
    add_folder(prune)
    add_output(prune)


def _add_push(
    verbs: Commands,
) -> argparse.ArgumentParser:
    push = verbs.add_parser(
        "push",
        help="send runs to the run store",
        description="Send to the run store what it lacks of runs that have ended.",
    )
    push.set_defaults(module="runs.push")
    chosen = push.add_mutually_exclusive_group(required=True)
    chosen.add_argument("run", metavar="RUN", nargs="?", help=RUN)
    chosen.add_argument("--all", action="store_true", help="every run that the store lacks")
    return push


def _add_pull(
    verbs: Commands,
) -> argparse.ArgumentParser:
    pull = verbs.add_parser("pull", help="copy a run from the run store into the folder of runs")
    pull.set_defaults(module="runs.pull")
    pull.add_argument("run", metavar="RUN", help=RUN)
    return pull


def add_report(commands: Commands) -> None:
    """Add the command `report`."""
    parser = commands.add_parser(
        "report",
        help="make the report of a run again, or compare runs",
        description="Of one run: make its report again from the files in its folder, and print its "
        "path. Of several: write a page that compares them, with JSON and Parquet beside it, and "
        "print the figures with their differences from the first run. A run in the run store is "
        "copied into the folder of runs first.",
    )
    parser.set_defaults(module="report")
    add_words(parser, "run", metavar="RUN", nargs="+", text=RUN)
    text = "candles of the time of a dry-run, to show its slippage against a backtest: path or URI"
    parser.add_argument("--data", metavar="DIR", help=text)
    add_comparisons(parser)
    add_folder(parser)
    add_store(parser)
    add_output(parser)


def add_sync(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `sync`."""
    parser = commands.add_parser(
        "sync",
        help="send what waits for the tracking server",
        description="Send to the tracking server (MLFLOW_TRACKING_URI) what waits for it, of the "
        "runs on this machine and in the run store. Runs whose process is gone are closed there.",
    )
    parser.set_defaults(module="sync")
    text = "a run, or a folder of runs (default: all)"
    add_words(parser, "folders", metavar="FOLDER", nargs="*", text=text)
    parser.add_argument(
        "--dead",
        metavar="RUN",
        action="append",
        default=[],
        help="run in the run store whose process is gone; it is closed",
    )
    add_folder(parser)
    add_store(parser)
    add_output(parser)
