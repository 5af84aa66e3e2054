"""Make each forked child of a process that watches signals a plain child."""

import os
import signal
import threading
from collections.abc import Callable, Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, final


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Watch:
    """Signals that are watched, and the call that ends the watch in a forked child."""

    numbers: AbstractSet[int]
    end_in_child: Callable[[], None]


# The newest last.
_WATCHES: Final[list[Watch]] = []
_FORKING: Final = threading.local()


def add_watch(watch: Watch) -> None:
    """End `watch` in every child that is forked from now on."""
    _WATCHES.append(watch)


def remove_watch(watch: Watch) -> None:
    """Forget `watch`, which a child may have forgotten already."""
    with suppress(ValueError):
        _WATCHES.remove(watch)


def _hold_signals() -> None:
    """Hold back watched signals while the thread forks.

    A child that gets one before it is a plain child would report it to the parent through the pipe
    that both have at that moment, and live on.
    """
    numbers = {number for watch in _WATCHES for number in watch.numbers}
    _FORKING.mask = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


def _release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _FORKING.mask)


def _end_watches() -> None:
    while _WATCHES:
        _WATCHES.pop().end_in_child()
    # Python would print the error and lose it; Ctrl-C in the middle of any fork is lost.
    with suppress(KeyboardInterrupt):
        _release_signals()


# Registered before the first fork.
os.register_at_fork(
    before=_hold_signals, after_in_parent=_release_signals, after_in_child=_end_watches
)
