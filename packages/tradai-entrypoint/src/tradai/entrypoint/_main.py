"""Entry point of the process: signals are watched before anything heavy is imported.

Not even `typing` is imported here: Ctrl-C gives a traceback until `main` is called.
"""

import gc
import os
import sys

# Imports make some 100,000 objects and hardly any garbage. With Python's own threshold of 700, a
# tenth of the CPU time of a short command goes into looking for it.
_GARBAGE_THRESHOLD = 50_000
# A shell that asks for completions sets it, in the script that `completion` prints.
_COMPLETION = "_ARGCOMPLETE"
# `ExitCode.INTERRUPTED`, which may not have been imported.
_INTERRUPTED = 130


def main() -> int:
    """Run the command line of `tradai-entrypoint`; the return value is the exit code.

    The process is to end with it: SIGTERM, SIGINT and SIGHUP are ignored from then on.
    """
    try:
        return _main()
    except KeyboardInterrupt:
        # Before the signals are watched, so that nothing has begun.
        return _INTERRUPTED


def _main() -> int:
    # Here, as Ctrl-C during these imports gave a traceback.
    from tradai.entrypoint._process.interrupts import Interrupts
    from tradai.entrypoint._process.output import open_missing_descriptors

    gc.set_threshold(_GARBAGE_THRESHOLD)
    open_missing_descriptors()
    if _COMPLETION in os.environ:
        _complete()
    with Interrupts(hangup=True) as interrupts:
        from tradai.entrypoint._cli import run_command

        try:
            return run_command(sys.argv[1:], interrupts=interrupts)
        finally:
            interrupts.ignore()


def _complete() -> None:
    from tradai.entrypoint._cli import build_parser
    from tradai.entrypoint._commands.completion.answer import answer

    answer(build_parser())
