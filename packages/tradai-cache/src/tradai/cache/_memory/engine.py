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

from tradai.cache._memory.memory_tier import Entry, Local
from tradai.cache._memory.single_flight import Abandoned, Flight, Flights, Outcome
from tradai.cache._stats import Breaker, CacheHook, CacheStats, Counters
from tradai.cache._tier.shared_tier import Place, Tier
from tradai.core import LoggerMixin

__all__ = ["Engine", "Expired", "Found"]


@final
@dataclass(frozen=True, slots=True)
class Expired:
    """A value past its time that may be served, and the flight that is to refresh it, if any."""

    entry: Entry
    refresh: Flight | None


# A fresh entry; an expired one; or a flight, and whether the caller leads it.
Found: TypeAlias = Entry | Expired | tuple[Flight, bool]


@final
class _Alone:
    """Stands for the generation of a tier where there is none: nothing is ever in doubt."""

    generation: Final = 0


@final
class Engine(LoggerMixin):
    """The memory tier and the flights of one cache, under one lock.

    The lock is held for look-ups and book-keeping only, never while something is loaded, fetched,
    copied or waited for. It is reentrant because dropping a value may run a finalizer of the user.
    """

    def __init__(self, local: Local, *, hook: CacheHook | None) -> None:
        """Start without a shared tier, and without a key to sign with."""
        self.key: Callable[[], bytes | None] = lambda: None
        self.tier: Tier | None = None
        self._hook = hook
        self._local = local
        self._flights = Flights()
        self._lock = RLock()
        self._is_up = True
        _ENGINES.add(self)
        _watch_forks()

    @property
    def doubts(self) -> "Tier | _Alone":
        """What has the generation that verified entries are of."""
        return _Alone() if self.tier is None else self.tier

    def find(
        self,
        place: Place,
        *,
        loop: AbstractEventLoop | None,
        seen: Callable[[Entry], None],
    ) -> Found:
        """Return what there is for `place`, joining or beginning a flight when that is nothing.

        Look-up and joining are one step: between them a flight could land, and one more begin.
        `seen` is called with a fresh entry, so that the quick way finds it from now on.

        Raises:
            RecursionError: The caller is part of what would be waited for.
        """
        flight = self._flights.get(place)
        if flight is not None and flight.is_orphaned:
            self.abandon(flight)
        with self._lock:
            generation, now = self.doubts.generation, monotonic()
            entry = self._local.get(place)
            if entry is None or entry.generation != generation or entry.keep_until <= now:
                return self._flights.join(place, generation=generation, loop=loop)
            entry.was_used = True
            if now < entry.fresh_until:
                seen(entry)
                return entry
            return Expired(entry, self.begin_refresh(place, loop=loop))

    def begin_refresh(self, place: Place, *, loop: AbstractEventLoop | None) -> Flight | None:
        """Return a flight to refresh `place`; None when there is one, or the last has just failed.

        What was invalidated meanwhile is not refreshed: nobody asked for it since.
        """
        with self._lock:
            entry = self._local.get(place)
            if entry is None or monotonic() < entry.retry_at:
                return None
            return self._flights.begin(place, generation=self.doubts.generation, loop=loop)

    def entry(self, place: Place) -> Entry | None:
        """Return what is in memory, verified or not, unless it is past being kept."""
        with self._lock:
            entry = self._local.get(place)
        return entry if entry is not None and monotonic() < entry.keep_until else None

    def land(
        self, flight: Flight, outcome: Outcome, entry: Entry | None, seen: Callable[[Entry], None]
    ) -> None:
        """End `flight`, keeping `entry` unless it was overtaken or its time is over already."""
        with self._lock:
            is_lost = flight.is_overtaken or entry is None or entry.fresh_until <= monotonic()
            if entry is not None and not is_lost:
                self._local.put(entry)
                seen(entry)
            self._flights.end(flight, outcome)

    def when_done(self, flight: Flight, wake: Callable[[], object]) -> None:
        """Call `wake` when `flight` ends, from whatever thread that comes in."""
        with self._lock:
            flight.when_done(wake)

    def abandon(self, flight: Flight) -> None:
        """End `flight`, whose leader is gone; no effect when it has ended."""
        with self._lock:
            if flight.outcome is None:
                flight.is_overtaken = True
                claim, flight.claim = flight.claim, None
                self._flights.end(flight, Abandoned())
            else:
                claim = None
        if claim is not None:
            claim.release()

    def drop(self, place: Place) -> None:
        """Forget what is at `place`, and let what is under way there not be kept."""
        with self._lock:
            self._local.drop(place)
            self._flights.overtake(place)

    def drop_all(self, namespace: str) -> None:
        """Do so for every place of `namespace`."""
        with self._lock:
            for entry in self._local.of(namespace):
                self._local.drop(entry.place)
            self._flights.overtake_all(namespace)

    # What the tier tells us: elsewhere is as good as here.
    invalidated = drop
    cleared = drop_all

    def went(self, *, is_up: bool, reason: str) -> None:
        """Say that the shared tier came back, or went away."""
        self._is_up = is_up
        if is_up:
            self.logger.info("shared cache is back", extra={"reason": reason})
        else:
            self.logger.warning("shared cache is away", extra={"reason": reason})
        self.tell(lambda hook: hook.went(is_up=is_up, reason=reason))

    def tell(self, what: Callable[[CacheHook], None]) -> None:
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
            entries = self._local.of(namespace)
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
        self._flights = Flights()

    def _breaker(self) -> Breaker:
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
