"""What a cached function does when the quick way has no answer, step by step."""

import asyncio
import logging
import threading
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, Generic, Literal, TypeVar, final

from tradai.cache._calls.cached_spec import Request
from tradai.cache._calls.entries import fetched
from tradai.cache._calls.load import lead
from tradai.cache._calls.steps import Blocking, Course, Fetch, Wait, finish, finish_async
from tradai.cache._memory.copying import isolated
from tradai.cache._memory.engine import Expired
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._memory.single_flight import (
    Abandoned,
    Failed,
    Flight,
    Landed,
    Outcome,
    outside_of_flights,
)
from tradai.cache._tier.shared_tier import TierDown

__all__ = ["Held", "answer", "forget", "look"]

T_co = TypeVar("T_co", covariant=True)

# A source that fails at once is not asked again by every caller who is served the old value.
_RETRY_S: Final = 1.0

_LOGGER: Final = logging.getLogger(__name__)
# The event loop itself holds its tasks weakly.
_TASKS: Final[set[asyncio.Task[None]]] = set()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Generic[T_co]):
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


def answer(request: Request) -> Course[Outcome]:
    """Return the value, or the error of loading it, joining whoever is at it."""
    recipe, counters = request.recipe, request.recipe.counters
    has_waited = False
    while True:
        found = recipe.engine.find(request.place, loop=recipe.loop, seen=request.seen)
        if isinstance(found, Entry):
            counters.memory += 1
            return Landed(found.handed_out)
        if isinstance(found, Expired):
            return _expired(request, found)
        flight, leads = found
        if leads:
            outcome = yield from lead(request, flight)
            return _noted(request, outcome, leads=True)
        counters.coalesced += not has_waited
        has_waited = True
        outcome = yield Wait(recipe.engine, flight)
        if not isinstance(outcome, Abandoned):
            return _noted(request, outcome, leads=False)


def look(request: Request) -> Course[Held[object] | None]:
    """Return what is held, without loading and without keeping what was fetched."""
    recipe = request.recipe
    entry, tier = recipe.engine.entry(request.place), recipe.tier
    generation = recipe.engine.doubts.generation
    if entry is not None and (tier is None or entry.generation == generation):
        return _held(entry, is_verified=entry.generation == generation)
    if tier is None:
        return None
    try:
        sealed: bytes | None = yield Fetch(tier, request.place)
    except TierDown:
        may_be_old = entry is not None and recipe.policy.on_outage != "fail_closed"
        return _held(entry, is_verified=False) if entry is not None and may_be_old else None
    found = None if sealed is None else fetched(request, sealed, generation=generation)
    if found is None:
        return None
    age_s = monotonic() - found.entry.loaded_at
    return Held(value=found.value, age_s=age_s, is_stale=False, tier="shared")


def forget(request: Request) -> Course[None]:
    """Remove the value here and everywhere.

    Here before, so that nobody waits for the tier to be rid of it; and after, because meanwhile
    somebody may have fetched the old value.
    """
    engine = request.recipe.engine
    engine.drop(request.place)
    try:
        if engine.tier is not None:
            yield Blocking(partial(engine.tier.invalidate, request.place))
    finally:
        engine.drop(request.place)


def _expired(request: Request, found: Expired) -> Outcome:
    if found.refresh is not None:
        _refresh(request, found.refresh)
    entry = found.entry
    stale = Landed(entry.handed_out, age_s=monotonic() - entry.loaded_at)
    return _noted(request, stale, leads=False)


def _noted(request: Request, outcome: Outcome, *, leads: bool) -> Outcome:
    """Count a stale answer and tell of it; who leads sees that a fresh one is on its way."""
    recipe, namespace = request.recipe, request.place.namespace
    if isinstance(outcome, Landed) and outcome.age_s is not None:
        age_s = outcome.age_s
        recipe.counters.stale += 1
        recipe.engine.tell(lambda hook: hook.served_stale(namespace, age_s=age_s))
        if leads and recipe.policy.on_outage == "fail_open":
            flight = recipe.engine.begin_refresh(request.place, loop=recipe.loop)
            if flight is not None:
                _refresh(request, flight)
    return outcome if leads or not isinstance(outcome, Failed) else outcome.for_waiter()


def _refresh(request: Request, flight: Flight) -> None:
    """Lead `flight` in the background: a task beside tasks, a thread beside threads."""
    engine, context = request.recipe.engine, outside_of_flights()
    course = _refreshed(_apart(request), flight)
    if request.recipe.is_async:
        task = asyncio.get_running_loop().create_task(finish_async(course), context=context)
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)
        # It may be cancelled before its first step.
        task.add_done_callback(lambda _: engine.abandon(flight))
        return
    try:
        threading.Thread(
            target=context.run, args=(finish, course), name="tradai-cache-refresh", daemon=True
        ).start()
    except RuntimeError:  # no more threads, or the process is ending
        engine.abandon(flight)


def _apart(request: Request) -> Request:
    """Return `request` with arguments that its caller, who does not wait, cannot change."""
    if request.alias is not None:
        return request
    values = tuple(map(_argument, request.values))
    return Request(request.recipe, values, request.place, request.alias)


def _argument(value: object) -> object:
    if hasattr(type(value), "__cache_key__"):  # a service, of which there is one
        return value
    try:
        return isolated(value)
    # Code of their classes runs here, and what it raises is theirs to choose.
    except Exception:  # noqa: BLE001
        return value


def _refreshed(request: Request, flight: Flight) -> Course[None]:
    outcome = yield from lead(request, flight, is_refresh=True)
    if not isinstance(outcome, Failed):
        return
    entry = request.recipe.engine.entry(request.place)
    if entry is not None:
        entry.retry_at = monotonic() + _RETRY_S
    _LOGGER.warning(
        "cache refresh failed",
        extra={
            "namespace": request.place.namespace,
            "function": request.recipe.signature.identity,
            "error": type(outcome.error).__name__,
        },
    )


def _held(entry: Entry, *, is_verified: bool) -> Held[object]:
    now = monotonic()
    return Held(
        value=entry.handed_out(),
        age_s=now - entry.loaded_at,
        is_stale=not is_verified or now >= entry.fresh_until,
        tier="memory",
    )
