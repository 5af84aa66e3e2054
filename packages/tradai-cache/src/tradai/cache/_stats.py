"""What a cache counts, and who may listen."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, Protocol, Self, final

__all__ = ["BreakerState", "CacheHook", "CacheStats", "Counters"]

BreakerState = Literal["none", "closed", "open"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """What a namespace, or a cache, has done in this process so far.

    Attributes:
        memory: Answers from the memory of this process.
        shared: Answers from the shared tier.
        stale: Answers past their time or that could not be verified, as the policy allowed.
        misses: Times that neither tier had the value.
        loads: Calls of cached functions themselves, failed ones included.
        coalesced: Calls that waited for somebody else's fetch or load in this process.
        errors: Loads that raised, and values that no codec takes.
        poisoned: Sealed values that were truncated, altered, foreign or unreadable.
        overtaken: Fetches and loads that an invalidation made useless.
        entries: Values in memory now.
        bytes: Their size.
        breaker: Whether the shared tier is used (``closed``), is left alone because it failed
            (``open``), or there is ``none``.
    """

    memory: int = 0
    shared: int = 0
    stale: int = 0
    misses: int = 0
    loads: int = 0
    coalesced: int = 0
    errors: int = 0
    poisoned: int = 0
    overtaken: int = 0
    entries: int = 0
    bytes: int = 0
    breaker: BreakerState = "none"

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """Return the sums of `parts`, which are of one cache."""
        total = cls()
        for part in parts:
            sums = {
                field.name: getattr(total, field.name) + getattr(part, field.name)
                for field in fields(cls)
                if field.name != "breaker"
            }
            total = cls(**sums, breaker=part.breaker)
        return total


class CacheHook(Protocol):
    """Is told what is rare and dear; answers from memory are only counted.

    Called in the thread or task that it concerns, which waits for it: be quick. What it raises is
    logged and goes no further.
    """

    def loaded(self, namespace: str, *, seconds: float, error: Exception | None) -> None:
        """Take note of one call of a cached function itself."""
        ...

    def served_stale(self, namespace: str, *, age_s: float) -> None:
        """Take note of an answer past its time, or that could not be verified."""
        ...

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        """Take note that the shared tier came back, or went away."""
        ...


@final
class Counters:
    """Counts of one namespace. Not locked: under free threading a count may miss a few."""

    __slots__ = (
        "coalesced",
        "errors",
        "loads",
        "memory",
        "misses",
        "overtaken",
        "poisoned",
        "shared",
        "stale",
    )

    def __init__(self) -> None:
        """Start at zero."""
        self.memory = self.shared = self.stale = self.misses = self.loads = 0
        self.coalesced = self.errors = self.poisoned = self.overtaken = 0

    def stats(self, *, entries: int, size: int, breaker: BreakerState) -> CacheStats:
        """Return the present counts."""
        counts = {name: getattr(self, name) for name in self.__slots__}
        return CacheStats(**counts, entries=entries, bytes=size, breaker=breaker)
