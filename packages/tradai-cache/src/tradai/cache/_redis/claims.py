"""Who loads: claims that renew themselves, and those who wait for the end of one."""

import threading
from collections.abc import Callable
from typing import Final, Protocol, final

from tradai.cache._tier.shared_tier import CacheKey

__all__ = ["LEASE_MS", "ClaimRenewer", "ClaimWaiters", "RedisBusy", "RedisClaim"]

# How long a claim outlives its holder: long enough for a process that is starved of CPU, short
# enough for those who wait for one that was killed.
LEASE_MS: Final = 2_000
_RENEWALS_A_LEASE: Final = 4
# Redis' clock and ours do not end a lease in the same instant.
_MARGIN_S: Final = 0.01


class ClaimStore(Protocol):
    """What ends and renews claims."""

    def store_claimed(self, claim: "RedisClaim", sealed: bytes, *, keep_ms: int) -> bool: ...

    def release_claimed(self, claim: "RedisClaim") -> None: ...


@final
class RedisClaim:
    """The right to load one value.

    Attributes:
        place: Where the value belongs.
        epoch: The epoch of its namespace when it was claimed.
        token: Who holds it.
    """

    def __init__(self, lessor: ClaimStore, key: CacheKey, *, epoch: str, token: str) -> None:
        self.key = key
        self.epoch = epoch
        self.token = token
        self._lessor = lessor

    def store(self, sealed: bytes, *, keep_ms: int) -> bool:
        """Keep `sealed`, if the claim still holds, and end it."""
        return self._lessor.store_claimed(self, sealed, keep_ms=keep_ms)

    def release(self) -> None:
        """End it without a value."""
        self._lessor.release_claimed(self)


@final
class ClaimRenewer:
    """Renews the claims of this process, in a thread that lives while there are any."""

    def __init__(self, renew: Callable[[RedisClaim], bool]) -> None:
        """Hold `renew`, which tells whether the claim still holds; it raises nothing."""
        self._renew = renew
        self.reset()

    def reset(self) -> None:
        """Start anew; after a fork, claims and thread are the parent's."""
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
        """Leave `claim` alone."""
        with self._lock:
            self._claims.discard(claim)

    def clear(self) -> None:
        """Leave all claims alone, and let the thread end at once."""
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
            self._lock.wait(LEASE_MS / 1000 / _RENEWALS_A_LEASE)
            if not self._claims:
                self._thread = None
            return list(self._claims)


@final
class ClaimWaiters:
    """Who waits for a message about which place."""

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
        """Expect nothing more."""
        with self._lock:
            waiting = self._events.get(key, set())
            waiting.discard(event)
            if not waiting:
                self._events.pop(key, None)

    def wake(self, key: CacheKey) -> None:
        """Wake who waits for `key`."""
        with self._lock:
            woken = self._events.pop(key, set())
        for event in woken:
            event.set()

    def wake_all(self, namespace: str | None = None) -> None:
        """Wake who waits for any place of `namespace`, or for any at all."""
        with self._lock:
            keys = [key for key in self._events if namespace in {None, key.namespace}]
        for key in keys:
            self.wake(key)


@final
class RedisBusy:
    """A claim that somebody else holds."""

    def __init__(
        self, waiters: ClaimWaiters, key: CacheKey, event: threading.Event, *, left_s: float
    ) -> None:
        self._waiters = waiters
        self._key = key
        self._event = event
        self._left_s = left_s + _MARGIN_S

    def wait(self) -> None:
        """Return when the claim has ended, or should have."""
        self._event.wait(self._left_s)
        self._waiters.remove(self._key, self._event)
