"""The way of the one who leads: ask the shared tier, claim the load, load, keep.

Only one caller of a process is here for a place at a time. What it brings is kept in memory unless
an invalidation came meanwhile, and under the generation at which it began.
"""

import time
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, final

from tradai.cache._drivers import Blocking, Course, Fetch, Load, aside
from tradai.cache._envelope import Envelope, seal, unseal
from tradai.cache._errors import CacheUnavailableError
from tradai.cache._flights import Abandoned, Failed, Flight, Landed, Outcome, leading
from tradai.cache._isolation import hand_out_for, isolated, size_of
from tradai.cache._local import Entry
from tradai.cache._recipes import Request
from tradai.cache._tier import Busy, Claim, Tier, TierDown
from tradai.cache._values import Uncacheable, Undecodable

__all__ = ["lead", "opened"]

# Redis counts in milliseconds.
_LEAST_S: Final = 0.001


def lead(request: Request, flight: Flight, *, is_refresh: bool = False) -> Course[Outcome]:
    """Bring the value for everybody who is on `flight`."""
    engine = request.recipe.engine
    brought = _Brought(Abandoned())
    with leading(flight):
        try:
            brought = yield from _fetched_or_loaded(request, flight, is_refresh=is_refresh)
        # Not only of the load, which comes as an outcome: also wrong settings of the tier.
        except Exception as error:  # noqa: BLE001
            request.recipe.counters.errors += 1
            brought = _Brought(Failed(error))
        finally:
            engine.land(flight, brought.outcome, brought.entry, request.seen)
            request.recipe.counters.overtaken += flight.is_overtaken
    return brought.outcome


def opened(request: Request, sealed: bytes, *, generation: int) -> Entry | None:
    """Return what the shared tier keeps as an entry; None when it is poisoned."""
    recipe = request.recipe
    envelope = unseal(sealed, identity=request.place.identity, key=recipe.engine.key())
    if envelope is None:
        return None
    try:
        value = recipe.codec.decode(envelope.payload)
    except Undecodable:
        return None
    now_s = time.time()
    # The tier's own clock says that it is kept; ours, or the writer's, may be wrong by any amount.
    own_s = recipe.freshness.fresh_s(began_s=now_s, ended_s=now_s)
    fresh_s = min(own_s, max(0.0, envelope.fresh_until_ms / 1_000 - now_s))
    age_s = max(0.0, now_s - envelope.loaded_ms / 1_000)
    return _entry(request, value, generation=generation, fresh_s=fresh_s, age_s=age_s)


@final
@dataclass(frozen=True, slots=True)
class _Brought:
    """How it ended, and what is to be kept of it."""

    outcome: Outcome
    entry: Entry | None = None


def _fetched_or_loaded(request: Request, flight: Flight, *, is_refresh: bool) -> Course[_Brought]:
    tier = request.recipe.tier
    if tier is None:
        request.recipe.counters.misses += 1
        return (yield from _loaded(request, flight, None))
    try:
        found = yield from _asked(request, flight, tier)
        if isinstance(found, Entry):
            request.recipe.counters.shared += 1
            return _Brought(Landed(found.handed_out), found)
        request.recipe.counters.misses += 1
    except TierDown:
        return (yield from _on_outage(request, flight, is_refresh=is_refresh))
    return (yield from _loaded(request, flight, found))


def _asked(request: Request, flight: Flight, tier: Tier) -> Course[Entry | Claim]:
    """Return what the tier has, or the right to load."""
    got: bytes | Claim | Busy | None = yield Fetch(tier, request.place)
    while True:
        if isinstance(got, bytes):
            entry = opened(request, got, generation=flight.generation)
            if entry is not None:
                return entry
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
    entry = _entry(request, isolated(result), generation=flight.generation, fresh_s=fresh_s)
    return _Brought(Landed(entry.handed_out), entry)


def _shared(request: Request, flight: Flight, entry: Entry | None) -> Course[None]:
    """Store what was loaded, if that is to be shared; let others load it otherwise."""
    sealed = None if entry is None or flight.claim is None else _sealed(request, entry)
    if entry is None or flight.claim is None or sealed is None:
        yield from _let_others(flight)
        return
    keep_ms = int((entry.fresh_until - monotonic()) * 1_000)
    claim, flight.claim = flight.claim, None
    try:
        is_kept = yield Blocking(partial(claim.store, sealed, keep_ms=keep_ms))
    except TierDown:
        is_kept = True  # here, under a generation that tells how far it is to be trusted
    flight.is_overtaken = flight.is_overtaken or not is_kept


def _let_others(flight: Flight) -> Course[None]:
    claim, flight.claim = flight.claim, None
    if claim is not None:
        yield Blocking(claim.release)


def _sealed(request: Request, entry: Entry) -> bytes | None:
    """Return the value for the shared tier; None when it is to stay here."""
    recipe = request.recipe
    now_s, left_s = time.time(), entry.fresh_until - monotonic()
    if left_s < _LEAST_S:
        return None
    try:
        payload = recipe.codec.encode(entry.value)
    except Uncacheable:
        return None
    envelope = Envelope(
        payload=payload,
        loaded_ms=int(now_s * 1_000),
        fresh_until_ms=int((now_s + left_s) * 1_000),
        keep_until_ms=int((now_s + left_s + recipe.freshness.stale_for_s) * 1_000),
    )
    return seal(envelope, identity=request.place.identity, key=recipe.engine.key())


def _entry(
    request: Request, value: object, *, generation: int, fresh_s: float, age_s: float = 0.0
) -> Entry:
    now = monotonic()
    stale_s = request.recipe.freshness.stale_for_s if fresh_s > 0 else 0.0
    return Entry(
        request.place,
        value,
        hand_out=hand_out_for(value),
        size=size_of(value),
        generation=generation,
        loaded_at=now - age_s,
        fresh_until=now + fresh_s,
        keep_until=now + fresh_s + stale_s,
    )


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
