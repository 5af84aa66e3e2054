"""The shared tier as the rest of the cache sees it: sealed values under places, and who loads."""

from typing import NamedTuple, Protocol, final

__all__ = ["Busy", "CacheKey", "Claim", "Tier", "TierDown", "TierEvents"]


# A state that callers act on; no caller of ours ever sees it.
class TierDown(Exception):  # noqa: N818
    """The shared tier cannot be asked now; why is for log lines."""


# A tuple, because it is looked up several times in a call: a dataclass hashes in Python.
@final
class CacheKey(NamedTuple):
    """Where one value is kept: its namespace with version, and the digest of its call."""

    namespace: str
    digest: bytes

    @property
    def identity(self) -> bytes:
        """What a sealed value is bound to: the same bytes in another place are foreign."""
        return self.namespace.encode() + b":" + self.digest


class Claim(Protocol):
    """The right to load one value for the fleet; it renews itself until it ends."""

    def store(self, sealed: bytes, *, keep_ms: int) -> bool:
        """Keep `sealed` for `keep_ms` and end; False when it came too late and was not kept.

        Raises:
            TierDown: The tier went away meanwhile.
        """
        ...

    def release(self) -> None:
        """End without a value, so that somebody else may load; never raises."""
        ...


class Busy(Protocol):
    """Somebody else is loading the value."""

    def wait(self) -> None:
        """Return when they have stored, failed, been overtaken or gone; never raises."""
        ...


class Tier(Protocol):
    """Sealed values that processes share.

    Attributes:
        generation: Changes at every doubt about invalidations that may have been missed. What
            was read under another generation must be read again.
    """

    generation: int

    def fetch(self, key: CacheKey) -> bytes | None:
        """Return what is kept at `key`; `TierDown` when it cannot be asked."""
        ...

    async def fetch_async(self, key: CacheKey) -> bytes | None:
        """Do the same without blocking the running loop."""
        ...

    def claim(self, key: CacheKey) -> bytes | Claim | Busy:
        """Return what is kept by now, or the right to load it, or who has that right.

        Raises:
            TierDown: The tier cannot be asked.
        """
        ...

    def invalidate(self, key: CacheKey) -> None:
        """Remove what is kept, end the claim on it, and tell everybody; when down, on recovery."""
        ...

    def clear(self, namespace: str) -> None:
        """Do so for every place of `namespace` at once."""
        ...

    def close(self) -> None:
        """Let go of connections and threads; closing twice is no error."""
        ...


class TierEvents(Protocol):
    """What a tier tells the cache, from a thread of its own."""

    def invalidated(self, key: CacheKey) -> None:
        """Somebody elsewhere invalidated `key`."""
        ...

    def cleared(self, namespace: str) -> None:
        """Somebody elsewhere cleared `namespace`."""
        ...

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        """The tier came back, or went away."""
        ...
