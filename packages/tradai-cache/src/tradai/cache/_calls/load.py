"""The way of the one who leads: ask the shared tier, claim the load, load, keep.

Only one caller of a process is here for a place at a time. What it brings is kept in memory unless
an invalidation came meanwhile, and under the generation at which it began.
"""

import time
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import final

from tradai.cache._calls.cached_spec import Request
from tradai.cache._calls.entries import Fetched, fetched, loaded, sealed
from tradai.cache._calls.steps import Blocking, Course, Fetch, Load, aside
from tradai.cache._errors import CacheUnavailableError
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._memory.single_flight import (
    Abandoned,
    Failed,
    Flight,
    Landed,
    Outcome,
    leave_lead,
    take_lead,
)
from tradai.cache._tier.shared_tier import Busy, Claim, Tier, TierDown

__all__ = ["lead"]


def lead(request: Request, flight: Flight, *, is_refresh: bool = False) -> Course[Outcome]:
    """Bring the value for everybody who is on `flight`."""
    recipe, brought = request.recipe, _Brought(Abandoned())
    try:
        brought = yield from _fetched_or_loaded(request, flight, is_refresh=is_refresh)
    # Not of the load, whose errors are outcomes: a value that no codec takes, a wrong setting.
    except Exception as error:  # noqa: BLE001
        recipe.counters.errors += 1
        brought = _Brought(Failed(error))
    finally:
        recipe.engine.land(flight, brought.outcome, brought.entry, request.seen)
        recipe.counters.overtaken += flight.is_overtaken
    return brought.own or brought.outcome


@final
@dataclass(slots=True, eq=False)
class _Brought:
    """How it ended, and what is to be kept of it."""

    outcome: Outcome
    entry: Entry | None = None
    own: Outcome | None = None  # of the leader, where that is another


def _fetched_or_loaded(request: Request, flight: Flight, *, is_refresh: bool) -> Course[_Brought]:
    tier, claim = request.recipe.tier, None
    if tier is not None:
        try:
            data: bytes | None = yield Fetch(tier, request.place)
            found: Fetched | Claim | None = None
            if data is not None:
                found = fetched(request, data, generation=flight.generation)
            if found is None:
                found = yield from _claimed(request, flight, tier, is_poisoned=data is not None)
        except TierDown:
            return (yield from _on_outage(request, flight, is_refresh=is_refresh))
        if isinstance(found, Fetched):
            request.recipe.counters.shared += 1
            entry = found.entry
            return _Brought(Landed(entry.handed_out), entry, own=Landed(found.taken))
        claim = found
    request.recipe.counters.misses += 1
    return (yield from _loaded(request, flight, claim))


def _claimed(
    request: Request, flight: Flight, tier: Tier, *, is_poisoned: bool
) -> Course[Fetched | Claim]:
    """Return the right to load, or what somebody else has loaded by then."""
    while True:
        if is_poisoned:
            request.recipe.counters.poisoned += 1
            yield Blocking(partial(tier.invalidate, request.place))
        got: bytes | Claim | Busy
        got = yield Blocking(partial(tier.claim, request.place), undo=_let_go)
        is_poisoned = False
        if isinstance(got, bytes):
            found = fetched(request, got, generation=flight.generation)
            if found is not None:
                return found
            is_poisoned = True
        elif hasattr(got, "wait"):
            yield Blocking(got.wait)
        else:
            return got


def _let_go(got: bytes | Claim | Busy) -> None:
    if not isinstance(got, bytes) and not hasattr(got, "wait"):
        got.release()


def _loaded(request: Request, flight: Flight, claim: Claim | None) -> Course[_Brought]:
    """Load, and share the value when there is the right to."""
    flight.claim = claim
    try:
        brought = yield from _load(request, flight)
        yield from _shared(request, flight, brought.entry)
    except Exception:
        yield from _let_others(flight)
        raise
    finally:
        # Cancelled or interrupted: whoever waits elsewhere is told, but not waited for.
        claim, flight.claim = flight.claim, None
        if claim is not None:
            aside(claim.release)
    return brought


def _load(request: Request, flight: Flight) -> Course[_Brought]:
    recipe = request.recipe
    began_s, began, token = time.time(), monotonic(), take_lead(flight)
    try:
        result = yield Load(partial(recipe.signature.call, request.values))
    finally:
        leave_lead(token)
    error = result.error if isinstance(result, Failed) else None
    recipe.counters.loads += 1
    recipe.counters.errors += error is not None
    seconds, namespace = monotonic() - began, request.place.namespace
    recipe.engine.tell(lambda hook: hook.loaded(namespace, seconds=seconds, error=error))
    if isinstance(result, Failed):
        return _Brought(result)
    fresh_s = recipe.freshness.fresh_s(began_s=began_s, ended_s=time.time())
    entry = loaded(request, result, generation=flight.generation, fresh_s=fresh_s)
    return _Brought(Landed(entry.handed_out), entry)


def _shared(request: Request, flight: Flight, entry: Entry | None) -> Course[None]:
    """Store what was loaded, if that is to be shared; let others load it otherwise."""
    data = None if entry is None or flight.claim is None else sealed(request, entry)
    if entry is None or flight.claim is None or data is None:
        yield from _let_others(flight)
        return
    keep_ms = int((entry.fresh_until - monotonic()) * 1_000)
    claim, flight.claim = flight.claim, None
    try:
        is_kept = yield Blocking(partial(claim.store, data, keep_ms=keep_ms))
    except TierDown:
        is_kept = True  # here, under a generation that tells how far it is to be trusted
    flight.is_overtaken = flight.is_overtaken or not is_kept


def _let_others(flight: Flight) -> Course[None]:
    claim, flight.claim = flight.claim, None
    if claim is not None:
        yield Blocking(claim.release)


def _on_outage(request: Request, flight: Flight, *, is_refresh: bool) -> Course[_Brought]:
    """Do what the namespace allows while the shared tier cannot be asked."""
    recipe = request.recipe
    policy = recipe.policy.on_outage
    entry = None if is_refresh else recipe.engine.entry(request.place)
    may_be_stale = policy == "stale_only" or (
        policy == "fail_open" and recipe.freshness.stale_for_s > 0
    )
    if entry is not None and may_be_stale:
        return _Brought(Landed(entry.handed_out, age_s=monotonic() - entry.loaded_at))
    recipe.counters.misses += 1
    if policy == "fail_open":
        return (yield from _loaded(request, flight, None))
    return _Brought(Failed(_unavailable(request)))


def _unavailable(request: Request) -> CacheUnavailableError:
    recipe, namespace = request.recipe, request.place.namespace
    name = recipe.signature.function.__qualname__
    message = (
        f"the shared cache is away, and namespace {namespace} is {recipe.policy.on_outage}: "
        f"expected a value of {name} that can be vouched for; try again when it is back"
    )
    return CacheUnavailableError(message, namespace=namespace)
