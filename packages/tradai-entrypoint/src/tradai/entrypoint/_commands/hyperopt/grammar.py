"""Command-line grammar of `hyperopt`; importing it imports no command."""

from tradai.entrypoint._commands.flags import (
    RUN,
    Commands,
    add_folder,
    add_output,
    add_store,
    add_table_output,
    add_verbs,
    whole_number,
)


def add_hyperopt(commands: Commands) -> None:
    """Add the commands `hyperopt`."""
    verbs = add_verbs(commands, "hyperopt", "list and show the epochs of a hyperopt")
    listing = verbs.add_parser(
        "list",
        help="list the epochs of a run, the best first",
        description="List the epochs of a hyperopt, the best first. Epochs without enough trades "
        "to be ranked come last.",
    )
    listing.set_defaults(module="hyperopt.list")
    listing.add_argument("run", metavar="RUN", help=RUN)
    listing.add_argument(
        "--sort",
        choices=("loss", "profit", "drawdown", "trades", "epoch"),
        default="loss",
        help="the best first (default: loss); the drawdown is that of closed trades",
    )
    listing.add_argument(
        "--min-trades", metavar="N", type=whole_number(0), default=0, help="at least N"
    )
    listing.add_argument("--max-trades", metavar="N", type=whole_number(0), help="at most N trades")
    listing.add_argument("--profitable", action="store_true", help="epochs with a profit")
    listing.add_argument(
        "--first", metavar="N", type=whole_number(1), help="the first N of the list"
    )
    show = verbs.add_parser("show", help="show one epoch and its parameters")
    show.set_defaults(module="hyperopt.show")
    show.add_argument("run", metavar="RUN", help=RUN)
    show.add_argument(
        "epoch",
        metavar="EPOCH",
        type=whole_number(1),
        nargs="?",
        help="its number (default: the best)",
    )
    show.add_argument(
        "--patch",
        metavar="FILE",
        help="write its parameters as a new file, for --patch of other commands",
    )
    add_table_output(listing)
    add_output(show)
    for verb in (listing, show):
        add_folder(verb)
        add_store(verb)
