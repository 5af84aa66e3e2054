"""Steps of `cached()`, `peek()` and `invalidate()`: look in memory, join a load, or start one."""

from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Generic, Literal, TypeVar, final

from tradai.cache._calls.cached_spec import CallRequest
from tradai.cache._calls.entries import decode_entry
from tradai.cache._calls.load import fetch_or_load
from tradai.cache._calls.refresh import start_refresh
from tradai.cache._calls.steps import Blocking, Fetch, Steps, Wait
from tradai.cache._memory.cache_core import Expired
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._memory.single_flight import Abandoned, Failed, Loaded, Outcome
from tradai.cache._tier.shared_tier import TierDown

T_co = TypeVar("T_co", covariant=True)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PeekResult(Generic[T_co]):
    """A cached value, looked at without loading it.

    Attributes:
        value: The value, as a call would get it.
        age_s: Seconds since it was loaded; across hosts, as exact as their clocks.
        is_stale: Whether it has expired, or cannot be verified now.
        tier: ``memory`` of this process, or ``shared``.
    """

    value: T_co
    age_s: float
    is_stale: bool
    tier: Literal["memory", "shared"]


def get_or_load(request: CallRequest) -> Steps[Outcome]:
    """Return the value or the error of loading it, joining a load that is under way."""
    spec, counters = request.spec, request.spec.counters
    has_waited = False
    while True:
        found = spec.core.find_or_join(request.key, loop=spec.loop)
        if isinstance(found, Entry):
            counters.memory += 1
            return Loaded(found.get_value)
        if isinstance(found, Expired):
            return _serve_stale(request, found)
        load, is_leader = found
        if is_leader:
            outcome = yield from fetch_or_load(request, load)
            return _count_stale(request, outcome, is_leader=True)
        counters.coalesced += not has_waited
        has_waited = True
        outcome = yield Wait(spec.core, load)
        if not isinstance(outcome, Abandoned):
            return _count_stale(request, outcome, is_leader=False)


def peek(request: CallRequest) -> Steps[PeekResult[object] | None]:
    """Return the cached value without loading it and without keeping a fetched one."""
    spec = request.spec
    entry, tier = spec.core.entry(request.key), spec.tier
    generation = spec.core.generation_source.generation
    if entry is not None and (tier is None or entry.generation == generation):
        return _peek_entry(entry, is_verified=entry.generation == generation)
    if tier is None:
        return None
    try:
        sealed: bytes | None = yield Fetch(tier, request.key)
    except TierDown:
        if entry is None or spec.policy.on_outage == "fail_closed":
            return None
        return _peek_entry(entry, is_verified=False)
    fetched = None if sealed is None else decode_entry(request, sealed, generation=generation)
    if fetched is None:
        return None
    age_s = monotonic() - fetched.entry.loaded_at
    return PeekResult(value=fetched.value, age_s=age_s, is_stale=False, tier="shared")


def invalidate(request: CallRequest) -> Steps[None]:
    """Remove the value in this process and in the fleet.

    Memory is cleared before, so that no call here waits for the shared tier, and again after it,
    because a call may have fetched the old value in the meantime.
    """
    core = request.spec.core
    core.drop(request.key)
    try:
        if core.tier is not None:
            yield Blocking(partial(core.tier.invalidate, request.key))
    finally:
        core.drop(request.key)


def _serve_stale(request: CallRequest, expired: Expired) -> Outcome:
    if expired.refresh is not None:
        start_refresh(request, expired.refresh)
    entry = expired.entry
    stale = Loaded(entry.get_value, age_s=monotonic() - entry.loaded_at)
    return _count_stale(request, stale, is_leader=False)


def _count_stale(request: CallRequest, outcome: Outcome, *, is_leader: bool) -> Outcome:
    """Count and report a stale answer; the leading call also starts a refresh."""
    spec, namespace = request.spec, request.key.namespace
    if isinstance(outcome, Loaded) and outcome.age_s is not None:
        age_s = outcome.age_s
        spec.counters.stale += 1
        spec.core.notify_hook(lambda hook: hook.served_stale(namespace, age_s=age_s))
        if is_leader and spec.policy.on_outage == "fail_open":
            load = spec.core.begin_refresh(request.key, loop=spec.loop)
            if load is not None:
                start_refresh(request, load)
    return outcome if is_leader or not isinstance(outcome, Failed) else outcome.for_waiter()


def _peek_entry(entry: Entry, *, is_verified: bool) -> PeekResult[object]:
    now = monotonic()
    return PeekResult(
        value=entry.get_value(),
        age_s=now - entry.loaded_at,
        is_stale=not is_verified or now >= entry.fresh_until,
        tier="memory",
    )
