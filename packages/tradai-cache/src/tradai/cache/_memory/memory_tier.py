"""The memory tier: entries of this process, bounded by count and bytes.

Nothing here locks: whoever changes it holds the lock of the engine. Readers need none, since an
entry that was dropped says so itself.
"""

import math
from collections.abc import Callable
from time import monotonic
from typing import Final, final

from tradai.cache._tier.shared_tier import Place

__all__ = ["Entry", "Local"]

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
        "fresh_until",
        "generation",
        "hand_out",
        "keep_until",
        "loaded_at",
        "place",
        "retry_at",
        "size",
        "value",
        "was_used",
    )

    def __init__(
        self,
        place: Place,
        value: object,
        *,
        generation: int,
        loaded_at: float,
        fresh_until: float,
        keep_until: float,
    ) -> None:
        """Hold `value`, which nobody else can reach; how to hand it out and its size follow."""
        self.place = place
        self.value = value
        self.hand_out: Callable[[object], object] | None = None
        self.size = 0
        self.generation = generation
        self.loaded_at = loaded_at
        self.fresh_until = fresh_until
        self.keep_until = keep_until
        self.retry_at = _NEVER
        self.was_used = False
        self._aliases: list[tuple[dict[tuple[object, ...], Entry], tuple[object, ...]]] = []

    def handed_out(self) -> object:
        """Return the value as a caller may have it."""
        return self.value if self.hand_out is None else self.hand_out(self.value)

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
class Local:
    """Entries by place; the least used ones leave when it is full.

    Eviction goes round like the hand of a clock: an entry that was read since the last round stays
    for another one. So a hit has nothing to move, and needs no lock.
    """

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        """Hold nothing yet."""
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[Place, Entry] = {}
        self._bytes = 0

    def get(self, place: Place) -> Entry | None:
        """Return what is at `place`, expired or not."""
        return self._entries.get(place)

    def put(self, entry: Entry) -> None:
        """Keep `entry` instead of what is at its place, unless it is larger than everything."""
        self.drop(entry.place)
        if entry.size > self._max_bytes:
            return
        left = self._max_bytes - entry.size
        while len(self._entries) >= self._max_entries or self._bytes > left:
            self._evict_one()
        self._entries[entry.place] = entry
        self._bytes += entry.size

    def drop(self, place: Place) -> None:
        """Let go of what is at `place`, if anything."""
        entry = self._entries.pop(place, None)
        if entry is not None:
            self._bytes -= entry.size
            entry.drop()

    def of(self, namespace: str) -> list[Entry]:
        """Return the entries of `namespace`."""
        return [entry for place, entry in self._entries.items() if place.namespace == namespace]

    def _evict_one(self) -> None:
        place, entry = next(iter(self._entries.items()))
        while entry.was_used and monotonic() < entry.keep_until:
            entry.was_used = False
            self._entries[place] = self._entries.pop(place)
            place, entry = next(iter(self._entries.items()))
        self.drop(place)
