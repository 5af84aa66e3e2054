"""Core of one cache: its memory tier, its loads in flight, its shared tier, and fork safety."""

import os
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from threading import RLock
from time import monotonic
from typing import Final, NoReturn, TypeAlias, final
from weakref import WeakSet

from tradai.cache._memory.memory_tier import Entry, MemoryTier
from tradai.cache._memory.single_flight import Abandoned, InFlightLoad, InFlightLoads, Outcome
from tradai.cache._stats import BreakerState, CacheHook, CacheStats, Counters
from tradai.cache._tier.shared_tier import CacheKey, Tier
from tradai.core import LoggerMixin


@final
@dataclass(frozen=True, slots=True)
class Expired:
    """An expired value that may still be served, and the load to refresh it with, if any."""

    entry: Entry
    refresh: InFlightLoad | None


# A fresh entry; an expired one; or a load in flight, and whether the caller leads it.
Lookup: TypeAlias = Entry | Expired | tuple[InFlightLoad, bool]


@final
class _FixedGeneration:
    """The generation without a shared tier: it never changes."""

    generation: Final = 0


@final
class CacheCore(LoggerMixin):
    """The memory tier and the loads in flight of one cache, under one lock.

    The lock is held for look-ups and book-keeping only, never while a value is loaded, fetched,
    copied or waited for. It is reentrant because dropping a value may run a finalizer of the user.
    """

    def __init__(self, memory: MemoryTier, *, hook: CacheHook | None) -> None:
        """Start without a shared tier and without a signing key."""
        self.signing_key: Callable[[], bytes | None] = lambda: None
        self.tier: Tier | None = None
        self._hook = hook
        self._memory = memory
        self._loads = InFlightLoads()
        self._lock = RLock()
        self._is_up = True
        with _CORES_LOCK:
            _CORES.add(self)
            _register_fork_handlers()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            TypeError: Always.
        """
        message = (
            "a cache cannot be pickled or copied: it belongs to its process; make one in each "
            "process, at the same address, to share values"
        )
        raise TypeError(message)

    @property
    def entries(self) -> Mapping[CacheKey, Entry]:
        """The entries in memory, to be read without the lock."""
        return self._memory.entries

    @property
    def generation_source(self) -> "Tier | _FixedGeneration":
        """The object with the present generation; an entry of another one is unverified."""
        return _FixedGeneration() if self.tier is None else self.tier

    def find_or_join(self, key: CacheKey, *, loop: AbstractEventLoop | None) -> Lookup:
        """Return the entry of `key`; join or start its load when there is none.

        Look-up and joining are one step: between them a load could end and another one start.

        Raises:
            RecursionError: Waiting would deadlock: that load is itself waiting for this call.
        """
        load = self._loads.get(key)
        if load is not None and load.is_orphaned:
            self.abandon(load)
        with self._lock:
            generation, now = self.generation_source.generation, monotonic()
            entry = self._memory.get(key)
            if entry is None or entry.generation != generation or entry.keep_until <= now:
                return self._loads.join(key, generation=generation, loop=loop)
            entry.was_used = True
            if now < entry.fresh_until:
                return entry
            return Expired(entry, self.begin_refresh(key, loop=loop))

    def begin_refresh(
        self, key: CacheKey, *, loop: AbstractEventLoop | None
    ) -> InFlightLoad | None:
        """Return a load to refresh `key`; None when one is in flight or the last one just failed.

        An entry that was invalidated is not refreshed: no call has asked for it since.
        """
        with self._lock:
            entry = self._memory.get(key)
            if entry is None or monotonic() < entry.retry_at:
                return None
            return self._loads.begin(key, generation=self.generation_source.generation, loop=loop)

    def entry(self, key: CacheKey) -> Entry | None:
        """Return the entry of `key`, verified or not, while it may be kept."""
        with self._lock:
            entry = self._memory.get(key)
        return entry if entry is not None and monotonic() < entry.keep_until else None

    def finish_load(self, load: InFlightLoad, outcome: Outcome, entry: Entry | None) -> None:
        """End `load`; keep `entry` unless the load was superseded or the entry has expired."""
        with self._lock:
            is_lost = load.is_superseded or entry is None or entry.fresh_until <= monotonic()
            if entry is not None and not is_lost:
                self._memory.put(entry)
            self._loads.end(load, outcome)

    def add_done_callback(self, load: InFlightLoad, callback: Callable[[], object]) -> None:
        """Call `callback` when `load` ends, in the thread that ends it."""
        with self._lock:
            load.add_done_callback(callback)

    def abandon(self, load: InFlightLoad) -> None:
        """End `load`, whose leader is gone; no effect when it has ended."""
        with self._lock:
            if load.outcome is None:
                load.is_superseded = True
                lease, load.lease = load.lease, None
                self._loads.end(load, Abandoned())
            else:
                lease = None
        if lease is not None:
            lease.release()

    def drop(self, key: CacheKey) -> None:
        """Remove the entry of `key`, and keep no value of a load in flight."""
        with self._lock:
            self._memory.drop(key)
            self._loads.supersede(key)

    def drop_all(self, namespace: str) -> None:
        """Remove every entry of `namespace`, and keep no value of its loads in flight."""
        with self._lock:
            for entry in self._memory.entries_in(namespace):
                self._memory.drop(entry.key)
            self._loads.supersede_all(namespace)

    # Events of the shared tier: an invalidation by another process has the same effect.
    invalidated = drop
    cleared = drop_all

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        """Log and report that the shared tier came back or went away."""
        self._is_up = is_up
        if is_up:
            self.logger.info("shared cache is back", extra={"reason": reason})
        else:
            self.logger.warning("shared cache is away", extra={"reason": reason})
        self.notify_hook(lambda hook: hook.on_tier_change(is_up=is_up, reason=reason))

    def notify_hook(self, notify: Callable[[CacheHook], None]) -> None:
        """Call the hook; its errors are logged and never reach the caller."""
        if self._hook is None:
            return
        try:
            notify(self._hook)
        # A hook is the user's code and may raise anything.
        except Exception:
            self.logger.exception("a cache hook failed")

    def stats(self, namespace: str, counters: Counters) -> CacheStats:
        """Return the counts of `namespace`."""
        with self._lock:
            entries = self._memory.entries_in(namespace)
        size = sum(entry.size for entry in entries)
        return counters.stats(entries=len(entries), size=size, breaker=self._breaker_state())

    def before_fork(self) -> None:
        """Hold the lock, so that no change is under way while the process is copied."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Release the lock."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start with no loads in flight: the threads that led them exist only in the parent."""
        self._lock = RLock()
        self._loads = InFlightLoads()

    def _breaker_state(self) -> BreakerState:
        if self.tier is None:
            return "none"
        return "closed" if self._is_up else "open"


_CORES: Final[WeakSet[CacheCore]] = WeakSet()
# Held during a fork too: what is locked before it must be what is released after it.
_CORES_LOCK: Final = RLock()


def _before_fork() -> None:
    _CORES_LOCK.acquire()
    for core in tuple(_CORES):
        core.before_fork()


def _after_fork_in_parent() -> None:
    for core in tuple(_CORES):
        core.after_fork_in_parent()
    _CORES_LOCK.release()


def _after_fork_in_child() -> None:
    for core in tuple(_CORES):
        core.after_fork_in_child()
    _CORES_LOCK.release()


@cache
def _register_fork_handlers() -> None:
    """Keep every cache consistent across forks; runs once, with the first cache."""
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
