"""One load at a time for each place: who leads it, and who waits for what it brings.

Nothing here locks: whoever changes a flight or the table holds the lock of the engine.
"""

import copy
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, ContextVar, Token, copy_context
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from tradai.cache._tier.shared_tier import CacheKey, Claim

__all__ = [
    "Abandoned",
    "Failed",
    "InFlightLoad",
    "InFlightLoads",
    "Loaded",
    "Outcome",
    "context_outside_loads",
    "enter_load",
    "leave_load",
]


@final
@dataclass(slots=True, eq=False)  # not frozen: one is made for every answer
class Loaded:
    """A value; each caller is handed one of its own.

    Attributes:
        age_s: Of a stale value, when it was loaded; None for a fresh one.
    """

    get_value: Callable[[], object]
    age_s: float | None = None


@final
class Failed:
    """An error, which every caller gets."""

    __slots__ = ("_traceback", "error")

    def __init__(self, error: Exception) -> None:
        """Hold `error` with the traceback that it has now."""
        self.error = error
        self._traceback = error.__traceback__

    def for_waiter(self) -> "Failed":
        """Return it with an error that one waiter may raise.

        Raising one object in many places would make its traceback longer with each of them.
        """
        return Failed(_copied(self.error).with_traceback(self._traceback))


@final
@dataclass(frozen=True, slots=True)
class Abandoned:
    """Neither: the leader was cancelled or is gone, and one of the waiters leads next."""


Outcome: TypeAlias = Loaded | Failed | Abandoned


@final
class InFlightLoad:
    """One fetch or load under way.

    Attributes:
        generation: Of the tier when it began; what it brings is as true as that.
        is_overtaken: Whether an invalidation came meanwhile; what it brings is not kept then.
        outcome: None as long as it is under way.
        claim: The right to load for the fleet, while it has that.
        needed: InFlightLoads that must end before this one can.
    """

    __slots__ = (
        "_loop",
        "_wakers",
        "claim",
        "generation",
        "is_superseded",
        "key",
        "needed",
        "outcome",
    )

    def __init__(self, key: CacheKey, *, generation: int, loop: AbstractEventLoop | None) -> None:
        """Begin; `loop` is where its leader runs, None when that is a thread."""
        self.key = key
        self.generation = generation
        self.is_superseded = False
        self.outcome: Outcome | None = None
        self.claim: Claim | None = None
        self._loop = loop
        self._wakers: list[Callable[[], object]] = []
        self.needed: list[InFlightLoad] = []

    @property
    def is_orphaned(self) -> bool:
        """Whether its leader stands still for good: its event loop does not run any more."""
        return self.outcome is None and self._loop is not None and not self._loop.is_running()

    def when_done(self, wake: Callable[[], object]) -> None:
        """Call `wake` at the end, from whatever thread that comes in; at once when it is over."""
        if self.outcome is None:
            self._wakers.append(wake)
        else:
            wake()

    def settle(self, outcome: Outcome) -> None:
        """End with `outcome` and wake everybody; the first end counts."""
        if self.outcome is None:
            self.outcome = outcome
            for wake in self._wakers:
                wake()
            self._wakers.clear()

    def needs(self, other: "InFlightLoad") -> None:
        """Note that this one cannot end before `other`."""
        self.needed = [*(one for one in self.needed if one.outcome is None), other]

    def is_waiting_for(self, others: "tuple[InFlightLoad, ...]") -> bool:
        """Tell whether this one cannot end before one of `others`, by whatever detour."""
        visited: set[InFlightLoad] = set()
        ahead = [self]
        while ahead:
            load = ahead.pop()
            if load in others:
                return True
            if load not in visited and load.outcome is None:
                visited.add(load)
                ahead.extend(load.needed)
        return False


@final
class InFlightLoads:
    """The flights under way, by place."""

    def __init__(self) -> None:
        """Have none."""
        self._loads: dict[CacheKey, InFlightLoad] = {}

    def join(
        self, key: CacheKey, *, generation: int, loop: AbstractEventLoop | None
    ) -> tuple[InFlightLoad, bool]:
        """Return the flight to `key`, and whether the caller leads it.

        Raises:
            RecursionError: The caller is part of what would be waited for.
        """
        led = _led()
        begun = self.begin(key, generation=generation, loop=loop)
        load = begun or self._loads[key]
        if begun is None and load.is_waiting_for(led):
            message = f"a value of {key.namespace} is being loaded by a call that needs it itself"
            raise RecursionError(message)
        if led:
            led[-1].needs(load)
        return load, begun is not None

    def begin(
        self, key: CacheKey, *, generation: int, loop: AbstractEventLoop | None
    ) -> InFlightLoad | None:
        """Return a new flight to `key`; None when there is one."""
        if key in self._loads:
            return None
        return self._loads.setdefault(key, InFlightLoad(key, generation=generation, loop=loop))

    def get(self, key: CacheKey) -> InFlightLoad | None:
        """Return what is under way to `key`."""
        return self._loads.get(key)

    def supersede(self, key: CacheKey) -> None:
        """Let what is under way to `key` not be kept; whoever calls from now on starts anew."""
        load = self._loads.pop(key, None)
        if load is not None:
            load.is_superseded = True

    def supersede_all(self, namespace: str) -> None:
        """Do so for every place of `namespace`."""
        for key in [key for key in self._loads if key.namespace == namespace]:
            self.supersede(key)

    def end(self, load: InFlightLoad, outcome: Outcome) -> None:
        """Take `load` off the table and wake who waits for it."""
        if self._loads.get(load.key) is load:
            del self._loads[load.key]
        load.settle(outcome)


# What the running code loads, outermost first. Tasks and `asyncio.to_thread` inherit it.
_LEADING: Final[ContextVar[tuple[InFlightLoad, ...]]] = ContextVar(
    "tradai_cache_leading", default=()
)


def enter_load(load: InFlightLoad) -> Token[tuple[InFlightLoad, ...]]:
    """Note that what runs from now on is part of `load`."""
    return _LEADING.set((*_led(), load))


def leave_load(token: Token[tuple[InFlightLoad, ...]]) -> None:
    """Note that it is over."""
    # A coroutine that was given up is closed wherever the garbage collector runs.
    with suppress(ValueError):
        _LEADING.reset(token)


def context_outside_loads() -> Context:
    """Return a copy of the context that is part of no flight."""
    context = copy_context()
    context.run(_LEADING.set, ())
    return context


def _led() -> tuple[InFlightLoad, ...]:
    led = _LEADING.get()
    return tuple(load for load in led if load.outcome is None) if led else led


def _copied(error: Exception) -> Exception:
    """Return a copy of `error`, or itself when it cannot be made again from its arguments."""
    try:
        copied = copy.copy(error)
    except Exception:  # noqa: BLE001 - constructors of errors raise anything
        return error
    if type(copied) is not type(error) or copied.args != error.args:
        return error
    copied.__cause__, copied.__context__ = error.__cause__, error.__context__
    copied.__suppress_context__ = error.__suppress_context__
    return copied
