"""Background refresh of an expired value: in a task for coroutine functions, else in a thread."""

import asyncio
import logging
import threading
from time import monotonic
from typing import Final

from tradai.cache._calls.cached_spec import CallRequest
from tradai.cache._calls.drivers import run, run_async
from tradai.cache._calls.load import fetch_or_load
from tradai.cache._calls.steps import Steps
from tradai.cache._memory.copying import private_copy
from tradai.cache._memory.single_flight import Failed, InFlightLoad, context_outside_loads

# A source that fails at once is not asked again by every call that is served the old value.
_RETRY_S: Final = 1.0

_LOGGER: Final = logging.getLogger(__name__)
# The event loop itself holds only weak references to its tasks.
_TASKS: Final[set[asyncio.Task[None]]] = set()


def start_refresh(request: CallRequest, load: InFlightLoad) -> None:
    """Run `load` in the background."""
    core, context = request.spec.core, context_outside_loads()
    steps = _refresh(_detached(request), load)
    if request.spec.is_async:
        task = asyncio.get_running_loop().create_task(run_async(steps), context=context)
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)
        # The task may be cancelled before its first step.
        task.add_done_callback(lambda _: core.abandon(load))
        return
    try:
        threading.Thread(
            target=context.run, args=(run, steps), name="tradai-cache-refresh", daemon=True
        ).start()
    except RuntimeError:  # no more threads, or the process is shutting down
        core.abandon(load)


def _refresh(request: CallRequest, load: InFlightLoad) -> Steps[None]:
    outcome = yield from fetch_or_load(request, load, is_refresh=True)
    if not isinstance(outcome, Failed):
        return
    entry = request.spec.core.entry(request.key)
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


def _detached(request: CallRequest) -> CallRequest:
    """Return `request` with arguments that its caller, which does not wait, cannot change."""
    values = tuple(map(_detached_argument, request.values))
    return CallRequest(request.spec, values, request.key)


def _detached_argument(value: object) -> object:
    if hasattr(type(value), "__cache_key__"):  # a service, of which there is one
        return value
    try:
        return private_copy(value)
    # Copying runs code of the value's class, which may raise anything.
    except Exception:  # noqa: BLE001
        return value
