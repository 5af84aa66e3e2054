"""Entry point of the process: signals are watched before anything heavy is imported."""

import sys

from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.output import open_missing_descriptors


def main() -> int:
    """Run the command line of `tradai-entrypoint`; the return value is the exit code."""
    open_missing_descriptors()
    with Interrupts(hangup=True) as interrupts:
        from tradai.entrypoint._cli import run_command

        return run_command(sys.argv[1:], interrupts=interrupts)
