"""Cache statistics, the counters behind them, and the hook for rare events."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal, Protocol, Self, final

BreakerState = Literal["none", "closed", "open"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """Counts of a namespace, or of a whole cache, in this process so far.

    Attributes:
        memory: Answers from the memory of this process.
        shared: Answers from the shared tier.
        stale: Expired or unverified answers that the policy allowed.
        misses: Look-ups that found the value in neither tier.
        loads: Calls of cached functions themselves, failed ones included.
        coalesced: Calls that waited for the fetch or load of another call in this process.
        errors: Loads that raised, and values that no codec takes.
        poisoned: Sealed values that were truncated, altered, foreign or unreadable.
        overtaken: Fetches and loads that an invalidation superseded.
        entries: Values in memory now.
        bytes: Their estimated size.
        breaker: ``closed`` while the shared tier is used, ``open`` while it is left alone because
            it failed, ``none`` when there is none.
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
        """Return the sums of `parts`, all of one cache."""
        parts = [*parts]
        names = (field.name for field in fields(cls) if field.name != "breaker")
        sums = {name: sum(getattr(part, name) for part in parts) for name in names}
        return cls(**sums, breaker=parts[-1].breaker if parts else "none")


class CacheHook(Protocol):
    """Hook for rare and expensive events; answers from memory are only counted.

    Called in the thread or task concerned, which waits for it: be quick. Its errors are logged and
    not raised.
    """

    def loaded(self, namespace: str, *, seconds: float, error: Exception | None) -> None:
        """Handle the end of one load: a call of the cached function itself."""

    def served_stale(self, namespace: str, *, age_s: float) -> None:
        """Handle an answer that had expired or could not be verified."""

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        """Handle the shared tier coming back or going away."""


@final
@dataclass(slots=True, eq=False)
class Counters:
    """Counters of one namespace. Not locked: under free threading a count may miss a few."""

    memory: int = 0
    shared: int = 0
    stale: int = 0
    misses: int = 0
    loads: int = 0
    coalesced: int = 0
    errors: int = 0
    poisoned: int = 0
    overtaken: int = 0

    def stats(self, *, entries: int, size: int, breaker: BreakerState) -> CacheStats:
        """Return the present counts."""
        return CacheStats(**asdict(self), entries=entries, bytes=size, breaker=breaker)
