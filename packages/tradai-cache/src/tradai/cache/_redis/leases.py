"""Leases on Redis: the right to load a value, renewed while it is held; and waiting for the end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar, final

from tradai.cache._redis.commands import Commands
from tradai.cache._tier.shared_tier import CacheKey

T = TypeVar("T")

# Time for which a lease outlives its holder: long enough for a process that is starved of CPU,
# short enough for the calls that wait for one that was killed.
LEASE_MS: Final = 2_000
_RENEWALS_PER_LEASE: Final = 4
# By our clock, a lease does not end in the same instant as by the clock of Redis.
_MARGIN_S: Final = 0.01


class LeaseOwner(Protocol):
    """Owner of leases: stores their values and ends them."""

    def run(self, commands: Commands[T]) -> T: ...

    async def run_async(self, commands: Commands[T]) -> T: ...

    def storing(self, lease: "RedisLease", sealed: bytes, *, keep_ms: int) -> Commands[bool]: ...

    def releasing(self, lease: "RedisLease") -> Commands[None]: ...


@final
@dataclass(frozen=True, slots=True, eq=False)
class RedisLease:
    """The right to load one value.

    Attributes:
        owner: The tier, which stores and releases it.
        key: The key of the value.
        epoch: The epoch of its namespace when it was acquired.
        token: Random name of the holder.
    """

    owner: LeaseOwner
    key: CacheKey
    epoch: str
    token: str

    def store(self, sealed: bytes, *, keep_ms: int) -> bool:
        """Store `sealed` if the lease still holds, and end it."""
        return self.owner.run(self.owner.storing(self, sealed, keep_ms=keep_ms))

    async def store_async(self, sealed: bytes, *, keep_ms: int) -> bool:
        """Do the same as `store` without blocking the running loop."""
        return await self.owner.run_async(self.owner.storing(self, sealed, keep_ms=keep_ms))

    def release(self) -> None:
        """End it without a value."""
        self.owner.run(self.owner.releasing(self))

    async def release_async(self) -> None:
        """Do the same as `release` without blocking the running loop."""
        await self.owner.run_async(self.owner.releasing(self))


@final
class LeaseRenewer:
    """Renews the leases of this process, in a thread that lives while there are any."""

    def __init__(self, renew: Callable[[RedisLease], bool]) -> None:
        """Take `renew`, which returns whether the lease still holds and never raises."""
        self._renew = renew
        self.reset()

    def reset(self) -> None:
        """Start without leases; after a fork, leases and thread are the parent's."""
        self._lock = threading.Condition()
        self._leases: set[RedisLease] = set()
        self._thread: threading.Thread | None = None

    def add(self, lease: RedisLease) -> None:
        """Renew `lease` from now on."""
        with self._lock:
            self._leases.add(lease)
            if self._thread is None:
                name = "tradai-cache-leases"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def remove(self, lease: RedisLease) -> None:
        """Stop renewing `lease`."""
        with self._lock:
            self._leases.discard(lease)

    def clear(self) -> None:
        """Stop renewing all leases, and end the thread at once."""
        with self._lock:
            self._leases.clear()
            self._lock.notify_all()

    def _run(self) -> None:
        while leases := self._next():
            for lease in leases:
                if not self._renew(lease):
                    self.remove(lease)

    def _next(self) -> list[RedisLease]:
        with self._lock:
            self._lock.wait(LEASE_MS / 1000 / _RENEWALS_PER_LEASE)
            if not self._leases:
                self._thread = None
            return list(self._leases)


@final
class LeaseWaiters:
    """Calls that wait for the end of a lease, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[CacheKey, set[threading.Event]] = {}

    def add(self, key: CacheKey) -> threading.Event:
        """Return an event that is set when the lease of `key` ends."""
        event = threading.Event()
        with self._lock:
            self._events.setdefault(key, set()).add(event)
        return event

    def remove(self, key: CacheKey, event: threading.Event) -> None:
        """Stop waiting."""
        with self._lock:
            events = self._events.get(key, set())
            events.discard(event)
            if not events:
                self._events.pop(key, None)

    def wake(self, key: CacheKey) -> None:
        """Wake the calls that wait for `key`."""
        with self._lock:
            events = self._events.pop(key, set())
        for event in events:
            event.set()

    def wake_all(self, namespace: str | None = None) -> None:
        """Wake the calls that wait for any key of `namespace`, or for any key at all."""
        with self._lock:
            keys = [key for key in self._events if namespace in {None, key.namespace}]
        for key in keys:
            self.wake(key)


@final
@dataclass(frozen=True, slots=True, eq=False)
class RedisBusy:
    """A lease that another process or call holds."""

    waiters: LeaseWaiters
    key: CacheKey
    event: threading.Event
    left_s: float

    def wait(self) -> None:
        """Return when the lease was ended or has expired."""
        self.event.wait(self.left_s + _MARGIN_S)
        self.waiters.remove(self.key, self.event)
