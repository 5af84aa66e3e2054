"""The memory tier: entries of this process, bounded by count and bytes.

Nothing here locks: whoever changes it holds the lock of the engine. Readers need none, since an
entry that was dropped says so itself.
"""

import math
from collections.abc import Callable
from time import monotonic
from typing import Final, final

from tradai.cache._tier.shared_tier import CacheKey

__all__ = ["Entry", "MemoryTier"]

_NEVER: Final = -math.inf


@final
class Entry:
    """One value in memory; all times are `time.monotonic()`.

    Attributes:
        hand_out: What makes a copy for a caller; None when the value may be handed out itself.
        generation: Of the tier, when the load or fetch began: another one now means unverified.
        was_used: Whether it was read since eviction last looked.
        retry_at: When a refresh may be tried again after one has failed.
    """

    __slots__ = (
        "_aliases",
        "copier",
        "fresh_until",
        "generation",
        "keep_until",
        "key",
        "loaded_at",
        "retry_at",
        "size",
        "value",
        "was_used",
    )

    def __init__(
        self,
        key: CacheKey,
        value: object,
        *,
        generation: int,
        loaded_at: float,
        fresh_until: float,
        keep_until: float,
    ) -> None:
        """Hold `value`, which nobody else can reach; how to hand it out and its size follow."""
        self.key = key
        self.value = value
        self.copier: Callable[[object], object] | None = None
        self.size = 0
        self.generation = generation
        self.loaded_at = loaded_at
        self.fresh_until = fresh_until
        self.keep_until = keep_until
        self.retry_at = _NEVER
        self.was_used = False
        self._aliases: list[tuple[dict[tuple[object, ...], Entry], tuple[object, ...]]] = []

    def get_value(self) -> object:
        """Return the value as a caller may have it."""
        return self.value if self.copier is None else self.copier(self.value)

    def alias(self, entries: "dict[tuple[object, ...], Entry]", key: tuple[object, ...]) -> None:
        """Let `entries` find this under `key` until it is dropped."""
        if self.keep_until != _NEVER and entries.get(key) is not self:
            entries[key] = self
            self._aliases.append((entries, key))

    def drop(self) -> None:
        """End: from now on no reader takes it for a value."""
        self.fresh_until = self.keep_until = _NEVER
        for entries, key in self._aliases:
            if entries.get(key) is self:
                del entries[key]
        self._aliases.clear()


@final
class MemoryTier:
    """Entries by place; the least used ones leave when it is full.

    Eviction goes round like the hand of a clock: an entry that was read since the last round stays
    for another one. So a hit has nothing to move, and needs no lock.
    """

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        """Hold nothing yet."""
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[CacheKey, Entry] = {}
        self._bytes = 0

    def get(self, key: CacheKey) -> Entry | None:
        """Return what is at `key`, expired or not."""
        return self._entries.get(key)

    def put(self, entry: Entry) -> None:
        """Keep `entry` instead of what is at its place, unless it is larger than everything."""
        self.drop(entry.key)
        if entry.size > self._max_bytes:
            return
        left = self._max_bytes - entry.size
        while len(self._entries) >= self._max_entries or self._bytes > left:
            self._evict_one()
        self._entries[entry.key] = entry
        self._bytes += entry.size

    def drop(self, key: CacheKey) -> None:
        """Let go of what is at `key`, if anything."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
            entry.drop()

    def entries_in(self, namespace: str) -> list[Entry]:
        """Return the entries of `namespace`."""
        return [entry for key, entry in self._entries.items() if key.namespace == namespace]

    def _evict_one(self) -> None:
        key, entry = next(iter(self._entries.items()))
        while entry.was_used and monotonic() < entry.keep_until:
            entry.was_used = False
            self._entries[key] = self._entries.pop(key)
            key, entry = next(iter(self._entries.items()))
        self.drop(key)
