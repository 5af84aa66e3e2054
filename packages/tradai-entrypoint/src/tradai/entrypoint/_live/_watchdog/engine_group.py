"""The engine's process group, which is never mistaken for a later one with the same number.

It may import nothing but the standard library: the watchdog waits in a few megabytes.
"""

import contextlib
import os
import select
import signal
import sys

# Importing typing would cost the watchdog a tenth of its memory.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# Field of /proc/PID/stat after the name of the program: the start, in ticks since the boot.
_STARTED: "Final" = 19
_POLL_S: "Final" = 0.05


class EngineGroup:
    """A process group, held by its leader."""

    def __init__(self, leader: int, *, started: str | None) -> None:
        """Hold the group that `leader` leads.

        Args:
            leader: Process id of the leader, and id of the group.
            started: Start of the leader, as `started_at` gave it to a process that knew it.

        Raises:
            ProcessLookupError: The leader has ended, and its number may belong to another process.
        """
        self._leader = leader
        self._started = started
        self._pidfd = _pidfd(leader)
        # After the descriptor was opened: from now on it is this process and no other.
        if started_at(leader) != started:
            raise ProcessLookupError(leader)

    @property
    def is_running(self) -> bool:
        """Whether the leader lives."""
        return not self._has_ended(0.0)

    def kill(self) -> None:
        """Kill the group, if its leader lives; what a dead leader has left is its guard's."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._leader, signal.SIGKILL)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the leader's end; return whether it came in time."""
        return self._has_ended(timeout_s)

    def close(self) -> None:
        """Let the group go."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _has_ended(self, timeout_s: float) -> bool:
        if self._pidfd is not None:
            return bool(select.select([self._pidfd], [], [], timeout_s)[0])
        for _ in range(int(timeout_s / _POLL_S)):
            if not self._is_there():
                return True
            select.select([], [], [], _POLL_S)
        return not self._is_there()

    def _is_there(self) -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._leader, 0)
            return started_at(self._leader) == self._started
        return False


def started_at(pid: int) -> str | None:
    """Return the start of a process, which no later one with its number has.

    None for a process that is not there, or where the system does not show it.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs a megabyte
            stat = file.read()
    except OSError:
        return None
    # A program's name may hold any character.
    return stat.rpartition(b")")[2].split()[_STARTED].decode()


def _pidfd(pid: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    # A kernel, or a sandbox, that does not have it.
    except OSError:
        return None
