"""Ask the kernel to kill this process when its parent dies, then exec the engine.

Run as a script, isolated and without site packages, so that it costs a few milliseconds:
``python -I -S exec_child.py PARENT COMMAND...``. It may import nothing but the standard library.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

# <linux/prctl.h>
_PR_SET_PDEATHSIG: Final = 1


def child_command(command: Sequence[str]) -> list[str]:
    """Return the command that starts `command` as a child of this process and ends with it.

    On Linux the kernel kills the child when the thread that started it ends, however that
    happens. Elsewhere only an orderly end of this process ends the child.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> None:
    """Become the command in `arguments`, whose first item is the parent's process id."""
    parent, *command = arguments
    if sys.platform == "linux":
        _die_with_parent()
    if os.getppid() != int(parent):
        # The parent died before the kernel was asked, so nothing would ever stop the engine.
        sys.exit("the parent process is gone")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # To become the given program is the purpose; it does not pass through a shell.
    os.execvp(command[0], command)  # noqa: S606


def _die_with_parent() -> None:
    # Only the child needs it, and only on Linux.
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
