"""Make each forked child of a process that watches signals a plain child."""

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

# The call that ends a watch in a child, with the signals that are watched; the newest last.
_WATCHES: Final[dict[Callable[[], None], Iterable[int]]] = {}
_FORKING: Final = threading.local()


def add_watch(end_in_child: Callable[[], None], numbers: Iterable[int]) -> None:
    """Call `end_in_child` in every child that is forked while the signals `numbers` are watched."""
    _WATCHES[end_in_child] = numbers


def remove_watch(end_in_child: Callable[[], None]) -> None:
    """Forget a watch; in a child it is forgotten already."""
    _WATCHES.pop(end_in_child, None)


def _hold_signals() -> None:
    """Hold back watched signals while the thread forks.

    A child that gets one before it is a plain child would report it to the parent through the pipe
    that both have at that moment, and live on.
    """
    numbers = set(itertools.chain(*_WATCHES.values()))
    _FORKING.mask = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


def _release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _FORKING.mask)


def _end_watches() -> None:
    while _WATCHES:
        end_in_child, _ = _WATCHES.popitem()
        end_in_child()
    # Python would print the error and lose it; Ctrl-C in the middle of any fork is lost.
    with suppress(KeyboardInterrupt):
        _release_signals()


# Registered before the first fork.
os.register_at_fork(
    before=_hold_signals, after_in_parent=_release_signals, after_in_child=_end_watches
)
