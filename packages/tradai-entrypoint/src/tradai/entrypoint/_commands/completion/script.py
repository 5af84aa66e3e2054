"""`tradai-entrypoint completion`: print a shell completion script, made by argcomplete."""

import argparse
import sys

from argcomplete.shell_integration import shellcode

from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the script for `args.shell`."""
    del interrupts
    sys.stdout.write(shellcode([args.program], shell=args.shell, use_defaults=False).lstrip())
    return 0
