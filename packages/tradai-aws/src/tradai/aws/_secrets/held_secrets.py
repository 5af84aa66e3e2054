"""All that one manager holds: slots, what was made of them, a bound on both."""

import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, final

from tradai.aws._secrets.held_secret import HeldSecret, Reading
from tradai.aws._secrets.identity import SecretIdentity
from tradai.aws._secrets.slot import SecretSlot

__all__ = ["SecretHoldings", "View"]

K = TypeVar("K")
V = TypeVar("V")


@final
@dataclass(frozen=True, slots=True)
class View:
    """A secret as it was asked for, good as long as its slot holds the reading it is made of."""

    slot: SecretSlot
    reading: Reading
    fresh_until_s: float
    secret: HeldSecret[Any]


@final
class SecretHoldings:
    """Slots by what is asked of AWS, views by what callers ask for; both are read without a lock.

    What is used is refreshed, and what is refreshed goes to the end; the first one gives way.
    """

    def __init__(self, make_slot: Callable[[SecretIdentity], SecretSlot], most: int) -> None:
        """Hold nothing yet, and never more than `most`."""
        self.slots: dict[SecretIdentity, SecretSlot] = {}
        self.views: dict[tuple[str, type[Any]], View] = {}
        self._make_slot = make_slot
        self._most = most
        self._lock = threading.Lock()
        _ALL.add(self)

    def slot(self, identity: SecretIdentity) -> SecretSlot:
        """Return the slot for `identity`, made when it is first asked for."""
        found = self.slots.get(identity)
        if found is not None:
            return found
        with self._lock:
            if identity not in self.slots:
                self._keep(self.slots, identity, self._make_slot(identity))
            return self.slots[identity]

    def keep(self, key: tuple[str, type[Any]], view: View) -> None:
        """Hold `view`, in place of an older one."""
        with self._lock:
            self._keep(self.views, key, view)
            self._keep(self.slots, view.slot.identity, view.slot)

    def go_on_after_fork(self) -> None:
        """Leave behind locks and threads that only the parent process has."""
        self._lock = threading.Lock()
        for slot in self.slots.values():
            slot.forget_flight()

    def _keep(self, held: dict[K, V], key: K, value: V) -> None:
        held.pop(key, None)
        while len(held) >= self._most:
            del held[next(iter(held))]
        held[key] = value


_ALL: Final[weakref.WeakSet[SecretHoldings]] = weakref.WeakSet()


def _go_on_after_fork() -> None:
    for holdings in _ALL:
        holdings.go_on_after_fork()


# Must be known to Python before the first fork.
os.register_at_fork(after_in_child=_go_on_after_fork)
