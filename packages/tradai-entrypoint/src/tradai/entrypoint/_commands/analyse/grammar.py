"""Command-line grammar of `analyse`; importing it imports no command."""

import argparse
from typing import Any, Final

from tradai.core import TradingMode
from tradai.entrypoint._commands.flags import (
    Commands,
    add_limit,
    add_logging,
    add_output,
    add_run_arguments,
    whole_number,
)

_BIAS: Final = "analyse.bias"
_ROBUST: Final = "analyse.robust"
_FLAGS: Final = {_BIAS: "--bias", _ROBUST: "--robust"}


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
        action=_Analysis,
        const=_BIAS,
        help="look for signals and indicators that read candles of the future",
    )
    analysis.add_argument(
        "--robust",
        dest="module",
        action=_Analysis,
        const=_ROBUST,
        help="say how much of the profit is left with shaken numbers, higher costs, resampled "
        "trades, and on candles after those that chose the numbers",
    )
    _add_bias(parser)
    _add_robust(parser)
    add_output(parser)
    add_logging(parser)


class _Analysis(argparse.Action):
    """Choice of the analysis; it refuses flags of the other one that came before it."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse gives what it has
        super().__init__(nargs=0, **options)

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object
    ) -> None:
        setattr(namespace, self.dest, self.const)
        for flag, owner in getattr(namespace, "of_one", ()):
            _refuse_of_other(parser, namespace, flag, owner)


class _OfOne(argparse.Action):
    """Flag of one analysis, which the other one does not read."""

    owner: str

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        *_: object,
    ) -> None:
        setattr(namespace, self.dest, values)
        flag = self.option_strings[0]
        namespace.of_one = [*getattr(namespace, "of_one", ()), (flag, self.owner)]
        _refuse_of_other(parser, namespace, flag, self.owner)


class _OfBias(_OfOne):
    owner = _BIAS


class _OfRobust(_OfOne):
    owner = _ROBUST


def _refuse_of_other(
    parser: argparse.ArgumentParser, namespace: argparse.Namespace, flag: str, owner: str
) -> None:
    if namespace.module not in {None, owner}:
        other = _FLAGS[namespace.module]
        relation = f"is a flag of {_FLAGS[owner]}, and {other} does not read it"
        parser.error(f"{flag} {relation}: take it out")


def _add_bias(parser: argparse.ArgumentParser) -> None:
    bias = parser.add_argument_group("of --bias")
    bias.add_argument(
        "--trades",
        action=_OfBias,
        metavar="N",
        type=whole_number(10),
        default=20,
        help="trades to check, each with two more backtests (default: 20)",
    )


def _add_robust(parser: argparse.ArgumentParser) -> None:
    robust = parser.add_argument_group("of --robust")
    robust.add_argument(
        "--sets",
        action=_OfRobust,
        metavar="N",
        type=whole_number(0),
        default=8,
        help="sets of shaken numbers (default: 8)",
    )
    robust.add_argument(
        "--shake",
        action=_OfRobust,
        metavar="PERCENT",
        type=float,
        default=5.0,
        help="largest change of a shaken number (default: 5)",
    )
    robust.add_argument(
        "--seed",
        action=_OfRobust,
        metavar="N",
        type=int,
        default=1,
        help="seed of the random numbers (default: 1)",
    )
    robust.add_argument(
        "--walk-forward",
        action=_OfRobust,
        metavar="TRAINING/TEST",
        default="auto",
        help="choose the best numbers on each training range and run them on the range after it, "
        "such as 90d/30d, or none (default: three windows, if range and trades allow)",
    )
    add_limit(robust, action=_OfRobust)
    robust.add_argument(
        "--analyses",
        action=_OfRobust,
        metavar="DIR",
        default=".tradai/analyses",
        help="folder of results (default: .tradai/analyses)",
    )
