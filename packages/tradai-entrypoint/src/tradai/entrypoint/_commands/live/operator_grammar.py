"""Command-line grammar of operators: status, stop, resume and approvals."""

import argparse
from typing import Final

from tradai.entrypoint._commands.flags import (
    Commands,
    add_folder,
    add_output,
    add_verbs,
    whole_number,
    words,
)

_SESSION: Final = (
    "name of the session, by default that of the strategy in small letters; or id of a dry-run"
)


def add_operators(commands: Commands) -> None:
    """Add the commands `status`, `stop`, `resume` and `approvals`."""
    _add_status(commands)
    _add_stop(commands)
    _add_resume(commands)
    _add_approvals(commands)


def _add_status(commands: Commands) -> None:
    parser = commands.add_parser(
        "status",
        help="show live sessions, or ask a dry-run",
        description="Show the sessions in the session store (TRADAI_LIVE_SESSIONS), from any "
        "machine that reaches it: state, heartbeat, progress, and the request that waits. Of a "
        "dry-run on this machine: open trades, profit, last candle, last error.",
    )
    parser.set_defaults(module="live.status")
    parser.add_argument(
        "session", metavar="SESSION", nargs="?", help=f"{_SESSION}; all sessions without it"
    )
    parser.add_argument(
        "--watch", action="store_true", help="show a dry-run each time it reports, until it ends"
    )
    add_folder(parser)
    add_output(parser)


def _add_stop(commands: Commands) -> None:
    parser = commands.add_parser(
        "stop",
        help="stop, pause or continue a live session or a dry-run",
        description="Leave a request in the record of a session or a dry-run, which obeys it at "
        "its next heartbeat, and wait until it has. Ctrl-C ends only the waiting.",
    )
    parser.set_defaults(module="live.stop", wanted="stopped")
    parser.add_argument("session", metavar="SESSION", help=_SESSION)
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument(
        "--pause",
        dest="wanted",
        action="store_const",
        const="paused",
        help="open no position, and keep those that are open",
    )
    wanted.add_argument(
        "--run",
        dest="wanted",
        action="store_const",
        const="running",
        help="go on after a pause",
    )
    parser.add_argument(
        "--detach", action="store_true", help="return once the request is in the record"
    )
    _add_reason(parser)
    add_folder(parser)
    add_output(parser)


def _add_resume(commands: Commands) -> None:
    parser = commands.add_parser(
        "resume",
        help="clear a halt, so that trading may start again",
        description="Clear the halt that stands (TRADAI_LIVE_LATCH) with a reason. When several "
        "halts were recorded, or a new one meanwhile, it asks for the number of the newest.",
    )
    parser.set_defaults(module="live.resume")
    parser.add_argument("--session", metavar="NAME", help="clear only a halt of this session")
    parser.add_argument(
        "--halt", metavar="NUMBER", type=whole_number(1), help="the newest halt, in a script"
    )
    parser.add_argument(
        "--lost",
        action="store_true",
        help="record a halt of the session first that the latch has lost",
    )
    parser.add_argument(
        "--new-marks",
        action="store_true",
        help="measure losses anew from the next session on, for each strategy on this latch",
    )
    _add_reason(parser)
    add_output(parser)


def _add_approvals(commands: Commands) -> None:
    verbs = add_verbs(commands, "approvals", "list, show and revoke approvals of live trading")
    listing = verbs.add_parser("list", help="list the approvals of a strategy, newest first")
    show = verbs.add_parser("show", help="show one approval")
    revoke = verbs.add_parser("revoke", help="end an approval for good")
    for name, verb in (("list", listing), ("show", show), ("revoke", revoke)):
        verb.set_defaults(module=f"live.approvals_{name}")
        verb.add_argument("strategy", metavar="STRATEGY", help="name of the strategy")
        if name != "list":
            verb.add_argument("approval", metavar="ID", help="id, or a unique prefix of one")
        add_output(verb)
    _add_reason(revoke)


def _add_reason(parser: argparse.ArgumentParser) -> None:
    sentence = "a sentence for people"
    parser.add_argument(
        "--reason", metavar="TEXT", type=words(sentence), required=True, help=sentence
    )
    parser.add_argument(
        "--by",
        metavar="NAME",
        type=words("the name of a person"),
        help="your name (default: that of this login)",
    )
