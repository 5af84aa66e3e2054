"""Commands that an adapter brings: they live in its distribution, as entrypoint imports none."""

import argparse
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Final

from tradai.entrypoint._commands.console import print_failure
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts

GROUP: Final = "tradai.commands"


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Run the command with the arguments that it parses itself, and return its exit code."""
    found = entry_points(group=GROUP, name=args.command)
    if not found:
        print_failure(f"{args.command} is a command of {args.distribution}: install it")
        return ExitCode.USAGE
    command: Callable[[Sequence[str]], int] = found[args.command].load()
    with interrupts.raising():
        try:
            return command(args.arguments)
        except SystemExit as exc:
            return exc.code if isinstance(exc.code, int) else ExitCode.USAGE
