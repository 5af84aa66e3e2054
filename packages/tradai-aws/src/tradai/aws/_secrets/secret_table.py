"""Table of the secrets that one manager holds, up to a bound: their slots, and served values."""

import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, final

from tradai.aws._secrets.held_secret import HeldSecret, SecretVersion
from tradai.aws._secrets.identity import SecretIdentity
from tradai.aws._secrets.slot import SecretSlot

K = TypeVar("K")
V = TypeVar("V")


@final
@dataclass(frozen=True, slots=True)
class CachedSecret:
    """A secret as a caller requested it, valid while its slot holds the same version."""

    slot: SecretSlot
    version: SecretVersion
    fresh_until_s: float
    secret: HeldSecret[Any]


@final
class SecretTable:
    """Slots by name and stage, and cached secrets by the caller's request; read without a lock.

    A refresh moves a secret to the end of the dictionary; the first entry is evicted.
    """

    def __init__(self, new_slot: Callable[[SecretIdentity], SecretSlot], most: int) -> None:
        """Hold nothing yet, and never more than `most` of either."""
        self.slots: dict[SecretIdentity, SecretSlot] = {}
        self.cached: dict[tuple[str, type[Any]], CachedSecret] = {}
        self._new_slot = new_slot
        self._most = most
        self._lock = threading.Lock()
        _INSTANCES.add(self)

    def slot(self, identity: SecretIdentity) -> SecretSlot:
        """Return the slot for `identity`, which is created on first use."""
        slot = self.slots.get(identity)
        if slot is not None:
            return slot
        with self._lock:
            if identity not in self.slots:
                self._put(self.slots, identity, self._new_slot(identity))
            return self.slots[identity]

    def cache(self, key: tuple[str, type[Any]], secret: CachedSecret) -> None:
        """Cache `secret` in place of an older one, and move its slot to the end."""
        with self._lock:
            self._put(self.cached, key, secret)
            self._put(self.slots, secret.slot.identity, secret.slot)

    def reset_after_fork(self) -> None:
        """Drop locks and refreshes that exist in the parent process only."""
        self._lock = threading.Lock()
        for slot in self.slots.values():
            slot.reset()

    def _put(self, entries: dict[K, V], key: K, value: V) -> None:
        entries.pop(key, None)
        while len(entries) >= self._most:
            del entries[next(iter(entries))]
        entries[key] = value


_INSTANCES: Final[weakref.WeakSet[SecretTable]] = weakref.WeakSet()


def _reset_after_fork() -> None:
    for table in _INSTANCES:
        table.reset_after_fork()


# Registered before the first fork.
os.register_at_fork(after_in_child=_reset_after_fork)
