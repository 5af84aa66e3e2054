"""When tradai is process 1 of a container, reap orphaned processes; no other process does.

Without that they stay zombies.
"""

import contextlib
import os
from pathlib import Path
from typing import Final, final

_TASKS: Final = Path("/proc/self/task")


@final
class OrphanReaper:
    """Reaps orphans when this process is number 1 of its container, and only then.

    A child that is in our own session, or was there before, was started by our own code, which
    waits for it itself. It is left alone, so that its exit status is not lost.

    Attributes:
        is_active: Whether this process is number 1.
    """

    def __init__(self) -> None:
        """Note the children that there are already."""
        self.is_active = os.getpid() == 1
        self._session = os.getsid(0)
        self._known = _children() if self.is_active else set()

    def exclude(self, pid: int) -> None:
        """Leave the child `pid` to the code that started it."""
        self._known.add(pid)

    def reap(self) -> None:
        """Reap the orphans that have ended."""
        if self.is_active:
            for pid in _children() - self._known:
                self._reap_one(pid)

    def reap_group(self, group: int) -> None:
        """Wait for the orphans of a process group that was killed."""
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-group, 0)

    def _reap_one(self, pid: int) -> None:
        # It may end, or another thread may wait for it, between two of these calls.
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            if os.getsid(pid) != self._session:
                os.waitpid(pid, os.WNOHANG)


def _children() -> set[int]:
    children: set[int] = set()
    for task in _TASKS.iterdir():
        # A thread may end in the meantime.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children |= {int(pid) for pid in (task / "children").read_text().split()}
    return children
