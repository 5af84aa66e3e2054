"""What one cache holds in this process: its memory, what is under way, and its shared tier."""

import os
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import RLock
from time import monotonic
from typing import Final, TypeAlias, final
from weakref import WeakSet

from tradai.cache._memory.memory_tier import Entry, MemoryTier
from tradai.cache._memory.single_flight import Abandoned, InFlightLoad, InFlightLoads, Outcome
from tradai.cache._stats import BreakerState, CacheHook, CacheStats, Counters
from tradai.cache._tier.shared_tier import CacheKey, Tier
from tradai.core import LoggerMixin

__all__ = ["Engine", "Expired", "Found"]


@final
@dataclass(frozen=True, slots=True)
class Expired:
    """A value past its time that may be served, and the flight that is to refresh it, if any."""

    entry: Entry
    refresh: InFlightLoad | None


# A fresh entry; an expired one; or a flight, and whether the caller leads it.
Found: TypeAlias = Entry | Expired | tuple[InFlightLoad, bool]


@final
class _FixedGeneration:
    """Stands for the generation of a tier where there is none: nothing is ever in doubt."""

    generation: Final = 0


@final
class Engine(LoggerMixin):
    """The memory tier and the flights of one cache, under one lock.

    The lock is held for look-ups and book-keeping only, never while something is loaded, fetched,
    copied or waited for. It is reentrant because dropping a value may run a finalizer of the user.
    """

    def __init__(self, local: MemoryTier, *, hook: CacheHook | None) -> None:
        """Start without a shared tier, and without a key to sign with."""
        self.key: Callable[[], bytes | None] = lambda: None
        self.tier: Tier | None = None
        self._hook = hook
        self._local = local
        self._loads = InFlightLoads()
        self._lock = RLock()
        self._is_up = True
        _ENGINES.add(self)
        _watch_forks()

    @property
    def generation_source(self) -> "Tier | _FixedGeneration":
        """What has the generation that verified entries are of."""
        return _FixedGeneration() if self.tier is None else self.tier

    def find(
        self,
        key: CacheKey,
        *,
        loop: AbstractEventLoop | None,
        on_hit: Callable[[Entry], None],
    ) -> Found:
        """Return what there is for `key`, joining or beginning a flight when that is nothing.

        Look-up and joining are one step: between them a flight could land, and one more begin.
        `on_hit` is called with a fresh entry, so that the quick way finds it from now on.

        Raises:
            RecursionError: The caller is part of what would be waited for.
        """
        load = self._loads.get(key)
        if load is not None and load.is_orphaned:
            self.abandon(load)
        with self._lock:
            generation, now = self.generation_source.generation, monotonic()
            entry = self._local.get(key)
            if entry is None or entry.generation != generation or entry.keep_until <= now:
                return self._loads.join(key, generation=generation, loop=loop)
            entry.was_used = True
            if now < entry.fresh_until:
                on_hit(entry)
                return entry
            return Expired(entry, self.begin_refresh(key, loop=loop))

    def begin_refresh(
        self, key: CacheKey, *, loop: AbstractEventLoop | None
    ) -> InFlightLoad | None:
        """Return a flight to refresh `key`; None when there is one, or the last has just failed.

        What was invalidated meanwhile is not refreshed: nobody asked for it since.
        """
        with self._lock:
            entry = self._local.get(key)
            if entry is None or monotonic() < entry.retry_at:
                return None
            return self._loads.begin(key, generation=self.generation_source.generation, loop=loop)

    def entry(self, key: CacheKey) -> Entry | None:
        """Return what is in memory, verified or not, unless it is past being kept."""
        with self._lock:
            entry = self._local.get(key)
        return entry if entry is not None and monotonic() < entry.keep_until else None

    def land(
        self,
        load: InFlightLoad,
        outcome: Outcome,
        entry: Entry | None,
        on_hit: Callable[[Entry], None],
    ) -> None:
        """End `load`, keeping `entry` unless it was overtaken or its time is over already."""
        with self._lock:
            is_lost = load.is_superseded or entry is None or entry.fresh_until <= monotonic()
            if entry is not None and not is_lost:
                self._local.put(entry)
                on_hit(entry)
            self._loads.end(load, outcome)

    def when_done(self, load: InFlightLoad, wake: Callable[[], object]) -> None:
        """Call `wake` when `load` ends, from whatever thread that comes in."""
        with self._lock:
            load.when_done(wake)

    def abandon(self, load: InFlightLoad) -> None:
        """End `load`, whose leader is gone; no effect when it has ended."""
        with self._lock:
            if load.outcome is None:
                load.is_superseded = True
                claim, load.claim = load.claim, None
                self._loads.end(load, Abandoned())
            else:
                claim = None
        if claim is not None:
            claim.release()

    def drop(self, key: CacheKey) -> None:
        """Forget what is at `key`, and let what is under way there not be kept."""
        with self._lock:
            self._local.drop(key)
            self._loads.supersede(key)

    def drop_all(self, namespace: str) -> None:
        """Do so for every place of `namespace`."""
        with self._lock:
            for entry in self._local.entries_in(namespace):
                self._local.drop(entry.key)
            self._loads.supersede_all(namespace)

    # What the tier tells us: elsewhere is as good as here.
    invalidated = drop
    cleared = drop_all

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        """Say that the shared tier came back, or went away."""
        self._is_up = is_up
        if is_up:
            self.logger.info("shared cache is back", extra={"reason": reason})
        else:
            self.logger.warning("shared cache is away", extra={"reason": reason})
        self.notify_hook(lambda hook: hook.on_tier_change(is_up=is_up, reason=reason))

    def notify_hook(self, what: Callable[[CacheHook], None]) -> None:
        """Tell the hook, whose errors end here: they are none of the caller's."""
        if self._hook is None:
            return
        try:
            what(self._hook)
        # A hook is code of others and may raise anything.
        except Exception:
            self.logger.exception("a cache hook failed")

    def stats(self, namespace: str, counters: Counters) -> CacheStats:
        """Return what was counted for `namespace`."""
        with self._lock:
            entries = self._local.entries_in(namespace)
        size = sum(entry.size for entry in entries)
        return counters.stats(entries=len(entries), size=size, breaker=self._breaker())

    def before_fork(self) -> None:
        """Let nobody be in the middle of a change while the process is copied."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Go on alone: no other thread is here, and none that led a flight."""
        self._lock = RLock()
        self._loads = InFlightLoads()

    def _breaker(self) -> BreakerState:
        if self.tier is None:
            return "none"
        return "closed" if self._is_up else "open"


_ENGINES: Final[WeakSet[Engine]] = WeakSet()


def _each(call: Callable[[Engine], None]) -> Callable[[], None]:
    def call_each() -> None:
        for engine in tuple(_ENGINES):
            call(engine)

    return call_each


@cache
def _watch_forks() -> None:
    """Keep every engine whole across forks; once, and not before there is one."""
    os.register_at_fork(
        before=_each(Engine.before_fork),
        after_in_parent=_each(Engine.after_fork_in_parent),
        after_in_child=_each(Engine.after_fork_in_child),
    )
