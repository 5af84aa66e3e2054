"""`tradai-entrypoint completion`: a completion script for the shell, made by shtab."""

import argparse
import sys

import shtab

from tradai.entrypoint._interrupts import Interrupts

__all__ = ["execute"]


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the script for `args.shell`."""
    del interrupts
    from tradai.entrypoint._cli import build_parser

    sys.stdout.write(shtab.complete(build_parser(), shell=args.shell))
    return 0
