"""Command-line grammar of `approve`; importing it imports no command."""

from tradai.core import TradingMode
from tradai.entrypoint._commands.flags import Commands, add_run_arguments


def add_approve(commands: Commands) -> None:
    """Add the command `approve`."""
    parser = commands.add_parser(
        "approve",
        help="show what would trade live, and approve it",
        description="Show the plan of a live session, its differences to the last dry-run of the "
        "strategy, and the account of the configured key; ask for the digest of the plan, and "
        "store the approval. No order is sent.",
    )
    parser.set_defaults(module="live.approve")
    add_run_arguments(parser, mode=TradingMode.LIVE)
    parser.add_argument("--approver", metavar="NAME", required=True, help="person who approves")
    parser.add_argument(
        "--expires-in", metavar="DURATION", required=True, help="how long it counts, e.g. 7d"
    )
    parser.add_argument(
        "--largest-stake",
        metavar="AMOUNT",
        required=True,
        help="largest stake of one trade, in the stake currency",
    )
    parser.add_argument(
        "--order-policy",
        choices=("keep", "cancel-entries", "cancel-all", "flatten"),
        required=True,
        help="treatment of open orders and positions at a stop",
    )
    parser.add_argument(
        "--limit",
        metavar="RISK:STEP=VALUE,...",
        action="append",
        required=True,
        help="limit of a risk, once for each, e.g. drawdown:release=0.03,pause=0.05,halt=0.1",
    )
    parser.add_argument(
        "--without-bias-check",
        metavar="REASON",
        help="approve a source that `analyse --bias` has not found clean; the reason is recorded",
    )
