"""Memory tier: the entries of this process, bounded by count and bytes, with clock eviction.

This module does not lock: every caller that changes something holds the lock of `CacheCore`.
Readers need no lock: `drop` sets the entry's expiry to the past, so a reader sees that it is gone.
"""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from time import monotonic
from typing import Final, final

from tradai.cache._tier.shared_tier import CacheKey

_NEVER: Final = -math.inf


@final
@dataclass(slots=True, eq=False)  # not frozen: eviction and refresh change it
class Entry:
    """One value in memory, which no other code can reach; all times are `time.monotonic()`.

    Attributes:
        generation: Of the shared tier when the load or fetch began; when the tier's own differs,
            the entry is unverified.
        copier: Makes a copy for a caller; None when all callers may share the value.
        retry_at: Earliest time of the next refresh after one has failed.
        was_used: Whether it was read since eviction last passed it.
    """

    key: CacheKey
    value: object
    _: KW_ONLY
    generation: int
    loaded_at: float
    fresh_until: float
    keep_until: float
    copier: Callable[[object], object] | None = None
    size: int = 0
    retry_at: float = _NEVER
    was_used: bool = False

    def get_value(self) -> object:
        """Return the value, copied when callers may not share it."""
        return self.value if self.copier is None else self.copier(self.value)

    def drop(self) -> None:
        """Set the expiry to the past for every reader."""
        self.fresh_until = self.keep_until = _NEVER


@final
class MemoryTier:
    """Entries by key; the least used ones are evicted when it is full.

    Eviction passes over the entries like the hand of a clock: an entry that was read since the last
    pass stays for another one. So a hit moves nothing, and needs no lock.
    """

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        """Start empty."""
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self.entries: Final[dict[CacheKey, Entry]] = {}
        self._bytes = 0

    def get(self, key: CacheKey) -> Entry | None:
        """Return the entry of `key`, expired or not."""
        return self.entries.get(key)

    def put(self, entry: Entry) -> None:
        """Replace the entry of its key; an entry larger than the whole tier is not kept."""
        self.drop(entry.key)
        if entry.size > self._max_bytes:
            return
        left = self._max_bytes - entry.size
        while len(self.entries) >= self._max_entries or self._bytes > left:
            self._evict_one()
        self.entries[entry.key] = entry
        self._bytes += entry.size

    def drop(self, key: CacheKey) -> None:
        """Remove the entry of `key`, if there is one."""
        entry = self.entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
            entry.drop()

    def entries_in(self, namespace: str) -> list[Entry]:
        """Return the entries of `namespace`."""
        return [entry for key, entry in self.entries.items() if key.namespace == namespace]

    def _evict_one(self) -> None:
        key, entry = next(iter(self.entries.items()))
        while entry.was_used and monotonic() < entry.keep_until:
            entry.was_used = False
            self.entries[key] = self.entries.pop(key)
            key, entry = next(iter(self.entries.items()))
        self.drop(key)
