"""Claims to load: leases on Redis that renew themselves, and the calls that wait for their end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, final

from tradai.cache._tier.shared_tier import CacheKey

# Time for which a claim outlives its holder: long enough for a process that is starved of CPU,
# short enough for the calls that wait for one that was killed.
LEASE_MS: Final = 2_000
_RENEWALS_PER_LEASE: Final = 4
# The clock of Redis and ours do not end a lease in the same instant.
_MARGIN_S: Final = 0.01


class ClaimStore(Protocol):
    """Owner of claims: stores their values and ends them."""

    def store_claimed(self, claim: "RedisClaim", sealed: bytes, *, keep_ms: int) -> bool: ...

    def release_claimed(self, claim: "RedisClaim") -> None: ...


@final
@dataclass(frozen=True, slots=True, eq=False)
class RedisClaim:
    """The right to load one value.

    Attributes:
        owner: The tier, which stores and releases it.
        key: The key of the value.
        epoch: The epoch of its namespace when it was claimed.
        token: Random name of the holder.
    """

    owner: ClaimStore
    key: CacheKey
    epoch: str
    token: str

    def store(self, sealed: bytes, *, keep_ms: int) -> bool:
        """Store `sealed` if the claim still holds, and end it."""
        return self.owner.store_claimed(self, sealed, keep_ms=keep_ms)

    def release(self) -> None:
        """End it without a value."""
        self.owner.release_claimed(self)


@final
class ClaimRenewer:
    """Renews the claims of this process, in a thread that lives while there are any."""

    def __init__(self, renew: Callable[[RedisClaim], bool]) -> None:
        """Take `renew`, which returns whether the claim still holds and never raises."""
        self._renew = renew
        self.reset()

    def reset(self) -> None:
        """Start without claims; after a fork, claims and thread are the parent's."""
        self._lock = threading.Condition()
        self._claims: set[RedisClaim] = set()
        self._thread: threading.Thread | None = None

    def add(self, claim: RedisClaim) -> None:
        """Renew `claim` from now on."""
        with self._lock:
            self._claims.add(claim)
            if self._thread is None:
                name = "tradai-cache-leases"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def remove(self, claim: RedisClaim) -> None:
        """Stop renewing `claim`."""
        with self._lock:
            self._claims.discard(claim)

    def clear(self) -> None:
        """Stop renewing all claims, and end the thread at once."""
        with self._lock:
            self._claims.clear()
            self._lock.notify_all()

    def _run(self) -> None:
        while claims := self._next():
            for claim in claims:
                if not self._renew(claim):
                    self.remove(claim)

    def _next(self) -> list[RedisClaim]:
        with self._lock:
            self._lock.wait(LEASE_MS / 1000 / _RENEWALS_PER_LEASE)
            if not self._claims:
                self._thread = None
            return list(self._claims)


@final
class ClaimWaiters:
    """Calls that wait for the end of a claim, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[CacheKey, set[threading.Event]] = {}

    def add(self, key: CacheKey) -> threading.Event:
        """Return an event that is set when the claim on `key` ends."""
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
    """A claim that another process or call holds."""

    waiters: ClaimWaiters
    key: CacheKey
    event: threading.Event
    left_s: float

    def wait(self) -> None:
        """Return when the claim has ended, or its lease has run out."""
        self.event.wait(self.left_s + _MARGIN_S)
        self.waiters.remove(self.key, self.event)
