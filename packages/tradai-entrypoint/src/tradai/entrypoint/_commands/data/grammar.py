"""Grammar of the commands that look at candle folders."""

from tradai.entrypoint._commands.flags import Commands, add_output


def add_looks(verbs: Commands) -> None:
    """Add the verbs that look at a candle folder."""
    _add_list(verbs)


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
