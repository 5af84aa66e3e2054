"""Command-line grammar of `analyse`; importing it imports no command."""

from tradai.core import TradingMode
from tradai.entrypoint._commands.flags import (
    Commands,
    add_logging,
    add_output,
    add_run_arguments,
)


def add_analyse(commands: Commands) -> None:
    """Add the command `analyse`."""
    parser = commands.add_parser(
        "analyse",
        help="check whether a backtest can be believed",
        description="Check whether the backtest of a strategy can be believed. The result is a "
        "run of its own. Exit code 76 says that bias was found, 65 that too little was checked.",
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
    add_output(parser)
    add_logging(parser)
