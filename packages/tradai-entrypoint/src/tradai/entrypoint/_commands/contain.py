"""`tradai-entrypoint contain`: become the first process of a container."""

import argparse
import os
import signal
import sys

from tradai.entrypoint._jobs import contain
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Become the small program that runs the command; return only when a signal came before."""
    # It unblocks them when it can pass them on, so that none is lost in between.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    if interrupts.received is None:
        program = [sys.executable, "-I", "-S", contain.__file__, *args.command]
        # To become the given program is the purpose; it does not pass through a shell.
        os.execv(program[0], program)  # noqa: S606
    return 128 + interrupts.received
