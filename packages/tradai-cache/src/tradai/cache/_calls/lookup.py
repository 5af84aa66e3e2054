"""What a cached function does when the quick way has no answer, step by step."""

import asyncio
import logging
import threading
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, Generic, Literal, TypeVar, final

from tradai.cache._calls.cached_spec import CallRequest
from tradai.cache._calls.entries import fetched
from tradai.cache._calls.load import lead
from tradai.cache._calls.steps import Blocking, Fetch, Steps, Wait, run, run_async
from tradai.cache._memory.copying import private_copy
from tradai.cache._memory.engine import Expired
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._memory.single_flight import (
    Abandoned,
    Failed,
    InFlightLoad,
    Loaded,
    Outcome,
    context_outside_loads,
)
from tradai.cache._tier.shared_tier import TierDown

__all__ = ["PeekResult", "get_or_load", "invalidate", "peek"]

T_co = TypeVar("T_co", covariant=True)

# A source that fails at once is not asked again by every caller who is served the old value.
_RETRY_S: Final = 1.0

_LOGGER: Final = logging.getLogger(__name__)
# The event loop itself holds its tasks weakly.
_TASKS: Final[set[asyncio.Task[None]]] = set()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PeekResult(Generic[T_co]):
    """What a cache holds for a call, looked at without loading.

    Attributes:
        value: The value, as a call would get it.
        age_s: Seconds since it was loaded; across hosts, as good as their clocks.
        is_stale: Whether it is past its time, or cannot be verified now.
        tier: ``memory`` of this process, or ``shared``.
    """

    value: T_co
    age_s: float
    is_stale: bool
    tier: Literal["memory", "shared"]


def get_or_load(request: CallRequest) -> Steps[Outcome]:
    """Return the value, or the error of loading it, joining whoever is at it."""
    spec, counters = request.spec, request.spec.counters
    has_waited = False
    while True:
        found = spec.engine.find(request.key, loop=spec.loop, on_hit=request.on_hit)
        if isinstance(found, Entry):
            counters.memory += 1
            return Loaded(found.get_value)
        if isinstance(found, Expired):
            return _expired(request, found)
        load, leads = found
        if leads:
            outcome = yield from lead(request, load)
            return _noted(request, outcome, leads=True)
        counters.coalesced += not has_waited
        has_waited = True
        outcome = yield Wait(spec.engine, load)
        if not isinstance(outcome, Abandoned):
            return _noted(request, outcome, leads=False)


def peek(request: CallRequest) -> Steps[PeekResult[object] | None]:
    """Return what is held, without loading and without keeping what was fetched."""
    spec = request.spec
    entry, tier = spec.engine.entry(request.key), spec.tier
    generation = spec.engine.generation_source.generation
    if entry is not None and (tier is None or entry.generation == generation):
        return _held(entry, is_verified=entry.generation == generation)
    if tier is None:
        return None
    try:
        sealed: bytes | None = yield Fetch(tier, request.key)
    except TierDown:
        may_be_old = entry is not None and spec.policy.on_outage != "fail_closed"
        return _held(entry, is_verified=False) if entry is not None and may_be_old else None
    found = None if sealed is None else fetched(request, sealed, generation=generation)
    if found is None:
        return None
    age_s = monotonic() - found.entry.loaded_at
    return PeekResult(value=found.value, age_s=age_s, is_stale=False, tier="shared")


def invalidate(request: CallRequest) -> Steps[None]:
    """Remove the value here and everywhere.

    Here before, so that nobody waits for the tier to be rid of it; and after, because meanwhile
    somebody may have fetched the old value.
    """
    engine = request.spec.engine
    engine.drop(request.key)
    try:
        if engine.tier is not None:
            yield Blocking(partial(engine.tier.invalidate, request.key))
    finally:
        engine.drop(request.key)


def _expired(request: CallRequest, found: Expired) -> Outcome:
    if found.refresh is not None:
        _refresh(request, found.refresh)
    entry = found.entry
    stale = Loaded(entry.get_value, age_s=monotonic() - entry.loaded_at)
    return _noted(request, stale, leads=False)


def _noted(request: CallRequest, outcome: Outcome, *, leads: bool) -> Outcome:
    """Count a stale answer and tell of it; who leads sees that a fresh one is on its way."""
    spec, namespace = request.spec, request.key.namespace
    if isinstance(outcome, Loaded) and outcome.age_s is not None:
        age_s = outcome.age_s
        spec.counters.stale += 1
        spec.engine.notify_hook(lambda hook: hook.served_stale(namespace, age_s=age_s))
        if leads and spec.policy.on_outage == "fail_open":
            load = spec.engine.begin_refresh(request.key, loop=spec.loop)
            if load is not None:
                _refresh(request, load)
    return outcome if leads or not isinstance(outcome, Failed) else outcome.for_waiter()


def _refresh(request: CallRequest, load: InFlightLoad) -> None:
    """Lead `load` in the background: a task beside tasks, a thread beside threads."""
    engine, context = request.spec.engine, context_outside_loads()
    steps = _refreshed(_apart(request), load)
    if request.spec.is_async:
        task = asyncio.get_running_loop().create_task(run_async(steps), context=context)
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)
        # It may be cancelled before its first step.
        task.add_done_callback(lambda _: engine.abandon(load))
        return
    try:
        threading.Thread(
            target=context.run, args=(run, steps), name="tradai-cache-refresh", daemon=True
        ).start()
    except RuntimeError:  # no more threads, or the process is ending
        engine.abandon(load)


def _apart(request: CallRequest) -> CallRequest:
    """Return `request` with arguments that its caller, who does not wait, cannot change."""
    if request.alias is not None:
        return request
    values = tuple(map(_argument, request.values))
    return CallRequest(request.spec, values, request.key, request.alias)


def _argument(value: object) -> object:
    if hasattr(type(value), "__cache_key__"):  # a service, of which there is one
        return value
    try:
        return private_copy(value)
    # Code of their classes runs here, and what it raises is theirs to choose.
    except Exception:  # noqa: BLE001
        return value


def _refreshed(request: CallRequest, load: InFlightLoad) -> Steps[None]:
    outcome = yield from lead(request, load, is_refresh=True)
    if not isinstance(outcome, Failed):
        return
    entry = request.spec.engine.entry(request.key)
    if entry is not None:
        entry.retry_at = monotonic() + _RETRY_S
    _LOGGER.warning(
        "cache refresh failed",
        extra={
            "namespace": request.key.namespace,
            "function": request.spec.signature.identity,
            "error": type(outcome.error).__name__,
        },
    )


def _held(entry: Entry, *, is_verified: bool) -> PeekResult[object]:
    now = monotonic()
    return PeekResult(
        value=entry.get_value(),
        age_s=now - entry.loaded_at,
        is_stale=not is_verified or now >= entry.fresh_until,
        tier="memory",
    )
