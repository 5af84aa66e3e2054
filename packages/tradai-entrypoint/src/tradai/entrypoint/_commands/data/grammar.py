"""Command-line grammar of `data`; importing it imports no command."""

import argparse

from tradai.entrypoint._commands.flags import (
    Commands,
    add_config,
    add_logging,
    add_output,
    add_table_output,
    add_verbs,
)


def add_data(commands: Commands) -> None:
    """Add the commands `data`."""
    verbs = add_verbs(commands, "data", "download candles, look at folders, send and bring them")
    _add_download(verbs)
    _add_list(verbs)
    _add_check(verbs)
    _add_convert(verbs)
    _add_push_and_pull(verbs)


def _add_download(verbs: Commands) -> None:
    download = verbs.add_parser(
        "download",
        help="download candles through the engine (online)",
        description="Download the candles that a configuration needs from the exchange, through "
        "the engine, into the data folder, and capture the market rules beside them.",
    )
    download.set_defaults(module="data.download")
    add_config(download)
    download.add_argument("--data", metavar="DIR", required=True, help="folder for the candles")
    download.add_argument(
        "--timerange", metavar="RANGE", required=True, help="e.g. 20250101-20250401, or 20250101-"
    )
    download.add_argument("--exchange-url", metavar="URL", help="a loopback exchange (tests)")
    add_logging(download)


def _add_list(verbs: Commands) -> None:
    parser = verbs.add_parser(
        "list",
        help="list the series of a candle folder",
        description="List pair, timeframe, kind, range, candles and gaps of every series in a "
        "folder of candles, in the layout of Freqtrade or of tradai.",
    )
    parser.set_defaults(module="data.list")
    _add_folder(parser)
    add_table_output(parser)


def _add_check(verbs: Commands) -> None:
    parser = verbs.add_parser(
        "check",
        help="look for faults in the rows of a candle folder",
        description="Look at every row of every series in a folder: order, repeated and missing "
        "candles, impossible prices, half-written files. Say what a backtest would do with each "
        "finding. The exit code is 65 when one is a fault.",
    )
    parser.set_defaults(module="data.check")
    _add_folder(parser)
    parser.add_argument("--strict", action="store_true", help="a note is a fault too")
    add_output(parser)


def _add_convert(verbs: Commands) -> None:
    parser = verbs.add_parser(
        "convert",
        help="write a candle folder in another format or timeframe",
        description="Write the series of a folder into another one, in a format of Freqtrade. "
        "With --from and --timeframe, make longer candles of shorter ones, or candles of trades.",
    )
    parser.set_defaults(module="data.convert")
    parser.add_argument("folder", metavar="FOLDER", help="folder to read")
    parser.add_argument("target", metavar="TARGET", help="folder to write")
    parser.add_argument(
        "--to",
        choices=("json", "json.gz", "feather", "parquet"),
        default="parquet",
        help="format to write (default: parquet)",
    )
    parser.add_argument(
        "--from", dest="source", metavar="TIMEFRAME", help="or trades: what to read"
    )
    parser.add_argument("--timeframe", metavar="TIMEFRAME", help="candles to make, e.g. 1h")
    parser.add_argument(
        "--force", action="store_true", help="replace series that are there, in any format"
    )
    add_output(parser)


def _add_push_and_pull(verbs: Commands) -> None:
    push = verbs.add_parser(
        "push",
        help="send a data folder to a store",
        description="Send a data folder to a store. Files that are there unchanged are not sent.",
    )
    pull = verbs.add_parser(
        "pull",
        help="bring a data folder from a store",
        description="Bring a data folder from a store. Files that are here unchanged are not read.",
    )
    for name, verb in (("push", push), ("pull", pull)):
        verb.set_defaults(module=f"data.{name}")
        _add_folder(verb)
        verb.add_argument("uri", metavar="URI", help="folder in a store, e.g. s3://bucket/candles/")
        verb.add_argument(
            "--delete", action="store_true", help="remove what only the side written to has"
        )
        add_output(verb)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="folder on this machine")
