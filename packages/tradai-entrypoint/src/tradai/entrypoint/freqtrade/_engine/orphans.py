"""Orphans that the kernel hands to process 1: they stay zombies until somebody asks for them."""

import contextlib
import os
from pathlib import Path
from typing import Final, final

__all__ = ["Strays"]

_TASKS: Final = Path("/proc/self/task")


@final
class Strays:
    """Reaps orphans when this process is number 1 of its container, and only then.

    A child that is in our own session, or was there before, was started by our own code, which
    waits for it itself; it is never touched, so no exit status is stolen.
    """

    def __init__(self) -> None:
        """Remember the children there are."""
        self.are_ours = os.getpid() == 1
        self._session = os.getsid(0)
        self._known = _children() if self.are_ours else set()

    def spare(self, pid: int) -> None:
        """Leave the child `pid` to whoever started it."""
        self._known.add(pid)

    def reap(self) -> None:
        """Reap the orphans that have ended."""
        if self.are_ours:
            for pid in _children() - self._known:
                self._reap_one(pid)

    def reap_group(self, group: int) -> None:
        """Wait for the orphans of a process group that was killed."""
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-group, 0)

    def _reap_one(self, pid: int) -> None:
        # It may end, or be waited for in another thread, between two of these calls.
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            if os.getsid(pid) != self._session:
                os.waitpid(pid, os.WNOHANG)


def _children() -> set[int]:
    found: set[int] = set()
    for task in _TASKS.iterdir():
        # A thread may end while we look.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found
