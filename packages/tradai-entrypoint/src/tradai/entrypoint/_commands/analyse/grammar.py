"""Command-line grammar of `analyse`; importing it imports no command."""

import argparse

from tradai.core import TradingMode
from tradai.entrypoint._commands.flags import (
    Commands,
    add_limit,
    add_logging,
    add_output,
    add_run_arguments,
    whole_number,
)


def add_analyse(commands: Commands) -> None:
    """Add the command `analyse`."""
    parser = commands.add_parser(
        "analyse",
        help="check whether a backtest can be believed",
        description="Check whether the backtest of a strategy can be believed. Exit code 76 "
        "says that --bias found some, 65 that it could check too little.",
    )
    add_run_arguments(parser, mode=TradingMode.BACKTEST)
    analysis = parser.add_mutually_exclusive_group(required=True)
    analysis.add_argument(
        "--bias",
        dest="module",
        action="store_const",
        const="analyse.bias",
        help="look for signals and indicators that read candles of the future",
    )
    analysis.add_argument(
        "--robust",
        dest="module",
        action="store_const",
        const="analyse.robust",
        help="say how much of the profit is left with shaken numbers, higher costs, resampled "
        "trades, and on candles after those that chose the numbers",
    )
    _add_robust(parser)
    add_output(parser)
    add_logging(parser)


def _add_robust(parser: argparse.ArgumentParser) -> None:
    robust = parser.add_argument_group("of --robust")
    robust.add_argument(
        "--sets",
        metavar="N",
        type=whole_number(0),
        default=8,
        help="sets of shaken numbers (default: 8)",
    )
    robust.add_argument(
        "--shake",
        metavar="PERCENT",
        type=float,
        default=5.0,
        help="largest change of a shaken number (default: 5)",
    )
    robust.add_argument(
        "--seed", metavar="N", type=int, default=1, help="seed of the random numbers (default: 1)"
    )
    robust.add_argument(
        "--walk-forward",
        metavar="TRAINING/TEST",
        default="auto",
        help="choose the best numbers on each training range and run them on the range after it, "
        "such as 90d/30d, or none (default: three windows, if range and trades allow)",
    )
    add_limit(robust)
    robust.add_argument(
        "--analyses",
        metavar="DIR",
        default=".tradai/analyses",
        help="folder of results (default: .tradai/analyses)",
    )
