"""A lock that a forked child does not inherit from threads that only its parent has."""

import os
import threading
from contextlib import suppress
from typing import Final, final
from weakref import WeakSet


@final
class ForkLock:
    """A lock that is free in a forked child, whichever thread of the parent held it.

    A thread may take it again while it holds it. The state it guards must be of use after any
    single step, because the child may find it in the middle of the parent's steps.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        """Start free."""
        self.renew()
        _LOCKS.add(self)

    def renew(self) -> None:
        """Start free again, in a forked child."""
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        """Wait for the lock, and hold it."""
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        """Release the lock."""
        # A child that was forked inside the block has another lock, which it does not hold.
        with suppress(RuntimeError):
            self._lock.release()


_LOCKS: Final[WeakSet[ForkLock]] = WeakSet()


def _after_fork_in_child() -> None:
    for lock in tuple(_LOCKS):
        lock.renew()


# Registered before the first fork.
os.register_at_fork(after_in_child=_after_fork_in_child)
