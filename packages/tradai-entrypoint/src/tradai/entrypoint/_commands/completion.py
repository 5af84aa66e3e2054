"""`tradai-entrypoint completion`: print a shell completion script, made by shtab."""

import argparse
import sys

import shtab

from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the script for `args.shell`."""
    del interrupts
    sys.stdout.write(shtab.complete(args.build_parser(), shell=args.shell))
    return 0
