"""Interface of the shared tier: sealed values by key, leases to load, invalidation, events."""

from typing import NamedTuple, Protocol, final


# A state that the cache acts on, not an error that users see.
class TierDown(Exception):  # noqa: N818
    """The shared tier cannot be asked now; the message is for log lines."""


@final
class TierFull(TierDown):
    """The shared tier has no room for new values; stored ones can still be read and removed."""


# A tuple, because a call looks it up several times: a dataclass computes its hash in Python.
@final
class CacheKey(NamedTuple):
    """The key of one value: its namespace with version, and the digest of its call."""

    namespace: str
    digest: bytes

    @property
    def identity(self) -> bytes:
        """Bytes that a sealed value is bound to: under another key it is rejected."""
        return self.namespace.encode() + b":" + self.digest


class Lease(Protocol):
    """The right to load one value for the fleet; it renews itself until it ends."""

    def store(self, sealed: bytes, *, keep_ms: int) -> bool:
        """Store `sealed` for `keep_ms` and end; False when the lease was lost before.

        Raises:
            TierDown: The tier went away in the meantime.
        """

    async def store_async(self, sealed: bytes, *, keep_ms: int) -> bool:
        """Do the same as `store` without blocking the running loop."""

    def release(self) -> None:
        """End without a value, so that another process may load; never raises."""

    async def release_async(self) -> None:
        """Do the same as `release` without blocking the running loop."""


class Busy(Protocol):
    """A lease that another process or call holds."""

    def wait(self) -> None:
        """Return when the lease was used, released or superseded, or has expired; never raises."""


class Tier(Protocol):
    """Sealed values that processes share.

    Attributes:
        generation: Changes whenever invalidations may have been missed. A value read under
            another generation must be read again.
    """

    generation: int

    def has_joined(self, namespace: str) -> bool:
        """Whether `join` has prepared `namespace`, so that its values can be asked for."""

    def join(self, namespace: str) -> None:
        """Prepare to ask for the values of `namespace`; the first call finds the tier.

        Raises:
            TierDown: The tier cannot be asked.
        """

    async def join_async(self, namespace: str) -> None:
        """Do the same as `join` without blocking the running loop."""

    def fetch(self, key: CacheKey) -> bytes | None:
        """Return the sealed value of `key`; raise `TierDown` when the tier cannot be asked."""

    async def fetch_async(self, key: CacheKey) -> bytes | None:
        """Do the same as `fetch` without blocking the running loop."""

    def acquire(self, key: CacheKey) -> bytes | Lease | Busy:
        """Return the value stored by now, or the lease to load it, or that of another call.

        Raises:
            TierFull: There is no value, and no room for one.
            TierDown: The tier cannot be asked.
        """

    async def acquire_async(self, key: CacheKey) -> bytes | Lease | Busy:
        """Do the same as `acquire` without blocking the running loop."""

    def invalidate(self, key: CacheKey) -> None:
        """Remove the value, end its lease, notify every process; when away, after recovery."""

    def clear(self, namespace: str) -> None:
        """Invalidate every key of `namespace` at once."""

    def close(self) -> None:
        """Close connections and threads; closing twice has no effect."""


class TierEvents(Protocol):
    """Callbacks of a tier, called in a thread of its own."""

    def invalidated(self, key: CacheKey) -> None:
        """Handle the invalidation of `key` by another process."""

    def cleared(self, namespace: str) -> None:
        """Handle the clearing of `namespace` by another process."""

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        """Handle the tier coming back or going away."""
