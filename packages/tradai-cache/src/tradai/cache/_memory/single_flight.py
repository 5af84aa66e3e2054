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

from tradai.cache._tier.shared_tier import Claim, Place

__all__ = [
    "Abandoned",
    "Failed",
    "Flight",
    "Flights",
    "Landed",
    "Outcome",
    "leave_lead",
    "outside_of_flights",
    "take_lead",
]


@final
@dataclass(slots=True, eq=False)  # not frozen: one is made for every answer
class Landed:
    """A value; each caller is handed one of its own.

    Attributes:
        age_s: Of a stale value, when it was loaded; None for a fresh one.
    """

    hand_out: Callable[[], object]
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


Outcome: TypeAlias = Landed | Failed | Abandoned


@final
class Flight:
    """One fetch or load under way.

    Attributes:
        generation: Of the tier when it began; what it brings is as true as that.
        is_overtaken: Whether an invalidation came meanwhile; what it brings is not kept then.
        outcome: None as long as it is under way.
        claim: The right to load for the fleet, while it has that.
        needed: Flights that must end before this one can.
    """

    __slots__ = (
        "_loop",
        "_wakers",
        "claim",
        "generation",
        "is_overtaken",
        "needed",
        "outcome",
        "place",
    )

    def __init__(self, place: Place, *, generation: int, loop: AbstractEventLoop | None) -> None:
        """Begin; `loop` is where its leader runs, None when that is a thread."""
        self.place = place
        self.generation = generation
        self.is_overtaken = False
        self.outcome: Outcome | None = None
        self.claim: Claim | None = None
        self._loop = loop
        self._wakers: list[Callable[[], object]] = []
        self.needed: list[Flight] = []

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

    def needs(self, other: "Flight") -> None:
        """Note that this one cannot end before `other`."""
        self.needed = [*(one for one in self.needed if one.outcome is None), other]

    def is_waiting_for(self, others: "tuple[Flight, ...]") -> bool:
        """Tell whether this one cannot end before one of `others`, by whatever detour."""
        seen: set[Flight] = set()
        ahead = [self]
        while ahead:
            flight = ahead.pop()
            if flight in others:
                return True
            if flight not in seen and flight.outcome is None:
                seen.add(flight)
                ahead.extend(flight.needed)
        return False


@final
class Flights:
    """The flights under way, by place."""

    def __init__(self) -> None:
        """Have none."""
        self._flights: dict[Place, Flight] = {}

    def join(
        self, place: Place, *, generation: int, loop: AbstractEventLoop | None
    ) -> tuple[Flight, bool]:
        """Return the flight to `place`, and whether the caller leads it.

        Raises:
            RecursionError: The caller is part of what would be waited for.
        """
        led = _led()
        begun = self.begin(place, generation=generation, loop=loop)
        flight = begun or self._flights[place]
        if begun is None and flight.is_waiting_for(led):
            message = f"a value of {place.namespace} is being loaded by a call that needs it itself"
            raise RecursionError(message)
        if led:
            led[-1].needs(flight)
        return flight, begun is not None

    def begin(
        self, place: Place, *, generation: int, loop: AbstractEventLoop | None
    ) -> Flight | None:
        """Return a new flight to `place`; None when there is one."""
        if place in self._flights:
            return None
        return self._flights.setdefault(place, Flight(place, generation=generation, loop=loop))

    def get(self, place: Place) -> Flight | None:
        """Return what is under way to `place`."""
        return self._flights.get(place)

    def overtake(self, place: Place) -> None:
        """Let what is under way to `place` not be kept; whoever calls from now on starts anew."""
        flight = self._flights.pop(place, None)
        if flight is not None:
            flight.is_overtaken = True

    def overtake_all(self, namespace: str) -> None:
        """Do so for every place of `namespace`."""
        for place in [place for place in self._flights if place.namespace == namespace]:
            self.overtake(place)

    def end(self, flight: Flight, outcome: Outcome) -> None:
        """Take `flight` off the table and wake who waits for it."""
        if self._flights.get(flight.place) is flight:
            del self._flights[flight.place]
        flight.settle(outcome)


# What the running code loads, outermost first. Tasks and `asyncio.to_thread` inherit it.
_LEADING: Final[ContextVar[tuple[Flight, ...]]] = ContextVar("tradai_cache_leading", default=())


def take_lead(flight: Flight) -> Token[tuple[Flight, ...]]:
    """Note that what runs from now on is part of `flight`."""
    return _LEADING.set((*_led(), flight))


def leave_lead(token: Token[tuple[Flight, ...]]) -> None:
    """Note that it is over."""
    # A coroutine that was given up is closed wherever the garbage collector runs.
    with suppress(ValueError):
        _LEADING.reset(token)


def outside_of_flights() -> Context:
    """Return a copy of the context that is part of no flight."""
    context = copy_context()
    context.run(_LEADING.set, ())
    return context


def _led() -> tuple[Flight, ...]:
    led = _LEADING.get()
    return tuple(flight for flight in led if flight.outcome is None) if led else led


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
