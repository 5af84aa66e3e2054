"""The way of the one who leads: ask the shared tier, claim the load, load, keep.

Only one caller of a process is here for a place at a time. What it brings is kept in memory unless
an invalidation came meanwhile, and under the generation at which it began.
"""

import time
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import final

from tradai.cache._drivers import Blocking, Course, Fetch, Load, aside
from tradai.cache._entries import fetched, loaded, sealed
from tradai.cache._errors import CacheUnavailableError
from tradai.cache._flights import Abandoned, Failed, Flight, Landed, Outcome, leave_lead, take_lead
from tradai.cache._local import Entry
from tradai.cache._recipes import Request
from tradai.cache._tier import Busy, Claim, Tier, TierDown

__all__ = ["lead"]


def lead(request: Request, flight: Flight, *, is_refresh: bool = False) -> Course[Outcome]:
    """Bring the value for everybody who is on `flight`."""
    recipe, brought, token = request.recipe, _Brought(Abandoned()), take_lead(flight)
    try:
        brought = yield from _fetched_or_loaded(request, flight, is_refresh=is_refresh)
    # Not of the load, whose errors are outcomes: a value that no codec takes, a wrong setting.
    except Exception as error:  # noqa: BLE001
        recipe.counters.errors += 1
        brought = _Brought(Failed(error))
    finally:
        leave_lead(token)
        recipe.engine.land(flight, brought.outcome, brought.entry, request.seen)
        recipe.counters.overtaken += flight.is_overtaken
    return brought.own or brought.outcome


@final
@dataclass(frozen=True, slots=True)
class _Brought:
    """How it ended, and what is to be kept of it."""

    outcome: Outcome
    entry: Entry | None = None
    own: Outcome | None = None  # of the leader, where that is another


def _fetched_or_loaded(request: Request, flight: Flight, *, is_refresh: bool) -> Course[_Brought]:
    tier = request.recipe.tier
    if tier is None:
        request.recipe.counters.misses += 1
        return (yield from _loaded(request, flight, None))
    try:
        found = yield from _asked(request, flight, tier)
        if isinstance(found, tuple):
            request.recipe.counters.shared += 1
            value, entry = found
            return _Brought(Landed(entry.handed_out), entry, own=Landed(lambda: value))
        request.recipe.counters.misses += 1
    except TierDown:
        return (yield from _on_outage(request, flight, is_refresh=is_refresh))
    return (yield from _loaded(request, flight, found))


def _asked(request: Request, flight: Flight, tier: Tier) -> Course[tuple[object, Entry] | Claim]:
    """Return what the tier has, or the right to load."""
    got: bytes | Claim | Busy | None = yield Fetch(tier, request.place)
    while True:
        if isinstance(got, bytes):
            found = fetched(request, got, generation=flight.generation)
            if found is not None:
                return found
            request.recipe.counters.poisoned += 1
            yield Blocking(partial(tier.invalidate, request.place))
        elif got is not None and not hasattr(got, "wait"):
            return got
        elif got is not None:
            yield Blocking(got.wait)
        got = yield Blocking(partial(tier.claim, request.place), undo=_let_go)


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
    began_s, began = time.time(), monotonic()
    result = yield Load(partial(recipe.signature.call, request.values))
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
