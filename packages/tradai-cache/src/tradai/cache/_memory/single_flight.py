"""Single flight: one load at a time for each key, led by one call while the others wait.

This module does not lock: every caller that changes a load or the table holds the lock of
`CacheCore`.
"""

import copy
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, ContextVar, Token, copy_context
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, TypeAlias, final

from tradai.cache._tier.shared_tier import CacheKey, Lease


@final
@dataclass(slots=True, eq=False)  # not frozen: one is made for every answer
class Loaded:
    """A value; each caller gets its own copy from `get_value`.

    Attributes:
        age_s: Seconds since a stale value was loaded; None for a fresh one.
    """

    get_value: Callable[[], object]
    age_s: float | None = None


@final
class Failed:
    """An error that every caller gets."""

    __slots__ = ("_traceback", "error")

    def __init__(self, error: Exception) -> None:
        """Hold `error` with its present traceback."""
        self.error = error
        self._traceback = error.__traceback__

    def for_waiter(self) -> "Failed":
        """Return it with a copy of the error for one waiter to raise.

        Raising one object in many places would make its traceback longer with each of them.
        """
        return Failed(_copy_error(self.error).with_traceback(self._traceback))


@final
@dataclass(frozen=True, slots=True)
class Abandoned:
    """No outcome: the leader was cancelled or is gone, and one of the waiters leads next."""


Outcome: TypeAlias = Loaded | Failed | Abandoned


@final
@dataclass(slots=True, eq=False)  # not frozen: it ends
class InFlightLoad:
    """One fetch or load that is under way.

    Attributes:
        generation: Of the shared tier when it began; its value is verified for that one only.
        loop: The event loop of its leader; None when that is a thread.
        is_superseded: Whether an invalidation came in the meantime: its value is not kept then.
        outcome: None while it is under way.
        lease: The right to load for the fleet, while the leader has it.
        dependencies: Loads that must end before this one can.
    """

    key: CacheKey
    _: KW_ONLY
    generation: int
    loop: AbstractEventLoop | None
    is_superseded: bool = False
    outcome: "Outcome | None" = None
    lease: Lease | None = None
    dependencies: list["InFlightLoad"] = field(default_factory=list)
    _callbacks: list[Callable[[], object]] = field(default_factory=list)

    @property
    def is_orphaned(self) -> bool:
        """Whether its leader can never go on: its event loop has stopped."""
        return self.outcome is None and self.loop is not None and not self.loop.is_running()

    def add_done_callback(self, callback: Callable[[], object]) -> None:
        """Call `callback` at the end, in the thread that ends it; at once when it has ended."""
        if self.outcome is None:
            self._callbacks.append(callback)
        else:
            callback()

    def settle(self, outcome: Outcome) -> None:
        """End with `outcome` and run the callbacks; a second end has no effect."""
        if self.outcome is None:
            self.outcome = outcome
            for callback in self._callbacks:
                callback()
            self._callbacks.clear()

    def add_dependency(self, load: "InFlightLoad") -> None:
        """Record that this load cannot end before `load`."""
        pending = (known for known in self.dependencies if known.outcome is None)
        self.dependencies = [*pending, load]

    def depends_on_any(self, loads: "tuple[InFlightLoad, ...]") -> bool:
        """Tell whether this load, directly or indirectly, cannot end before one of `loads`."""
        visited: set[InFlightLoad] = set()
        pending = [self]
        while pending:
            load = pending.pop()
            if load in loads:
                return True
            if load not in visited and load.outcome is None:
                visited.add(load)
                pending.extend(load.dependencies)
        return False


@final
class InFlightLoads:
    """The loads under way, by key."""

    def __init__(self) -> None:
        """Start empty."""
        self._loads: dict[CacheKey, InFlightLoad] = {}

    def join(
        self, key: CacheKey, *, generation: int, loop: AbstractEventLoop | None
    ) -> tuple[InFlightLoad, bool]:
        """Return the load of `key`, and whether the caller leads it.

        Raises:
            RecursionError: Waiting would deadlock: that load is itself waiting for this call.
        """
        current = _current_loads()
        begun = self.begin(key, generation=generation, loop=loop)
        load = begun or self._loads[key]
        if begun is None and load.depends_on_any(current):
            message = f"a value of {key.namespace} is being loaded by a call that needs it itself"
            raise RecursionError(message)
        if current:
            current[-1].add_dependency(load)
        return load, begun is not None

    def begin(
        self, key: CacheKey, *, generation: int, loop: AbstractEventLoop | None
    ) -> InFlightLoad | None:
        """Return a new load of `key`; None when there is one."""
        if key in self._loads:
            return None
        return self._loads.setdefault(key, InFlightLoad(key, generation=generation, loop=loop))

    def get(self, key: CacheKey) -> InFlightLoad | None:
        """Return the load of `key` that is under way."""
        return self._loads.get(key)

    def supersede(self, key: CacheKey) -> None:
        """Keep no value of the load of `key`; the next call starts a new load."""
        load = self._loads.pop(key, None)
        if load is not None:
            load.is_superseded = True

    def supersede_all(self, namespace: str) -> None:
        """Keep no value of the loads of `namespace`."""
        for key in [key for key in self._loads if key.namespace == namespace]:
            self.supersede(key)

    def end(self, load: InFlightLoad, outcome: Outcome) -> None:
        """Remove `load` from the table and settle it."""
        if self._loads.get(load.key) is load:
            del self._loads[load.key]
        load.settle(outcome)


# The loads that the running code is part of, outermost first. Tasks and `asyncio.to_thread` inherit
# it.
_CURRENT: Final[ContextVar[tuple[InFlightLoad, ...]]] = ContextVar("tradai_cache_loads", default=())


def enter_load(load: InFlightLoad) -> Token[tuple[InFlightLoad, ...]]:
    """Mark the code that runs from now on as part of `load`."""
    return _CURRENT.set((*_current_loads(), load))


def leave_load(token: Token[tuple[InFlightLoad, ...]]) -> None:
    """Undo `enter_load`."""
    # An abandoned coroutine is closed in whichever context the garbage collector runs.
    with suppress(ValueError):
        _CURRENT.reset(token)


def context_outside_loads() -> Context:
    """Return a copy of the context that is part of no load."""
    context = copy_context()
    context.run(_CURRENT.set, ())
    return context


def _current_loads() -> tuple[InFlightLoad, ...]:
    loads = _CURRENT.get()
    return tuple(load for load in loads if load.outcome is None) if loads else loads


def _copy_error(error: Exception) -> Exception:
    """Return a copy of `error`; `error` itself when its arguments do not make an equal one."""
    try:
        copied = copy.copy(error)
    except Exception:  # noqa: BLE001 - constructors of errors raise anything
        return error
    if type(copied) is not type(error) or copied.args != error.args:
        return error
    copied.__cause__, copied.__context__ = error.__cause__, error.__context__
    copied.__suppress_context__ = error.__suppress_context__
    return copied
