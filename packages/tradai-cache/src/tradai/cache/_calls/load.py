"""The way of the one who leads: ask the shared tier, claim the load, load, keep.

Only one caller of a process is here for a place at a time. What it brings is kept in memory unless
an invalidation came meanwhile, and under the generation at which it began.
"""

import time
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import final

from tradai.cache._calls.cached_spec import CallRequest
from tradai.cache._calls.entries import Fetched, fetched, loaded, sealed
from tradai.cache._calls.steps import Blocking, Fetch, Load, Steps, run_in_background
from tradai.cache._errors import CacheUnavailableError
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._memory.single_flight import (
    Abandoned,
    Failed,
    InFlightLoad,
    Loaded,
    Outcome,
    enter_load,
    leave_load,
)
from tradai.cache._tier.shared_tier import Busy, Claim, Tier, TierDown

__all__ = ["lead"]


def lead(request: CallRequest, load: InFlightLoad, *, is_refresh: bool = False) -> Steps[Outcome]:
    """Bring the value for everybody who is on `load`."""
    spec, brought = request.spec, _Result(Abandoned())
    try:
        brought = yield from _fetched_or_loaded(request, load, is_refresh=is_refresh)
    # Not of the load, whose errors are outcomes: a value that no codec takes, a wrong setting.
    except Exception as error:  # noqa: BLE001
        spec.counters.errors += 1
        brought = _Result(Failed(error))
    finally:
        spec.engine.land(load, brought.outcome, brought.entry, request.on_hit)
        spec.counters.overtaken += load.is_superseded
    return brought.own or brought.outcome


@final
@dataclass(slots=True, eq=False)
class _Result:
    """How it ended, and what is to be kept of it."""

    outcome: Outcome
    entry: Entry | None = None
    own: Outcome | None = None  # of the leader, where that is another


def _fetched_or_loaded(
    request: CallRequest, load: InFlightLoad, *, is_refresh: bool
) -> Steps[_Result]:
    tier, claim = request.spec.tier, None
    if tier is not None:
        try:
            data: bytes | None = yield Fetch(tier, request.key)
            found: Fetched | Claim | None = None
            if data is not None:
                found = fetched(request, data, generation=load.generation)
            if found is None:
                found = yield from _claimed(request, load, tier, is_poisoned=data is not None)
        except TierDown:
            return (yield from _on_outage(request, load, is_refresh=is_refresh))
        if isinstance(found, Fetched):
            request.spec.counters.shared += 1
            entry = found.entry
            return _Result(Loaded(entry.get_value), entry, own=Loaded(found.taken))
        claim = found
    request.spec.counters.misses += 1
    return (yield from _loaded(request, load, claim))


def _claimed(
    request: CallRequest, load: InFlightLoad, tier: Tier, *, is_poisoned: bool
) -> Steps[Fetched | Claim]:
    """Return the right to load, or what somebody else has loaded by then."""
    while True:
        if is_poisoned:
            request.spec.counters.poisoned += 1
            yield Blocking(partial(tier.invalidate, request.key))
        got: bytes | Claim | Busy
        got = yield Blocking(partial(tier.claim, request.key), undo=_let_go)
        is_poisoned = False
        if isinstance(got, bytes):
            found = fetched(request, got, generation=load.generation)
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


def _loaded(request: CallRequest, load: InFlightLoad, claim: Claim | None) -> Steps[_Result]:
    """Load, and share the value when there is the right to."""
    load.claim = claim
    try:
        brought = yield from _load(request, load)
        yield from _shared(request, load, brought.entry)
    except Exception:
        yield from _let_others(load)
        raise
    finally:
        # Cancelled or interrupted: whoever waits elsewhere is told, but not waited for.
        claim, load.claim = load.claim, None
        if claim is not None:
            run_in_background(claim.release)
    return brought


def _load(request: CallRequest, load: InFlightLoad) -> Steps[_Result]:
    spec = request.spec
    began_s, began, token = time.time(), monotonic(), enter_load(load)
    try:
        result = yield Load(partial(spec.signature.call, request.values))
    finally:
        leave_load(token)
    error = result.error if isinstance(result, Failed) else None
    spec.counters.loads += 1
    spec.counters.errors += error is not None
    seconds, namespace = monotonic() - began, request.key.namespace
    spec.engine.notify_hook(lambda hook: hook.loaded(namespace, seconds=seconds, error=error))
    if isinstance(result, Failed):
        return _Result(result)
    fresh_s = spec.freshness.fresh_s(began_s=began_s, ended_s=time.time())
    entry = loaded(request, result, generation=load.generation, fresh_s=fresh_s)
    return _Result(Loaded(entry.get_value), entry)


def _shared(request: CallRequest, load: InFlightLoad, entry: Entry | None) -> Steps[None]:
    """Store what was loaded, if that is to be shared; let others load it otherwise."""
    data = None if entry is None or load.claim is None else sealed(request, entry)
    if entry is None or load.claim is None or data is None:
        yield from _let_others(load)
        return
    keep_ms = int((entry.fresh_until - monotonic()) * 1_000)
    claim, load.claim = load.claim, None
    try:
        is_kept = yield Blocking(partial(claim.store, data, keep_ms=keep_ms))
    except TierDown:
        is_kept = True  # here, under a generation that tells how far it is to be trusted
    load.is_superseded = load.is_superseded or not is_kept


def _let_others(load: InFlightLoad) -> Steps[None]:
    claim, load.claim = load.claim, None
    if claim is not None:
        yield Blocking(claim.release)


def _on_outage(request: CallRequest, load: InFlightLoad, *, is_refresh: bool) -> Steps[_Result]:
    """Do what the namespace allows while the shared tier cannot be asked."""
    spec = request.spec
    policy = spec.policy.on_outage
    entry = None if is_refresh else spec.engine.entry(request.key)
    may_be_stale = policy == "stale_only" or (
        policy == "fail_open" and spec.freshness.stale_for_s > 0
    )
    if entry is not None and may_be_stale:
        return _Result(Loaded(entry.get_value, age_s=monotonic() - entry.loaded_at))
    spec.counters.misses += 1
    if policy == "fail_open":
        return (yield from _loaded(request, load, None))
    return _Result(Failed(_unavailable(request)))


def _unavailable(request: CallRequest) -> CacheUnavailableError:
    spec, namespace = request.spec, request.key.namespace
    name = spec.signature.function.__qualname__
    message = (
        f"the shared cache is away, and namespace {namespace} is {spec.policy.on_outage}: "
        f"expected a value of {name} that can be vouched for; try again when it is back"
    )
    return CacheUnavailableError(message, namespace=namespace)
