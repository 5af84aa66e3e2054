"""First program of a child process: end with the parent process, then become the command.

Run as a script, isolated and without site packages, so that it costs a few milliseconds:
``python -I -S exec_child.py PARENT COMMAND...``. It may import nothing but the standard library.

The child leaves a guard behind, a process of its own that ends whatever the child started and left
when child or parent is gone. The kernel ends the child alone, and a process group has not the
members that made a group of their own, so the guard goes by a mark in their environments.
"""

import contextlib
import os
import select
import signal
import sys
import time

# Importing typing would take a tenth of the time that a child takes to start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

# <linux/prctl.h>
_PR_SET_PDEATHSIG: "Final" = 1
# Not TRADAI_*, where a variable that no setting reads is a mistake.
_MARK: "Final" = "_TRADAI_CHILD"
# Time that the parent has to end the child's group itself, as it does in an orderly end.
_ORDERLY_S: "Final" = 1.0
# A marked process may start another one while it is being ended.
_ROUNDS: "Final" = 20
_ROUND_S: "Final" = 0.05
# One look may miss a process that was started while it was taken.
_EMPTY_ROUNDS: "Final" = 2
# Where the kernel cannot report that a process ended, it is polled.
_POLL_S: "Final" = 0.5


def child_command(command: "Sequence[str]") -> list[str]:
    """Return the command that starts `command` as a child of this process and ends with it.

    It must be started in a session of its own. On Linux the kernel kills the child when the thread
    that started it ends, however that happens; elsewhere the guard kills it a moment later. On
    Linux everything that the child started is killed too.
    """
    return [*child_starter(), str(os.getpid()), *command]


def child_starter() -> list[str]:
    """Return the start of such a command; the parent's process id and the command follow."""
    return [sys.executable, "-I", "-S", __file__]


def main(arguments: "Sequence[str]") -> None:
    """Become the command in `arguments`, whose first item is the parent's process id."""
    parent, *command = arguments
    if sys.platform == "linux":
        _die_with_parent()
    if os.getppid() != int(parent):
        # The parent died before the kernel was asked, so nothing would ever stop the child.
        sys.exit("the parent process is gone")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.environ[_MARK] = mark = f"{parent}-{os.getpid()}-{time.monotonic_ns()}"
    _leave_guard(int(parent), os.getpid(), mark)
    # To become the given program is the purpose; it does not pass through a shell.
    os.execvp(command[0], command)  # noqa: S606


def _die_with_parent() -> None:
    # Only the child needs it, and only on Linux.
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _leave_guard(parent: int, child: int, mark: str) -> None:
    """Start the guard, and not as a child: the command may wait for all its children."""
    starter = os.fork()
    if starter:
        os.waitpid(starter, 0)
        return
    if os.fork() == 0:
        _release_everything()
        _await_end_of_one(parent, child)
        if _is_there(parent):
            time.sleep(_ORDERLY_S)
        _end_what_is_left(child, mark)
    os._exit(0)


def _release_everything() -> None:
    """Hold no pipe, folder or terminal of the child."""
    os.setsid()
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)


def _await_end_of_one(*pids: int) -> None:
    try:
        select.select([os.pidfd_open(pid) for pid in pids], [], [])
    except (AttributeError, OSError):
        while all(map(_is_there, pids)):
            time.sleep(_POLL_S)


def _end_what_is_left(child: int, mark: str) -> None:
    if _is_there(child):
        # The parent ended first. The group's number is still the child's, because it is there.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    empty = 0
    for _ in range(_ROUNDS):
        marked = list(_marked(f"{_MARK}={mark}".encode()))
        for pid in marked:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        empty = 0 if marked else empty + 1
        if empty == _EMPTY_ROUNDS:
            break
        time.sleep(_ROUND_S)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _marked(variable: bytes) -> "Iterator[int]":
    """Yield the processes that have `variable` in the environment they were started with."""
    # Importing pathlib would double the time that a child takes to start (PTH).
    names = os.listdir("/proc") if os.path.isdir("/proc") else []  # noqa: PTH112, PTH208
    for name in filter(str.isdecimal, names):
        # It may end in the meantime, or belong to another user.
        with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
            if variable in file.read().split(b"\0"):
                yield int(name)


if __name__ == "__main__":
    main(sys.argv[1:])
