"""Fetch a value from the shared tier; or acquire its lease, call the function, store its value.

One call at a time does this for a key in a process: the leader, for which the others wait. The
value is kept in memory under the generation in which the leader began, unless an invalidation
came in the meantime.
"""

import time
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import final

from tradai.cache._calls.cached_spec import CallRequest
from tradai.cache._calls.entries import Fetched, decode_entry, encode_entry, new_entry
from tradai.cache._calls.steps import AskTier, Blocking, Fetch, Load, Steps
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
from tradai.cache._tier.background import run_in_background
from tradai.cache._tier.shared_tier import Busy, Lease, Tier, TierDown, TierFull


def fetch_or_load(
    request: CallRequest, load: InFlightLoad, *, is_refresh: bool = False
) -> Steps[Outcome]:
    """Fetch or load the value for every call that waits for `load`."""
    spec, result = request.spec, _Result(Abandoned())
    try:
        result = yield from _fetch_first(request, load, is_refresh=is_refresh)
    # An error of the cached function is an outcome and not raised here. Raised are a wrong setting,
    # and the error for a value that no codec takes.
    except Exception as error:  # noqa: BLE001
        spec.counters.errors += 1
        result = _Result(Failed(error))
    finally:
        spec.core.finish_load(load, result.outcome, result.entry)
        spec.counters.overtaken += load.is_superseded
    return result.leader_outcome or result.outcome


@final
@dataclass(slots=True, eq=False)
class _Result:
    """An outcome, and the entry to keep of it.

    Attributes:
        leader_outcome: The outcome for the leading call, if it is not that of the calls that wait:
            it gets the fetched value itself, they get copies.
    """

    outcome: Outcome
    entry: Entry | None = None
    leader_outcome: Outcome | None = None


def _fetch_first(request: CallRequest, load: InFlightLoad, *, is_refresh: bool) -> Steps[_Result]:
    tier, lease = request.spec.tier, None
    fetched: Fetched | Lease | None
    if tier is not None:
        try:
            fetched = yield from _fetch_or_acquire(request, load, tier)
        except TierFull:
            # It has answered that it has no value: any policy may load.
            fetched = None
        except TierDown:
            return (yield from _on_outage(request, load, is_refresh=is_refresh))
        if isinstance(fetched, Fetched):
            request.spec.counters.shared += 1
            entry = fetched.entry
            return _Result(Loaded(entry.get_value), entry, Loaded(lambda: fetched.value))
        lease = fetched
    request.spec.counters.misses += 1
    return (yield from _load_and_share(request, load, lease))


def _fetch_or_acquire(
    request: CallRequest, load: InFlightLoad, tier: Tier
) -> Steps[Fetched | Lease]:
    """Return the shared value, or the lease to load it when there is none."""
    namespace = request.key.namespace
    if not tier.has_joined(namespace):
        yield AskTier(partial(tier.join, namespace), partial(tier.join_async, namespace))
    # Nothing was read yet: an invalidation before this moment does not concern this load.
    load.generation = tier.generation
    answer: bytes | Lease | Busy | None = yield Fetch(tier, request.key)
    while True:
        if isinstance(answer, bytes):
            fetched = decode_entry(request, answer, generation=load.generation)
            if fetched is not None:
                return fetched
            request.spec.counters.poisoned += 1
            yield Blocking(partial(tier.invalidate, request.key))
        elif answer is not None and hasattr(answer, "wait"):
            yield Blocking(answer.wait)
        elif answer is not None:
            return answer
        acquire = partial(tier.acquire, request.key)
        answer = yield AskTier(acquire, partial(tier.acquire_async, request.key))


def _load_and_share(
    request: CallRequest, load: InFlightLoad, lease: Lease | None
) -> Steps[_Result]:
    """Load, and store the value in the shared tier when this call has the lease."""
    load.lease = lease
    try:
        result = yield from _load(request, load)
        yield from _share(request, load, result.entry)
    except Exception:
        yield from _release_lease(load)
        raise
    finally:
        # Cancelled or interrupted: other processes are notified, but not waited for.
        lease, load.lease = load.lease, None
        if lease is not None:
            run_in_background(lease.release)
    return result


def _load(request: CallRequest, load: InFlightLoad) -> Steps[_Result]:
    spec = request.spec
    began_s, began, token = time.time(), monotonic(), enter_load(load)
    try:
        value = yield Load(partial(spec.signature.call, request.values))
    finally:
        leave_load(token)
    error = value.error if isinstance(value, Failed) else None
    spec.counters.loads += 1
    spec.counters.errors += error is not None
    seconds, namespace = monotonic() - began, request.key.namespace
    spec.core.notify_hook(lambda hook: hook.loaded(namespace, seconds=seconds, error=error))
    if isinstance(value, Failed):
        return _Result(value)
    fresh_s = spec.freshness.fresh_s(began_s=began_s, ended_s=time.time())
    entry = new_entry(request, value, generation=load.generation, fresh_s=fresh_s)
    return _Result(Loaded(entry.get_value), entry)


def _share(request: CallRequest, load: InFlightLoad, entry: Entry | None) -> Steps[None]:
    """Store the loaded value in the shared tier, or let another process load it."""
    data = None if entry is None or load.lease is None else encode_entry(request, entry)
    if entry is None or load.lease is None or data is None:
        yield from _release_lease(load)
        return
    keep_ms = int((entry.fresh_until - monotonic()) * 1_000)
    lease, load.lease = load.lease, None
    try:
        store = partial(lease.store, data, keep_ms=keep_ms)
        is_kept = yield AskTier(store, partial(lease.store_async, data, keep_ms=keep_ms))
    except TierDown:
        is_kept = True  # in memory, under a generation that shows it is not verified
    load.is_superseded = load.is_superseded or not is_kept


def _release_lease(load: InFlightLoad) -> Steps[None]:
    lease, load.lease = load.lease, None
    if lease is not None:
        yield AskTier(lease.release, lease.release_async)


def _on_outage(request: CallRequest, load: InFlightLoad, *, is_refresh: bool) -> Steps[_Result]:
    """Apply the policy of the namespace while the shared tier is unreachable."""
    spec = request.spec
    policy = spec.policy.on_outage
    entry = None if is_refresh else spec.core.entry(request.key)
    serves_stale = {"stale_only": True, "fail_open": spec.freshness.stale_for_s > 0}
    if entry is not None and serves_stale.get(policy, False):
        return _Result(Loaded(entry.get_value, age_s=monotonic() - entry.loaded_at))
    spec.counters.misses += 1
    if policy == "fail_open":
        return (yield from _load_and_share(request, load, None))
    return _Result(Failed(_unavailable_error(request)))


def _unavailable_error(request: CallRequest) -> CacheUnavailableError:
    spec, namespace = request.spec, request.key.namespace
    name = spec.signature.function.__qualname__
    message = (
        f"the shared cache is away, and namespace {namespace} is {spec.policy.on_outage}: "
        f"expected a verified value of {name}; try again when the shared cache is back"
    )
    return CacheUnavailableError(message, namespace=namespace)
