"""Grammar of the commands on strategy folders."""

from pathlib import Path

from tradai.entrypoint._commands.flags import Commands, add_output, words


def add_init(commands: Commands) -> None:
    """Add `init`."""
    parser = commands.add_parser(
        "init",
        help="make a strategy folder, new or from a configuration of Freqtrade",
        description="Make a folder with a strategy that runs: a small one to be changed, or, with "
        "--from-freqtrade, the one of an existing configuration. Each key of that configuration is "
        "mapped, left to a secret reference, or listed with the reason. Nothing is overwritten.",
    )
    parser.set_defaults(module="strategies.init")
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        help="new folder, or . for an empty one (default: the class)",
    )
    parser.add_argument(
        "--from-freqtrade",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="configuration files of Freqtrade; later ones go over earlier ones",
    )
    parser.add_argument(
        "--strategy",
        metavar="CLASS",
        type=words("the name of a class"),
        help="class of the strategy",
    )
    parser.add_argument(
        "--strategy-path", metavar="DIR", type=Path, help="folder of the class, as in Freqtrade"
    )
    parser.add_argument(
        "--params",
        metavar="FILE",
        type=Path,
        help="parameter file of the class (default: the one beside it)",
    )
    parser.add_argument(
        "--timeframe",
        metavar="LENGTH",
        type=words("a length, such as 15m"),
        help="candles of a new strategy, such as 15m (default: 5m)",
    )
    add_output(parser)
