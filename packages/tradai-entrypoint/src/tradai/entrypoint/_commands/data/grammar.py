"""Grammar of the commands that look at candle folders."""

from tradai.entrypoint._commands.flags import Commands, add_output


def add_looks(verbs: Commands) -> None:
    """Add the verbs that look at a candle folder."""
    _add_list(verbs)
    _add_check(verbs)
    _add_convert(verbs)


def _add_list(verbs: Commands) -> None:
    parser = verbs.add_parser(
        "list",
        help="list the series of a candle folder",
        description="List pair, timeframe, kind, range, candles and gaps of every series in a "
        "folder of candles, in the layout of Freqtrade or of tradai.",
    )
    parser.set_defaults(module="data.list")
    parser.add_argument("folder", metavar="FOLDER", help="folder on this machine")
    parser.add_argument("--csv", action="store_true", help="print CSV")
    add_output(parser)


def _add_check(verbs: Commands) -> None:
    parser = verbs.add_parser(
        "check",
        help="look for faults in the rows of a candle folder",
        description="Look at every row of every series in a folder: order, repeated and missing "
        "candles, impossible prices, half-written files. Say what a backtest would do with each "
        "finding. The exit code is 65 when one is a fault.",
    )
    parser.set_defaults(module="data.check")
    parser.add_argument("folder", metavar="FOLDER", help="folder on this machine")
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
    parser.add_argument("--force", action="store_true", help="replace series that are there")
    add_output(parser)
