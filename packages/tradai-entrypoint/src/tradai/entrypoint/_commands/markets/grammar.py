"""Command-line grammar of `markets`; importing it imports no command."""

import argparse

from tradai.entrypoint._commands.flags import Commands, add_config, add_verbs


def add_markets(commands: Commands) -> None:
    """Add the command `markets`."""
    verbs = add_verbs(commands, "markets", "capture market rules, or make them")
    _add_capture(verbs)
    _add_make(verbs)


def _add_capture(verbs: Commands) -> None:
    capture = verbs.add_parser(
        "capture",
        help="capture the exchange's market rules (online)",
        description="Write a snapshot of the exchange's market rules (tick, step, minimum) for "
        "the pairs of a configuration beside its candles; backtests use these rules. Of an "
        "exchange other than Binance, the answers are kept from which the engine loads them.",
    )
    capture.set_defaults(module="markets.capture")
    add_config(capture)
    _add_place(capture)
    capture.add_argument(
        "--exchange-url", metavar="URL", help="an address in place of the exchange's"
    )


def _add_make(verbs: Commands) -> None:
    make = verbs.add_parser(
        "make",
        help="make market rules without the exchange",
        description="Write market rules for a backtest without internet, from a YAML file or "
        "from flags. A run that uses them says that they were made; LIVE refuses them.",
    )
    make.set_defaults(module="markets.make")
    make.add_argument("--rules", metavar="FILE", help="YAML with tick, step, min_notional by pair")
    make.add_argument(
        "--pair", metavar="PAIR", action="append", default=[], help="pair of the flags; repeatable"
    )
    make.add_argument("--tick", metavar="NUMBER", help="smallest change of a price")
    make.add_argument("--step", metavar="NUMBER", help="smallest change of an amount")
    make.add_argument("--min-notional", metavar="NUMBER", help="smallest value of an order")
    make.add_argument("--maker-fee", metavar="RATIO", help="fee of orders that wait, as 0.001")
    make.add_argument("--taker-fee", metavar="RATIO", help="fee of orders that are filled at once")
    make.add_argument("--note", metavar="TEXT", help="where the numbers are from")
    present = make.add_mutually_exclusive_group()
    present.add_argument("--add", action="store_true", help="add the pairs to made rules")
    present.add_argument("--force", action="store_true", help="replace rules that are there")
    _add_place(make)


def _add_place(parser: argparse.ArgumentParser) -> None:
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--data", metavar="DIR", help="candles: path or URI, in a folder")
    place.add_argument("--markets", metavar="FILE", help="file to write")
